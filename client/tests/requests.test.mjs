import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World, json, refusal } from './world.mjs';

const options = { channels: ['news'], publish: '/publish' };

test('publishes text, bytes and JSON', async () => {
  const world = new World();
  await world.connect('/subscribe', options);
  const sent = [['text', 'text/plain;charset=utf-8', 'text'],
    [new Uint8Array([1]), 'application/octet-stream', new Uint8Array([1])],
    [{ price: 42 }, 'text/plain;charset=utf-8', '{"price":42}']];
  for (const [data, type, body] of sent) {
    world.answers = [json({ channel: 'a/b c', members: 2, position: 'x-1' })];
    assert.equal((await world.client.publish('a/b c', data)).position, 'x-1');
    const { url, method, headers, body: was } = world.asked.at(-1);
    assert.deepEqual([url.pathname, method, headers['Content-Type'], was], ['/publish/a/b%20c', 'POST', type, body]);
  }
});

test('a refused publication throws with status and sentence, and is not repeated', async () => {
  const world = new World();
  await world.connect('/subscribe', options);
  world.answers = [refusal(413, {}, 'The message is larger.\n'), json({})];
  await assert.rejects(world.client.publish('news', 'x'), { status: 413, message: 'The message is larger.' });
  await assert.rejects(world.client.publish('news', 'x').then(() => world.client.publish('news', 'x')),
    { message: 'fetch failed' });
});

test('history and presence', async () => {
  const world = new World();
  await world.connect('/subscribe', options);
  const answer = { position: 'a-2', complete: true, presence: [{ id: '1', info: 'Ann' }],
    messages: [{ position: 'a-1', data: 'one' }, { position: 'a-2', base64: 'AQ==' }] };
  world.answers = [json(answer), json(answer)];
  const history = await world.client.history('news', { limit: 5, after: 'a-0' });
  assert.equal(world.asked[0].url.search, '?limit=5&after=a-0');
  assert.deepEqual(history.messages.map(({ data }) => data), ['one', new Uint8Array([1])]);
  assert.deepEqual(await world.client.presence('news'), [{ id: '1', info: 'Ann' }]);
  assert.equal(world.asked[1].url.search, '?limit=0');
});

test('without an address for it there is no publishing', async () => {
  const world = new World();
  await world.connect();
  await assert.rejects(world.client.publish('news', 'x'), /publish/);
});

test('a token goes with all of it, and is asked for anew where it is refused', async () => {
  const world = new World();
  const asked = [];
  const tokens = ['old', 'old', 'new', 'new'];
  const token = async (why) => {
    asked.push(why.refused);
    return tokens[asked.length - 1];
  };
  world.answers = [refusal(401)];
  await world.connect('/subscribe', { ...options, token });
  assert.deepEqual(world.socket.protocols, ['channel.json', 'bearer.old']);
  world.socket.end();
  await world.settle();
  assert.equal(world.asked[0].headers.Authorization, 'Bearer old');
  await world.pass(1000);
  assert.deepEqual(world.socket.protocols, ['channel.json', 'bearer.new']);
  world.socket.subscribe('news', 'a-0');
  assert.deepEqual(asked, [false, false, true]);
  world.answers = [json({})];
  await world.client.publish('news', 'x');
  assert.equal(world.asked[1].headers.Authorization, 'Bearer new');
});

test('a second 401 is final', async () => {
  const world = new World();
  world.answers = [refusal(401), refusal(401)];
  await world.connect('/subscribe', { ...options, token: () => 'stale' });
  for (let i = 0; i < 2; ++i) {
    world.socket.end();
    await world.pass(1000);
  }
  assert.deepEqual([world.client.state, world.sockets.length], ['stopped', 2]);
});

test('a token that cannot be had now is asked for later', async () => {
  const world = new World();
  let failures = 1;
  await world.connect('/subscribe', { ...options, token: () => {
    if (failures-- > 0) throw new Error('the login is down');
    return 't';
  } });
  assert.equal(world.told('state').at(-1).reason, 'token: the login is down');
  await world.pass(1000);
  assert.equal(world.sockets.length, 1);
});

test('a token may go in the query', async () => {
  const world = new World();
  await world.connect('/chat', { protocols: [], token: () => 't', tokenQuery: 'access_token' });
  assert.deepEqual([world.socket.url.href, world.socket.protocols], ['ws://host/chat?access_token=t', []]);
});

test('a handler is greeted, and talked to', async () => {
  const world = new World();
  const hello = ({ positions }) => `hello ${JSON.stringify(positions)}`;
  await world.connect('/chat', { protocols: [], hello });
  assert.throws(() => world.client.send('early'), /cannot send/);
  world.socket.subscribe('room', 'a-1');
  world.client.send('hi');
  assert.deepEqual(world.socket.sent, ['hello {}', 'hi']);
  world.socket.end();
  await world.settle();  // its 404 to a plain GET says nothing of it
  await world.pass(1000);
  world.socket.accept();
  assert.deepEqual(world.socket.sent, ['hello {"room":"a-1"}']);
});

test('without an envelope messages are as they came', async () => {
  const world = new World();
  await world.connect('/echo', { protocols: [], json: false, retry: false });
  world.socket.accept().onmessage({ data: 'text' });
  world.socket.onmessage({ data: new Uint8Array([7]).buffer });
  assert.deepEqual(world.texts(), ['text', new Uint8Array([7])]);
  world.socket.end(1001);
  const last = world.told('state').at(-1);
  assert.deepEqual([last.state, last.code, world.sockets.length], ['stopped', 1001, 1]);
});

test('closes with a code and hears how it ended', async () => {
  const world = new World();
  await world.connect('/echo', { protocols: [], json: false });
  world.socket.accept();
  world.client.goodbye(4001, 'bye');
  assert.equal(world.client.state, 'closing');
  world.socket.end(4001);
  await world.pass(60_000);
  assert.deepEqual([world.told('state').at(-1).code, world.sockets.length], [4001, 1]);
});

test('channels come and go', async () => {
  const world = new World();
  await world.connect();
  world.client.subscribe('sport');
  await world.settle();
  assert.equal(world.socket.url.pathname, '/subscribe/sport');
  assert.equal(world.client.state, 'connecting');
  for (const [index, name] of ['news', 'sport'].entries()) world.sockets[index].subscribe(name, `${name}-0`);
  assert.equal(world.client.state, 'open');
  assert.deepEqual(world.client.positions, { news: 'news-0', sport: 'sport-0' });
  world.client.unsubscribe('news');
  assert.ok(world.sockets[0].isClosed);
  world.client.close();
  assert.ok(world.sockets[1].isClosed);
  assert.equal(world.client.state, 'stopped');
  assert.equal(world.timers.size, 0);
});
