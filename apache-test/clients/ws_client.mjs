// Talks to an echo with npm's ws. usage: node ws_client.mjs URL [deflate]
// Prints one JSON object: what was agreed on, and how the connection ended.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import WebSocket from 'ws';

const [url, mode] = process.argv.slice(2);
const socket = new WebSocket(url, { perMessageDeflate: mode === 'deflate', maxPayload: 1 << 26 });
await once(socket, 'open');

async function echo(data) {
  const answer = once(socket, 'message');
  socket.send(data);
  const [got, isBinary] = await answer;
  assert.equal(isBinary, typeof data !== 'string');
  assert.ok(got.equals(Buffer.from(data)), `an echo of ${data.length} differs`);
}

await echo('');
await echo('Hello');
await echo('もももすももももものうち');
await echo('x'.repeat(70_000));
await echo(Buffer.alloc(0));
await echo(randomBytes(1000));
await echo(randomBytes(3 << 20));
await echo('もも'.repeat(500_000));
for (let i = 0; i < 500; i++) await echo(JSON.stringify({ number: i, text: '桃'.repeat(i) }));

// Many at once, answered in order.
const count = 2000;
let next = 0;
const all = new Promise((resolve, reject) => {
  socket.on('message', function check(data) {
    if (String(data) !== `message ${next}`) reject(new Error(`${data} instead of ${next}`));
    if (++next === count) {
      socket.off('message', check);
      resolve();
    }
  });
});
for (let i = 0; i < count; i++) socket.send(`message ${i}`);
await all;

// Fragments, with ws's own streaming send.
const joined = once(socket, 'message');
for (let i = 0; i < 10; i++) socket.send(`part ${i} `, { fin: i === 9 });
assert.equal(String((await joined)[0]), [...Array(10).keys()].map((i) => `part ${i} `).join(''));

const pong = once(socket, 'pong');
socket.ping('are you there');
assert.equal(String((await pong)[0]), 'are you there');

const closed = once(socket, 'close');
socket.close(4321, 'さようなら');
const [code, reason] = await closed;
console.log(JSON.stringify({ extensions: socket.extensions, code, reason: String(reason) }));
