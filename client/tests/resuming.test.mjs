import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World, message } from './world.mjs';

test('resumes where the page has taken the last message', async () => {
  const world = new World();
  await world.connect();
  assert.equal(world.socket.url.href, 'ws://host/subscribe/news?heartbeat=25');
  assert.deepEqual(world.socket.protocols, ['channel.json']);
  world.socket.subscribe('news', 'a-7').say(message('news', 'a-8', 'eight')).end();
  assert.equal(world.client.positions.news, 'a-8');
  await world.pass(1000);
  assert.equal(world.socket.url.searchParams.get('after'), 'a-8');
  world.socket.subscribe('news', 'a-9', true).say(message('news', 'a-9', 'nine'));
  assert.deepEqual(world.texts(), ['eight', 'nine']);
  assert.deepEqual(world.told('gap'), []);
});

test('where the channel stood is where a page resumes that has taken nothing', async () => {
  const world = new World();
  await world.connect();
  world.socket.subscribe('news', 'a-7').end();
  await world.pass(1000);
  assert.equal(world.socket.url.searchParams.get('after'), 'a-7');
});

test('cut off in its first history it goes on in it', async () => {
  const world = new World();
  await world.connect('/subscribe', { channels: ['news'], history: 3 });
  assert.equal(world.socket.url.searchParams.get('history'), '3');
  world.socket.subscribe('news', 'a-7').end();
  await world.pass(1000);
  assert.equal(world.socket.url.searchParams.get('after'), 'a-4');
  world.socket.subscribe('news', 'a-7', true).say(message('news', 'a-5', 'five')).end();
  await world.pass(2000);
  assert.equal(world.socket.url.searchParams.get('after'), 'a-5');
});

test('a history that has run out is no gap', async () => {
  const world = new World();
  await world.connect('/subscribe', { channels: ['news'], history: 3 });
  world.socket.subscribe('news', 'a-7');
  await world.pass(20_000);
  world.socket.end();
  await world.pass(1000);
  assert.equal(world.socket.url.searchParams.get('after'), 'a-7');
});

test('what is lost is told once, and nothing is shown twice', async () => {
  const world = new World();
  await world.connect('/subscribe', { channels: ['news'], history: 3 });
  world.socket.subscribe('news', 'a-2').say(message('news', 'a-1', 'one')).say(message('news', 'a-2', 'two')).end();
  await world.pass(1000);
  world.socket.subscribe('news', 'a-4').say(message('news', 'a-2', 'two')).say(message('news', 'a-3', 'three'));
  assert.deepEqual(world.texts(), ['one', 'two', 'three']);
  assert.equal(world.told('gap').length, 1);
  assert.equal(world.client.positions.news, 'a-3');
});

test('what came without a position is not shown again with it', async () => {
  const world = new World();
  await world.connect();
  const early = (id, data) => ({ type: 'message', channel: 'news', id, data });
  world.socket.subscribe('news', 'a-7').say(early('f-1', 'one')).say(early('f-2', 'two'));
  world.socket.say({ type: 'position', channel: 'news', position: 'a-8' });
  assert.equal(world.client.positions.news, 'a-8');
  world.socket.end();
  await world.pass(1000);
  assert.equal(world.socket.url.searchParams.get('after'), 'a-8');
  world.socket.subscribe('news', 'a-8').say({ ...message('news', 'a-9', 'two'), id: 'f-2' });
  assert.equal(world.client.positions.news, 'a-9');
  world.socket.say({ ...message('news', 'a-10', 'three'), id: 'f-3' });
  assert.deepEqual(world.texts(), ['one', 'two', 'three']);
  assert.equal('id' in world.told('message')[2], false);
});

test('a channel that begins anew is a gap, and its messages are new', async () => {
  const world = new World();
  await world.connect();
  world.socket.subscribe('news', 'a-2').end();
  await world.pass(1000);
  world.socket.subscribe('news', 'b-0').say(message('news', 'b-1', 'one'));
  assert.deepEqual(world.texts(), ['one']);
  assert.equal(world.told('gap').length, 1);
});

test('without a history each reconnection is a gap', async () => {
  const world = new World();
  await world.connect();
  world.socket.subscribe('news').say({ type: 'message', channel: 'news', data: 'now' }).end();
  await world.pass(1000);
  assert.equal(world.socket.url.searchParams.get('after'), null);
  world.socket.subscribe('news');
  assert.equal(world.told('gap').length, 1);
});

test('a gap moves the position on, one without a position does not', async () => {
  const world = new World();
  await world.connect();
  world.socket.subscribe('news', 'a-2').say({ type: 'gap', channel: 'news', position: 'a-5' });
  world.socket.say({ type: 'gap', channel: 'news' });
  assert.equal(world.told('gap').length, 2);
  assert.equal(world.client.positions.news, 'a-5');
});

test('several channels of one address resume in the server\'s order', async () => {
  const world = new World();
  await world.connect('/me', {});
  world.socket.subscribe('b', 'x-1').say({ type: 'subscribed', channel: 'a', position: 'x-2', recovered: false });
  world.socket.end();
  await world.pass(1000);
  assert.equal(world.socket.url.searchParams.get('after'), 'x-1,x-2');
});

test('goes on from positions of an earlier life', async () => {
  const world = new World();
  await world.connect('/subscribe', { channels: ['news'], positions: { news: 'a-3', other: 'a-4' } });
  assert.equal(world.socket.url.searchParams.get('after'), 'a-3');
  world.socket.subscribe('news', 'b-9');
  assert.equal(world.told('gap').length, 1);
});

test('a listener that throws loses neither its message nor the others theirs', async () => {
  const world = new World();
  const thrown = [];
  const keep = (error) => thrown.push(error.message);
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', keep);
  await world.connect();
  world.client.on('message', () => { throw new Error('of the page'); });
  world.socket.subscribe('news', 'a-0').say(message('news', 'a-1', 'one'));
  await world.settle();
  process.off('uncaughtException', keep);
  for (const each of others) process.on('uncaughtException', each);
  assert.deepEqual(thrown, ['of the page']);
  assert.deepEqual([world.texts(), world.client.positions.news], [['one'], 'a-1']);
});

test('binary messages are bytes', async () => {
  const world = new World();
  await world.connect();
  world.socket.subscribe('news', 'a-0').say({ type: 'message', channel: 'news', position: 'a-1', base64: 'AP8K' });
  assert.deepEqual(world.texts(), [new Uint8Array([0, 255, 10])]);
});

test('a page in the back-forward cache has no connection, and comes back', async () => {
  const world = new World();
  await world.connect();
  world.socket.subscribe('news', 'a-7');
  const before = world.socket;
  world.page.dispatchEvent(new Event('pagehide'));
  assert.ok(before.isClosed);
  before.say(message('news', 'a-8', 'swallowed'));
  assert.deepEqual(world.texts(), []);
  await world.pass(600_000);
  assert.equal(world.sockets.length, 1);
  world.page.dispatchEvent(new Event('pageshow'));
  await world.settle();
  assert.equal(world.socket.url.searchParams.get('after'), 'a-7');
});
