// The worker's side, with ports that the test holds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../source/connect.js';
import { makeHub } from '../source/hub.js';
import { World, message } from './world.mjs';

class Pages extends World {
  serve = makeHub((url, options) => connect(url, { ...options, env: this.env }));

  open() {
    const port = { heard: [], postMessage: (data) => port.heard.push(data) };
    this.serve(port);
    port.say = (data) => port.onmessage({ data });
    port.join = (positions, options = {}) => {
      port.heard = [];
      port.say({ join: 'http://host/subscribe/news', options: { channels: undefined, ...options, positions } });
    };
    port.told = () => port.heard.filter(({ type }) => type === 'message' || type === 'gap')
      .map(({ type, detail }) => detail.data ?? type);
    return port;
  }
}

async function twoPages(options) {
  const world = new Pages();
  const [one, two] = [world.open(), world.open()];
  one.join(undefined, options);
  await world.settle();
  world.socket.subscribe('news', 'a-0').say(message('news', 'a-1', 'one')).say(message('news', 'a-2', 'two'));
  return { world, one, two };
}

test('two pages share one connection, and the last closes it', async () => {
  const { world, one, two } = await twoPages();
  two.join();
  world.socket.say(message('news', 'a-3', 'three'));
  assert.deepEqual([one.told(), two.told()], [['one', 'two', 'three'], ['three']]);
  assert.equal(world.sockets.length, 1);
  one.say({ leave: true });
  assert.ok(!world.socket.isClosed);
  two.say({ leave: true });
  assert.ok(world.socket.isClosed);
});

test('a later page gets the history that it asks for', async () => {
  const { world, two } = await twoPages({ history: 1 });
  two.join(undefined, { history: 1 });
  assert.deepEqual(two.told(), ['two']);
  assert.equal(world.sockets.length, 1);
});

test('a page that comes back gets what it has missed', async () => {
  const { world, one, two } = await twoPages();
  two.join();
  one.say({ leave: true });
  world.socket.say(message('news', 'a-3', 'three'));
  one.join({ news: 'a-2' });
  assert.deepEqual(one.told(), ['three']);
  one.join({ news: 'a-3' });
  assert.deepEqual(one.told(), []);
});

test('a page that comes back too late is told', async () => {
  const { world, one, two } = await twoPages();
  two.join();
  one.say({ leave: true });
  for (let i = 3; i < 600; ++i) world.socket.say(message('news', `a-${i}`, i));
  one.join({ news: 'a-2' });
  assert.equal(one.told()[0], 'gap');
  assert.equal(one.told().length, 501);
});

test('where the worker has begun anew the connection resumes where the page was', async () => {
  const { world, one } = await twoPages();
  one.say({ leave: true });
  one.join({ news: 'a-2' });
  await world.settle();
  assert.equal(world.socket.url.searchParams.get('after'), 'a-2');
});

test('a page behind where that has begun is told', async () => {
  const world = new Pages();
  const [one, two] = [world.open(), world.open()];
  one.join({ news: 'a-5' });
  two.join({ news: 'a-2' });
  await world.settle();
  world.socket.subscribe('news', 'a-5', true).say(message('news', 'a-6', 'six'));
  assert.deepEqual([one.told(), two.told()], [['six'], ['gap', 'six']]);
});

test('a token is asked of a page', async () => {
  const world = new Pages();
  const one = world.open();
  one.say({ join: 'http://host/subscribe/news', options: {}, hasToken: true });
  await world.settle();
  assert.deepEqual(one.heard.at(-1), { wantsToken: { refused: false } });
  one.say({ token: 't' });
  await world.settle();
  assert.deepEqual(world.socket.protocols, ['channel.json', 'bearer.t']);
});
