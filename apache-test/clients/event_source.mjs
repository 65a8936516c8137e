// A real EventSource over a graceful restart of the server.
// usage: node event_source.mjs CHROMIUM PAGE SERVER CHANNEL PID
// Prints one JSON object: the texts that came, and how often the stream was opened.
import { launch } from './chromium.mjs';

const [executablePath, address, server, channel, pid] = process.argv.slice(2);
const browser = await launch(executablePath);
try {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(address);
  const publish = (text) => fetch(`${server}/channels/publish/${channel}`,
    { method: 'POST', body: text });
  const wait = (condition) => page.waitForFunction(condition);
  await page.evaluate((url) => {
    window.texts = [];
    window.opened = 0;
    window.source = new EventSource(url);
    source.onopen = () => { window.opened += 1; };
    source.onmessage = ({ data }) => window.texts.push(data);
    source.addEventListener('gap', () => window.texts.push('gap'));
  }, `/channels/subscribe/${channel}`);
  await wait(() => window.opened === 1);
  await publish('before');
  await wait(() => window.texts.length === 1);

  process.kill(Number(pid), 'SIGUSR1');
  await wait(() => source.readyState === EventSource.CONNECTING);
  await publish('while it was away');
  await wait(() => window.opened >= 2 && window.texts.length === 2);
  await publish('after');
  await wait(() => window.texts.length === 3);
  console.log(JSON.stringify(await page.evaluate(() => ({ texts: window.texts,
    opened: window.opened }))));
} finally {
  await browser.close();
}
