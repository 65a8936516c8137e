// The client of client/ in Node.js, Deno or Bun, until it is killed.
// usage: node place_keeper.mjs MODULE URL OPTIONS [ws|none]
// MODULE: its path or name; OPTIONS: in JSON; then whose WebSocket: the runtime's own, the package ws's, none. A token is what it
// is asked for.
// Prints a line for each thing that happens.
const [name, url, options, sockets] = process.argv.slice(2);
const { connect } = await import(name);
const tell = (line) => process.stdout.write(`${line}\n`);

const own = JSON.parse(options);
if (sockets === 'ws') own.WebSocket = (await import('ws')).WebSocket;
if (sockets === 'none') own.WebSocket = null;
if (own.token) own.token = ((token) => () => token)(own.token);
const client = connect(url, own);
client.on('message', ({ data }) => tell(`message ${typeof data === 'string' ? data : [...data]}`));
client.on('gap', ({ channel }) => tell(`gap ${channel}`));
client.on('state', ({ state, transport, status, code, reason }) =>
  tell(['state', state, transport, status, code, reason].filter((word) => word !== undefined).join(' ')));
