// Drives the chat and the ticker in Chromium, in several windows.
// usage: node chat.mjs CHROMIUM PAGES HTTPD-PID [DIRECTORY-FOR-SCREENSHOTS]
import assert from 'node:assert/strict';
import { launch } from './chromium.mjs';

const [executablePath, pages, pid, pictures] = process.argv.slice(2);
const browser = await launch(executablePath);
const seen = { requests: [], errors: [] };

async function open(path, size = { width: 1000, height: 700 }) {
  const window = await (await browser.newContext({ viewport: size })).newPage();
  window.setDefaultTimeout(20_000);
  window.on('request', (request) => seen.requests.push(request.url()));
  window.on('pageerror', (error) => seen.errors.push(String(error)));
  await window.goto(pages + path);
  return window;
}

async function enter(name, room, size) {
  const window = await open('chat.html', size);
  await window.fill('#name', name);
  await window.fill('#room', room);
  await window.click('#enter button');
  await connected(window);
  return window;
}

const connected = (window) => window.waitForSelector('#state[data-state=open]');
const shows = (window, text) => window.locator('#messages .said p', { hasText: text }).waitFor();
const texts = (window) => window.locator('#messages .said p').allInnerTexts();
const people = (window, names) => window.waitForFunction(
  (wanted) => [...document.querySelectorAll('#people li')].map((item) => item.textContent)
    .sort().join('|') === wanted, names.sort().join('|'));
async function say(window, text) {
  await window.fill('#text', text);
  await window.press('#text', 'Enter');
}
const picture = (window, name) =>
  pictures && window.screenshot({ path: `${pictures}/${name}.png` });

try {
  const ann = await enter('Ann', '雑談');
  const hanako = await enter('花子', '雑談');
  const bob = await enter('Bob', '雑談', { width: 390, height: 720 });
  for (const window of [ann, hanako, bob]) await people(window, ['Ann', 'Bob', '花子']);

  await say(ann, 'Hello, everybody');
  await shows(hanako, 'Hello, everybody');  // two who speak at once have no order
  await say(hanako, 'すもももももも、もものうち 🍑');
  for (const window of [ann, hanako, bob]) {
    await shows(window, 'Hello, everybody');
    await shows(window, 'もものうち 🍑');
  }
  await say(bob, '<b>no markup</b>');
  await shows(ann, '<b>no markup</b>');

  // A reload goes on where it was, with what the room remembers.
  await hanako.reload();
  await connected(hanako);
  await shows(hanako, '<b>no markup</b>');
  for (const window of [ann, hanako, bob]) await people(window, ['Ann', 'Bob', '花子']);
  await picture(ann, 'chat');
  await picture(bob, 'chat-narrow');

  // All come back by themselves after a graceful restart, and miss nothing.
  for (const window of [ann, hanako, bob])
    await window.evaluate(() => client.on('state', ({ state }) => { globalThis.last = state; }));
  process.kill(Number(pid), 'SIGUSR1');
  for (const window of [ann, hanako, bob])
    await window.waitForFunction(() => globalThis.last === 'open');
  await say(ann, 'after the restart');
  for (const window of [ann, hanako, bob]) await shows(window, 'after the restart');
  for (const window of [ann, hanako, bob]) await people(window, ['Ann', 'Bob', '花子']);
  const all = ['Hello, everybody', 'すもももももも、もものうち 🍑', '<b>no markup</b>',
    'after the restart'];
  for (const window of [ann, hanako, bob]) assert.deepEqual(await texts(window), all);
  assert.equal(await ann.locator('#messages .gap').count(), 0);

  // While it is offline others talk; it resumes.
  await bob.context().setOffline(true);
  await bob.evaluate(() => client.reconnect());
  await people(ann, ['Ann', '花子']);
  await say(ann, 'while Bob is away');
  await bob.context().setOffline(false);
  await shows(bob, 'while Bob is away');
  assert.deepEqual(await texts(bob), [...all, 'while Bob is away']);

  // Leaving the page leaves the room.
  await hanako.goto(pages + 'index.html');
  await people(ann, ['Ann', 'Bob']);
  await ann.locator('#messages .note', { hasText: '花子 has left' }).waitFor();
  await bob.close();
  await people(ann, ['Ann']);
  await picture(ann, 'chat-later');
  await ann.click('#leave');
  await ann.waitForSelector('#entry:not([hidden])');
  await picture(ann, 'chat-entry');

  const ticker = await open('ticker.html');
  await ticker.waitForFunction(() => /^\d+$/.test(document.querySelector('#leader').textContent));
  await picture(ticker, 'ticker');
  await picture(hanako, 'index');
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
