// Opens a WebSocket from a page. usage: node other_origin.mjs CHROMIUM PAGE SOCKET
// Prints "open", or the code that the page got.
import { launch } from './chromium.mjs';

const [executablePath, address, socketUrl] = process.argv.slice(2);
const browser = await launch(executablePath);
try {
  const page = await browser.newPage();
  await page.goto(address);
  const code = await page.evaluate((url) => new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => resolve('open');
    socket.onclose = (event) => resolve(event.code);
  }), socketUrl);
  console.log(JSON.stringify(code));
} finally {
  await browser.close();
}
