// Many clients of client/ in one process, all in one channel of numbers from 1 on, until each has had "last".
// usage: node crowd.mjs MODULE URL COUNT OPTIONS
// Prints "open N M" when that changes: so many are, and so often one has been; and at the end one JSON object: how many messages came, and what is wrong.
const [name, url, count, options] = process.argv.slice(2);
const { connect } = await import(name);
const { WebSocket } = await import('ws');

const tell = (line) => process.stdout.write(`${line}\n`);
const wrong = [];
let open = 0, opened = 0, told = '', done = 0, received = 0, gaps = 0;
const finished = new Promise((resolve) => {
  for (let i = 0; i < Number(count); ++i) {
    const client = connect(url, { ...JSON.parse(options), WebSocket });
    let next = null, isOpen = false;
    client.on('message', ({ data }) => {
      if (data === 'last') {
        if (++done === Number(count)) resolve();
        return;
      }
      received += 1;
      if (next !== null && Number(data) !== next && wrong.length < 10) wrong.push(`client ${i}: ${data} in the place of ${next}`);
      next = Number(data) + 1;
    });
    client.on('gap', () => { gaps += 1; });
    client.on('state', ({ state }) => {
      open += (state === 'open') - isOpen;
      opened += state === 'open' && !isOpen;
      isOpen = state === 'open';
    });
  }
});
const watch = setInterval(() => {
  const line = `open ${open} ${opened}`;
  if (line !== told) tell(told = line);
}, 50);
await finished;
clearInterval(watch);
tell(JSON.stringify({ received, gaps, wrong }));
process.exit();
