// Three event streams of a page over HTTP/2, read by fetch-event-source, which are refused at first, and then
// over a graceful restart of the server.
// usage: node fetch_over_http2.mjs CHROMIUM PAGE LIBRARY CHANNEL PID
// Prints one JSON object: what each stream has told. The certificate is the tests' own.
import { launch } from './chromium.mjs';

const [executablePath, address, library, channel, pid] = process.argv.slice(2);
const browser = await launch(executablePath);
try {
  const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(address);
  const wait = (condition) => page.waitForFunction(condition);
  const publish = (text) => page.evaluate(([path, body]) => fetch(path, { method: 'POST', body }),
    [`/publish/${channel}`, text]);
  await page.evaluate(async ([module, path]) => {
    const { fetchEventSource } = await import(module);
    window.streams = [];
    window.follow = () => {
      const stream = { told: [] };
      window.streams.push(stream);
      fetchEventSource(path, {
        onmessage: ({ event, data }) => data && stream.told.push(event || data),
        onclose: () => stream.told.push('closed'),
        onerror: () => { stream.told.push('error'); },
      });
    };
    window.all = (what) => window.streams.every(({ told }) => told.includes(what));
    for (let i = 0; i < 3; i += 1) window.follow();
  }, [library, `/subscribe/${channel}`]);
  await wait(() => window.all('error'));
  await wait(() => window.all('subscribed'));
  await publish('now');
  await wait(() => window.all('now'));

  const errors = await page.evaluate(() =>
    window.streams.map(({ told }) => told.filter((what) => what === 'error').length));
  process.kill(Number(pid), 'SIGUSR1');
  await page.waitForFunction((before) => window.streams.every(({ told }, i) =>
    told.filter((what) => what === 'error').length > before[i]), errors);
  await publish('missed');
  await wait(() => window.all('missed'));
  console.log(JSON.stringify(await page.evaluate(() => ({
    protocol: performance.getEntriesByType('navigation')[0].nextHopProtocol,
    told: window.streams.map(({ told }) => told),
  }))));
} finally {
  await browser.close();
}
