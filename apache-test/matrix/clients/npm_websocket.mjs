import { createRequire } from 'node:module';
const { client: Client } = createRequire(`${process.env.NPM}/`)('websocket');
const [url, protocols] = process.argv.slice(2);
const client = new Client({ maxReceivedMessageSize: 1 << 21, maxReceivedFrameSize: 1 << 21 });
client.on('httpResponse', ({ statusCode }) => console.log(`refused ${statusCode}`));
client.on('connectFailed', () => {});
client.on('connect', (ws) => {
  console.log(`open ${ws.protocol || '-'}`);
  ws.on('message', (message) => {
    if (message.utf8Data === 'close') ws.close(4002);
    else if (message.type === 'utf8') ws.sendUTF(message.utf8Data);
    else ws.sendBytes(message.binaryData);
  });
  ws.on('close', (code) => console.log(`closed ${code}`));
});
client.connect(url, protocols?.split(',') ?? []);
