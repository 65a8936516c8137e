// Loads a page over https and opens WebSockets from it.
// usage: node over_http2.mjs CHROMIUM PAGE SOCKET
// Prints one JSON object with what the page saw. The certificate is the tests' own.
import { launch } from './chromium.mjs';

const [executablePath, address, socketUrl] = process.argv.slice(2);
const browser = await launch(executablePath);
try {
  const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(address);
  const seen = await page.evaluate(async (url) => {
    const page = performance.getEntriesByType('navigation')[0].nextHopProtocol;
    const talk = (messages) => new Promise((resolve) => {
      const socket = new WebSocket(url);
      socket.binaryType = 'arraybuffer';
      const got = [];
      socket.onopen = () => messages.forEach((message) => socket.send(message));
      socket.onmessage = ({ data }) => {
        got.push(typeof data === 'string' ? data : new Uint8Array(data).length);
        if (got.length === messages.length) socket.close(1000, 'done');
      };
      socket.onclose = ({ code, wasClean }) =>
        resolve({ got, code, wasClean, extensions: socket.extensions });
    });
    const large = 'x'.repeat(1 << 20);
    const sockets = await Promise.all(
      [talk(['Hello', 'すもも', new Uint8Array(70_000)]), talk([large]), talk(['', 'third'])]);
    sockets[1].got = sockets[1].got.map((text) => text === large);
    return { page, sockets };
  }, socketUrl);
  console.log(JSON.stringify(seen));
} finally {
  await browser.close();
}
