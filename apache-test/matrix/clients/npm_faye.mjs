import { createRequire } from 'node:module';
const require = createRequire(`${process.env.NPM}/`);
const { Client } = require('faye-websocket');
const deflate = require('permessage-deflate');
const [url, protocols] = process.argv.slice(2);
const ws = new Client(url, protocols?.split(',') ?? [], {
  extensions: [deflate], maxLength: 1 << 21, ca: undefined,
});
let status = 0, opened = false;
ws.on('open', () => { opened = true; console.log(`open ${ws.protocol || '-'}`); });
ws.on('message', ({ data }) => (data === 'close' ? ws.close(4002) : ws.send(data)));
ws.on('error', ({ message }) => { status = message.match(/\d{3}/)?.[0] ?? '-'; });
ws.on('close', ({ code }) => console.log(opened ? `closed ${code}` : `refused ${status}`));
