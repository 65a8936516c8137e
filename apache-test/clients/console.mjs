// Drives the console page in Chromium. usage: node console.mjs CHROMIUM PAGE SOCKET FILE
// Prints one JSON object with what the page showed.
import assert from 'node:assert/strict';
import { launch } from './chromium.mjs';

const [executablePath, address, socketUrl, file] = process.argv.slice(2);
const browser = await launch(executablePath);
const seen = { requests: [], errors: [] };
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(15_000);
  page.on('request', (request) => seen.requests.push(request.url()));
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  const log = page.locator('#log');
  const state = page.locator('#state');
  const waitFor = async (locator, words) => {
    const deadline = Date.now() + 10_000;
    for (;;) {
      const text = await locator.innerText();
      if (words.every((word) => text.includes(word))) return text;
      if (Date.now() > deadline) throw new Error(`no ${words} in: ${text}`);
      await page.waitForTimeout(20);
    }
  };
  const connect = async (url, protocols = '') => {
    await page.fill('#url', url);
    await page.fill('#protocols', protocols);
    await page.click('#connect');
    await waitFor(state, ['open']);
  };

  await page.goto(address);
  seen.charset = await page.evaluate(() => document.characterSet);
  await connect(socketUrl);

  const japanese = 'すもももももも、もものうち';
  await page.fill('#message', japanese);
  await page.click('#send');
  await page.waitForFunction(
    (text) => document.querySelector('#log').innerText.split(text).length > 2, japanese);

  await page.setInputFiles('#file', file);
  await page.click('#send-file');
  await page.waitForFunction(() =>
    document.querySelectorAll('#log [data-kind=in][data-type=binary]').length === 1);
  seen.binary = await page.locator('#log [data-kind=in][data-type=binary] .payload').innerText();

  await page.fill('#close-code', '4001');
  await page.fill('#close-reason', '閉じる');
  await page.click('#disconnect');
  seen.closed = await waitFor(state, ['closed', '4001']);

  // A subprotocol that the server chooses.
  await connect(socketUrl.replace(/[^/]*$/, 'subprotocol'), 'other, chat.example');
  await waitFor(log, ['subprotocol: chat.example']);
  await page.fill('#close-code', '');
  await page.fill('#close-reason', '');
  await page.click('#disconnect');
  await waitFor(state, ['closed']);

  // The server closes.
  await connect(socketUrl.replace(/[^/]*$/, 'close'));
  await page.fill('#message', '4002 server says bye');
  await page.click('#send');
  seen.serverClosed = await waitFor(state, ['closed', '4002']);
  seen.log = await log.innerText();

  // Leaving the page closes the connection (the seed's window.onunload).
  await connect(socketUrl.replace(/[^/]*$/, 'probe?who=leaving'));
  await page.goto('about:blank');
  assert.equal(page.url(), 'about:blank');
  await page.waitForTimeout(300);
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
