// Two windows on the page that publishes and shows subscribers.
// usage: node channels.mjs CHROMIUM PAGE SCREENSHOT
// Prints one JSON object with what was seen. SCREENSHOT: a file to write, or empty.
import { launch } from './chromium.mjs';

const [executablePath, address, screenshot] = process.argv.slice(2);
const browser = await launch(executablePath);
const seen = { errors: [] };
const channel = `page-${process.pid}`;

async function open() {
  const page = await (await browser.newContext({ viewport: { width: 1180, height: 900 } })).newPage();
  page.setDefaultTimeout(15_000);
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') seen.errors.push(message.text());
  });
  await page.goto(`${address}?channel=${channel}`);
  for (const feed of ['websocket', 'stream'])
    await page.waitForSelector(`#${feed} .state[data-state=open]`);
  return page;
}
const lists = (page) => page.$$eval('.events', (all) => all.map((list) =>
  [...list.querySelectorAll('.payload')].map((each) => each.textContent)));
const waitFor = (page, text) => page.waitForFunction((wanted) =>
  [...document.querySelectorAll('.events')].every((list) => list.textContent.includes(wanted)), text);
const publish = async (page, text) => {
  await page.fill('#text', text);
  await page.press('#text', 'Enter');
};

try {
  const windows = [await open(), await open()];
  const [one, two] = windows;
  await publish(one, 'もも 1');
  for (const page of windows) await waitFor(page, 'もも 1');
  await publish(two, 'second');
  for (const page of windows) await waitFor(page, 'second');
  seen.both = (await Promise.all(windows.map(lists))).flat();
  seen.answer = await two.textContent('#answer');

  // Disconnected, both sides miss two messages, and get them when they come back.
  for (const feed of ['websocket', 'stream']) await one.click(`#${feed} button`);
  await publish(two, 'missed 1');
  await waitFor(two, 'missed 1');  // two requests at once may be answered in any order
  await publish(two, 'missed 2');
  await waitFor(two, 'missed 2');
  for (const feed of ['websocket', 'stream']) await one.click(`#${feed} button`);
  await waitFor(one, 'missed 2');
  const [websocket, stream] = (await lists(one)).map((list) => list.slice(2));
  seen.missed = { websocket, stream };

  await two.evaluate((url) => fetch(url, {
    method: 'POST', body: new Uint8Array([0, 255, 10]),
    headers: { 'Content-Type': 'application/octet-stream' },
  }), `${new URL(address).origin}/channels/publish/${channel}`);
  for (const page of windows) await waitFor(page, 'AP8K');
  seen.binary = (await Promise.all(windows.map(lists))).flat().map((list) => list.at(-1));

  if (screenshot) {
    await one.screenshot({ path: screenshot, fullPage: true });
    await one.emulateMedia({ colorScheme: 'dark' });
    await one.setViewportSize({ width: 400, height: 900 });
    await one.screenshot({ path: screenshot.replace('.png', '-narrow.png'), fullPage: true });
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
