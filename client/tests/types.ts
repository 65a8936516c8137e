// Compiled only: what the types allow, and what they do not.
import { connect, connectShared, type Message, type Refusal } from '../index.js';
import { connectMany, type ManyError } from '../many.js';

const client = connect('/subscribe', {
  channels: { news: { history: 20 }, sport: {} },
  publish: '/publish',
  token: async ({ refused }) => (refused ? undefined : 'token'),
  backoff: { base: 0.5 },
});
const off: () => void = client.on('message', ({ channel, data, position, time }: Message) => {
  if (time !== undefined) console.log(new Date(time).toISOString());
  const text: string = typeof data === 'string' ? data : new TextDecoder().decode(data);
  console.log(channel, position?.toUpperCase(), text);
});
client.on('state', ({ state, status, wait }) => console.log(state === 'waiting' && wait, status));
client.on('joined', ({ member }) => console.log(member.info));
client.on('subscribed', ({ recovered, members }) => console.log(recovered, members?.length));
client.publish('news', new Uint8Array(3)).then(({ members }) => members.toFixed(), ({ status }: Refusal) => status);
client.subscribe('tea', { history: 5 });
client.goodbye(4000, 'bye');
off();

const shared = connectShared(new URL('http://host/worker.js'), '/subscribe', { channels: ['news'] });
shared.close();

const many = connectMany('/channels', { channels: { chat: { presence: 'Ann', events: true }, news: {} }, history: 5 });
many.on('refused', ({ channel, error }) => console.log(channel, error === 'forbidden'));
many.publish('chat', { text: 'hi' }).then(({ position }) => position?.length, ({ error }: ManyError) => error);
many.on('welcome', ({ data }) => data?.length);
many.send('/join tea').then(([first]) => first?.length);
many.history('chat').then(({ messages, more }) => more && messages.length);

// @ts-expect-error: one address for all
connectMany('/channels', { publish: '/publish' });
// @ts-expect-error: no such event
client.on('messages', () => {});
// @ts-expect-error: a number of seconds
connect('/subscribe', { heartbeat: '25' });
// @ts-expect-error: not in the shared form
shared.send('text');
// @ts-expect-error: not in the shared form
connectShared('/worker.js', '/chat', { hello: () => 'hello' });
