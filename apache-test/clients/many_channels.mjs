// connectMany() in what runs this: BASE NAME COUNT. Follows COUNT channels on one connection; publishes to each over it
// while the server restarts. Prints what came, as JSON.
import { WebSocket } from 'ws';

import { connectMany } from '../../client/source/many.js';

const [base, name, count] = process.argv.slice(2);
const names = Array.from({ length: Number(count) }, (_, i) => `${name}/${i}`);
const seen = Object.fromEntries(names.map((each) => [each, []]));
const told = { gaps: 0, opened: 0, refused: [], joined: [] };
const client = connectMany(`${base}/channels`, {
  channels: Object.fromEntries([...names.map((each) => [each, { history: 1 }]),
    ['room', { presence: 'Ann', events: true }], ['closed/x', {}]]),
  WebSocket, heartbeat: 1, timeout: 5, backoff: { base: 0.2, most: 1 },
});
const until = async (condition, what) => {
  const end = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`never ${what}: ${JSON.stringify({ ...told, seen, state: client.state })}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

client.on('message', ({ channel, data }) => seen[channel].push(data));
client.on('gap', () => { told.gaps += 1; });
client.on('refused', ({ channel, error }) => told.refused.push([channel, error]));
client.on('joined', ({ channel, member }) => told.joined.push([channel, member.info]));
client.on('state', ({ state }) => { told.opened += state === 'open'; });
let subscribed = 0;
client.on('subscribed', () => { subscribed += 1; });

await until(() => subscribed === names.length + 1 && told.joined.length > 0, 'subscribed');
told.present = (await client.presence('room')).map(({ info }) => info);
for (let i = 0; i < 30; ++i) {
  // Whoever publishes must know that it is done; what is published by HTTP meanwhile, the client resumes.
  await Promise.all(names.map((each) => fetch(`${base}/channels/${each}`, { method: 'POST', body: `${i}` })));
  if (i === 10) console.error('restart');
  await new Promise((resolve) => setTimeout(resolve, 60));
}
await until(() => names.every((each) => seen[each].at(-1) === '29'), 'there');
await until(() => client.state === 'open', 'open');
await client.publish(names[0], new Uint8Array([0, 255]));
await until(() => typeof seen[names[0]].at(-1) !== 'string', 'binary');
seen[names[0]][30] = [...seen[names[0]][30]];
told.past = (await client.history(names[0], { limit: 1 })).messages.map(({ data }) => [...data]);
client.close();
console.log(JSON.stringify({ ...told, seen: Object.values(seen) }));
process.exit(0);
