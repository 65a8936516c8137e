// connectMany(): many channels over one connection.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { connectMany } from '../source/many.js';
import { World, json, message, refusal, stream } from './world.mjs';

class Many extends World {
  async connect(options = { channels: ['a', 'b'] }) {
    this.client = connectMany('/channels', { env: this.env, ...options });
    for (const type of ['message', 'gap', 'joined', 'left', 'subscribed', 'refused', 'state'])
      this.client.on(type, (detail) => this.heard.push({ type, ...detail }));
    await this.settle();
    return this.client;
  }

  // What was sent on the last connection and not looked at yet.
  sent() {
    return this.socket.sent.splice(0).map((text) => JSON.parse(text));
  }

  async open() {
    this.socket.accept().say({ type: 'welcome', channels: 100 });
    await this.settle();
    return this.sent();
  }

  async say(...events) {
    for (const event of events) this.socket.say(event);
    await this.settle();
  }
}

const begun = (channel, position, recovered = false) => ({ type: 'subscribed', channel, position, recovered });

test('each channel is asked for on one connection', async () => {
  const world = new Many();
  await world.connect({ channels: { a: { history: 5, presence: 'Ann', events: true }, b: {} }, history: 2 });
  assert.deepEqual(world.socket.protocols, ['channels.json']);
  assert.equal(world.socket.url.href, 'ws://host/channels?history=2&heartbeat=25');
  assert.deepEqual(await world.open(), [
    { type: 'subscribe', id: 1, channel: 'a', history: 5, presence: 'Ann', events: true },
    { type: 'subscribe', id: 2, channel: 'b', history: 2 }]);
  assert.equal(world.client.state, 'open');
  await world.say({ type: 'answer', id: 1 }, begun('a', '5-0'), { type: 'answer', id: 2 }, begun('b', '5-7'),
    message('b', '5-8', 'x'), message('a', '5-1', 'y'));
  assert.deepEqual(world.texts(), ['x', 'y']);
  assert.deepEqual(world.client.positions, { a: '5-1', b: '5-8' });
  assert.equal(world.sockets.length, 1);
});

test('each channel goes on where it was', async () => {
  const world = new Many();
  await world.connect();
  await world.open();
  await world.say(begun('theirs', '5-1'), begun('a', '5-0'), begun('b', '5-7'), message('b', '5-8', 'x'), message('theirs', '5-2', 'z'));
  world.socket.end();
  await world.pass(2000);
  assert.equal(world.socket.url.searchParams.get('after'), '5-2');
  const [a, b] = await world.open();
  assert.deepEqual([a.after, b.after], ['5-0', '5-8']);
  await world.say(begun('theirs', '5-2', true), begun('a', '6-3', false), begun('b', '5-9', true), message('b', '5-9', 'missed'));
  assert.deepEqual(world.texts(), ['x', 'z', 'missed']);
  assert.deepEqual(world.told('gap').map(({ channel }) => channel), ['a']);
});

test('channels come and go while it runs', async () => {
  const world = new Many();
  const client = await world.connect({});
  client.subscribe('early');
  assert.deepEqual((await world.open()).map(({ channel }) => channel), ['early']);
  client.subscribe('late');
  client.subscribe('late');
  assert.deepEqual(world.sent(), [{ type: 'subscribe', id: 2, channel: 'late', history: 0 }]);
  await world.say(begun('late', '5-0'));
  client.unsubscribe('late');
  assert.deepEqual(world.sent(), [{ type: 'unsubscribe', id: 3, channel: 'late' }]);
  await world.say(message('late', '5-1', 'on its way'));
  assert.deepEqual(world.texts(), []);
  world.socket.end();
  await world.pass(2000);
  assert.equal(world.socket.url.searchParams.get('after'), null);
  assert.deepEqual((await world.open()).map(({ channel }) => channel), ['early']);
});

