import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World, message, refusal, stream } from './world.mjs';

test('waits longer each time, up to a bound', async () => {
  const world = new World();
  await world.connect();
  for (let i = 0; i < 8; ++i) {
    world.socket.end();
    await world.settle();
    await world.pass(world.told('state').at(-1).wait);
  }
  const waits = world.told('state').filter(({ state }) => state === 'waiting').map(({ wait }) => wait);
  assert.deepEqual(waits, [750, 1500, 3000, 6000, 12_000, 22_500, 22_500, 22_500]);
});

test('an accepted connection that does not last does not make it hurry', async () => {
  const world = new World();
  await world.connect();
  const waits = [];
  for (let i = 0; i < 4; ++i) {
    world.socket.subscribe('news', 'a-0').end(1013);
    waits.push(world.told('state').at(-1).wait);
    await world.pass(waits.at(-1));
  }
  assert.deepEqual(waits, [750, 1500, 3000, 6000]);
  world.socket.subscribe('news', 'a-0');
  await world.pass(10_000);
  world.socket.end(1001);
  assert.equal(world.told('state').at(-1).wait, 750);
});

for (const [target, type] of [['page', 'online'], ['document', 'visibilitychange']])
  test(`comes back at once on ${type}`, async () => {
    const world = new World();
    await world.connect();
    world.socket.end();
    await world.settle();
    assert.equal(world.client.state, 'waiting');
    world[target].dispatchEvent(new Event(type));
    await world.settle();
    assert.equal(world.sockets.length, 2);
  });

for (const status of [204, 401, 403, 404])
  test(`${status} is final until it is told to connect`, async () => {
    const world = new World();
    world.answers = [refusal(status, {}, 'This address names no channel.')];
    await world.connect();
    world.socket.end();
    await world.pass(3_600_000);
    const last = world.told('state').at(-1);
    assert.deepEqual([last.state, last.status, last.reason], ['stopped', status, 'This address names no channel.']);
    world.document.dispatchEvent(new Event('visibilitychange'));
    world.page.dispatchEvent(new Event('online'));
    await world.pass(1000);
    assert.equal(world.sockets.length, 1);
    world.client.connect();
    await world.settle();
    assert.equal(world.sockets.length, 2);
  });

test('1008 is final', async () => {
  const world = new World();
  await world.connect();
  world.socket.subscribe('news', 'a-0').end(1008);
  await world.pass(3_600_000);
  assert.deepEqual([world.client.state, world.sockets.length, world.asked.length], ['stopped', 1, 0]);
});

for (const code of [1000, 1001, 1005, 1006, 1011, 1012, 1013, 4000])
  test(`${code} is not final`, async () => {
    const world = new World();
    await world.connect();
    world.socket.subscribe('news', 'a-0').end(code);
    await world.pass(1000);
    assert.equal(world.sockets.length, 2);
  });

test('503 says when', async () => {
  const world = new World();
  world.answers = [refusal(503, { 'Retry-After': '60' })];
  await world.connect();
  world.socket.end();
  await world.settle();
  assert.deepEqual([world.client.state, world.told('state').at(-1).wait], ['waiting', 75_000]);
});

test('a stream that ends at once says when', async () => {
  const world = new World();
  const answer = stream();
  world.answers = [answer];
  await world.connect();
  world.socket.end();
  await world.settle();
  answer.write('retry: 8000\n\n');
  answer.end();
  await world.settle();
  assert.deepEqual([world.client.state, world.told('state').at(-1).wait], ['waiting', 10_000]);
});

test('where WebSockets do not get through an event stream does', async () => {
  const world = new World();
  const answer = stream();
  world.answers = [answer];
  await world.connect();
  world.socket.end();
  await world.settle();
  assert.equal(world.asked[0].url.href, 'http://host/subscribe/news?heartbeat=25&format=json');
  assert.equal(world.asked[0].headers.Accept, 'text/event-stream');
  const text = `id: a-1\ndata: ${JSON.stringify(message('news', 'a-1', 'もも'))}\n\n`;
  answer.write(`retry: 1000\n\n:\ndata: ${JSON.stringify({ type: 'subscribed', channel: 'news', position: 'a-0' })}\n\n`);
  answer.write(text.slice(0, 30));
  answer.write(text.slice(30));
  await world.settle();
  assert.deepEqual([world.client.state, world.texts()], ['open', ['もも']]);
  assert.equal(world.told('state').at(-1).transport, 'events');
  answer.end();
  await world.pass(2000);
  assert.equal(world.socket.url.searchParams.get('after'), 'a-1');
});

test('where WebSockets have got through an event stream serves the third time only', async () => {
  const world = new World();
  await world.connect();
  world.socket.subscribe('news', 'a-0').end();
  const answers = [stream(), stream(), stream()];
  world.answers = [...answers];
  for (let i = 0; i < 3; ++i) {
    await world.pass(world.told('state').at(-1).wait);
    world.socket.end();
    await world.settle();
  }
  answers[2].write('data: {"type":"subscribed","channel":"news","position":"a-0","recovered":true}\n\n');
  await world.settle();
  assert.equal(world.client.state, 'open');
});

test('an attempt that is never answered ends', async () => {
  const world = new World();
  await world.connect();
  await world.pass(20_000);
  assert.ok(world.socket.isClosed);
  assert.equal(world.asked.length, 1);
  assert.equal(world.told('state').at(-1).reason, 'fetch failed');
});

test('a connection that opens and tells nothing ends', async () => {
  const world = new World();
  await world.connect();
  world.socket.accept();
  await world.pass(20_000);
  assert.deepEqual([world.socket.isClosed, world.asked.length], [true, 1]);
});

test('a silent link is dead after two heartbeats and a half', async () => {
  const world = new World();
  await world.connect();
  world.socket.subscribe('news', 'a-0').say({ type: 'heartbeat' });
  for (let i = 0; i < 3; ++i) {
    await world.pass(25_000);
    world.socket.say({ type: 'heartbeat' });
  }
  await world.pass(62_000);
  assert.deepEqual([world.client.state, world.sockets.length], ['open', 1]);
  await world.pass(500);
  assert.equal(world.told('state').at(-1).reason, 'no heartbeat');
  await world.pass(1000);
  assert.equal(world.sockets.length, 2);
});

test('a computer that has slept comes back when its page is seen', async () => {
  const world = new World();
  await world.connect();
  world.socket.subscribe('news', 'a-0').say({ type: 'heartbeat' });
  await world.settle();
  world.time += 100_000;  // no timer has run
  world.document.dispatchEvent(new Event('visibilitychange'));
  await world.settle();
  assert.equal(world.sockets.length, 2);
});

test('a server without heartbeats is not watched', async () => {
  const world = new World();
  await world.connect();
  world.socket.subscribe('news', 'a-0');
  await world.pass(3_600_000);
  assert.equal(world.sockets.length, 1);
});

test('a refusal that only tells of an error is one', async () => {
  const world = new World();
  world.answers = [refusal(403)];
  await world.connect();
  world.socket.onerror({});
  await world.settle();
  assert.equal(world.client.state, 'stopped');
});
