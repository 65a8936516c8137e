import { createRequire } from 'node:module';
const { Agent, WebSocket } = createRequire(`${process.env.NPM}/`)('undici');
const [url, protocols] = process.argv.slice(2);
const dispatcher = new Agent({ allowH2: process.env.H2 !== 'no' });
const ws = new WebSocket(url, { dispatcher, protocols: protocols?.split(',') ?? [] });
ws.binaryType = 'arraybuffer';
let opened = false, told = false;
const end = (code) => {
  if (!told) console.log(opened ? `closed ${code}` : 'refused -');
  told = true;
};
ws.onopen = () => { opened = true; console.log(`open ${ws.protocol || '-'}`); };
ws.onmessage = ({ data }) => (data === 'close' ? ws.close(4002) : ws.send(data));
ws.onclose = ({ code }) => { end(code); dispatcher.destroy(); };
ws.onerror = () => opened || (end(), dispatcher.destroy());
