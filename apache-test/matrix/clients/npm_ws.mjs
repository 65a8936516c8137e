import { createRequire } from 'node:module';
const WebSocket = createRequire(`${process.env.NPM}/`)('ws');
const [url, protocols] = process.argv.slice(2);
const ws = new WebSocket(url, protocols?.split(',') ?? []);
ws.on('unexpected-response', (request, { statusCode }) => {
  console.log(`refused ${statusCode}`);
  process.exit();
});
ws.on('open', () => console.log(`open ${ws.protocol || '-'}`));
ws.on('message', (data, isBinary) => {
  if (!isBinary && data.toString() === 'close') ws.close(4002);
  else ws.send(data, { binary: isBinary });
});
ws.on('close', (code) => console.log(`closed ${code}`));