test('publish, presence and history go over it', async () => {
  const world = new Many();
  const client = await world.connect({});
  await world.open();
  const done = Promise.all([client.publish('a', 'text'), client.publish('a', { n: 1 }), client.publish('a', new Uint8Array([0, 255, 10])),
    client.presence('a'), client.history('a', { limit: 2, after: '5-1' })]);
  await world.settle();
  const sent = world.sent();
  assert.deepEqual(sent.map(({ id, ...each }) => each), [
    { type: 'publish', channel: 'a', data: 'text' }, { type: 'publish', channel: 'a', data: '{"n":1}' },
    { type: 'presence', channel: 'a' }, { type: 'history', channel: 'a', limit: 2, after: '5-1' },
    { type: 'publish', channel: 'a', base64: 'AP8K' }].sort((x, y) => sent.findIndex((s) => s.type === x.type && s.data === x.data)
      - sent.findIndex((s) => s.type === y.type && s.data === y.data)));
  const presence = [{ id: '1', info: 'Ann' }];
  for (const { id, type, data, base64 } of sent.toReversed())
    await world.say({ type: 'answer', id, ...(type === 'publish' ? { position: data ?? base64 } : type === 'presence' ? { presence }
      : { complete: true, messages: [{ ...message('a', '5-2'), base64: 'AP8K' }] }) });
  const [text, object, bytes, who, past] = await done;
  assert.deepEqual([text.position, object.position, bytes.position], ['text', '{"n":1}', 'AP8K']);
  assert.deepEqual(who, presence);
  assert.deepEqual(past.messages[0].data, new Uint8Array([0, 255, 10]));
});

test('an application welcomes, takes messages and sends back', async () => {
  const world = new Many();
  const client = await world.connect({ channels: [] });
  client.on('welcome', (detail) => world.heard.push({ type: 'welcome', ...detail }));
  world.socket.accept().say({ type: 'welcome', channels: 100, data: 'hello, Ann' });
  await world.settle();
  assert.deepEqual(world.told('welcome').map(({ data }) => data), ['hello, Ann']);
  const sent = client.send('/join tea');
  const refused = assert.rejects(client.send(new Uint8Array([0, 255])), ({ error }) => error === 'forbidden');
  await world.settle();
  assert.deepEqual(world.sent(), [{ type: 'message', id: 1, data: '/join tea' }, { type: 'message', id: 2, base64: 'AP8=' }]);
  await world.say({ type: 'answer', id: 1, send: ['you are in'] }, { type: 'error', id: 2, error: 'forbidden', text: 'no bytes' });
  assert.deepEqual(await sent, ['you are in']);
  await refused;
});

test('errors have names, and what the connection took along is told', async () => {
  const world = new Many();
  const client = await world.connect({ channels: ['a'] });
  await assert.rejects(client.publish('a', 'too early'), /cannot send: connecting/);
  await world.open();
  const refused = client.publish('a', 'x');
  await world.settle();
  const [{ id }] = world.sent();
  world.socket.say({ type: 'error', id, error: 'forbidden', text: 'no' });
  await assert.rejects(refused, ({ error, message: text }) => error === 'forbidden' && text === 'no');
  const lost = assert.rejects(client.publish('a', 'y'), /not known/);
  await world.settle();
  world.socket.end();
  await lost;
});

test('a channel that is refused is told, and asked for again where that was not known', async () => {
  const world = new Many();
  await world.connect({ channels: ['no', 'unknown', 'theirs'] });
  await world.open();
  await world.say({ type: 'error', id: 1, error: 'forbidden', text: 'not you' }, { type: 'error', id: 2, error: 'unavailable', text: 'later' },
    { type: 'error', id: 3, error: 'already', text: 'is there' });
  assert.deepEqual(world.told('refused').map(({ channel, error }) => [channel, error]), [['no', 'forbidden'], ['unknown', 'unavailable']]);
  await world.pass(10_000);
  assert.deepEqual(world.sent().map(({ channel }) => channel), ['unknown']);
  assert.equal(world.client.state, 'open');
});

test('where WebSockets do not get through, each channel has an event stream', async () => {
  const world = new Many();
  const client = await world.connect({ channels: ['a', 'b'] });
  for (let i = 0; i < 2; ++i) {
    world.answers.push(refusal(426));
    if (i === 1) world.answers.push(stream(), stream());
    world.socket.end();
    await world.settle();
    if (i === 0) await world.pass(2000);
  }
  assert.deepEqual(world.asked.slice(-2).map(({ url }) => url.pathname).sort(), ['/channels/a', '/channels/b']);
  world.answers.push(json({ channel: 'a', position: '5-1' }));
  assert.equal((await client.publish('a', 'x')).position, '5-1');
  assert.equal(world.asked.at(-1).url.pathname, '/channels/a');
  client.close();
  assert.equal(client.state, 'stopped');
});

test('it leaves with the page and comes back', async () => {
  const world = new Many();
  await world.connect({ channels: ['a'] });
  await world.open();
  world.page.dispatchEvent(new Event('pagehide'));
  assert.equal(world.client.state, 'paused');
  assert.ok(world.socket.isClosed);
  world.page.dispatchEvent(new Event('pageshow'));
  await world.settle();
  assert.equal((await world.open()).length, 1);
});
