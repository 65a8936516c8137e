// The administrator's page in Chromium: looked at by axe, in both themes and on a phone's width, and used with the keyboard
// alone. The server has connections of ann's and of bob's, and members of "chat".
// usage: node dashboard.mjs CHROMIUM URL [DIRECTORY-FOR-SCREENSHOTS]; prints what was seen as JSON.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { launch } from './chromium.mjs';

const [executablePath, url, pictures] = process.argv.slice(2);
const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const levels = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];
const seen = { faults: [], requests: [], said: [] };
const browser = await launch(executablePath);
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
page.setDefaultTimeout(20_000);
page.on('request', (request) => seen.requests.push(request.url()));
page.on('pageerror', (error) => seen.faults.push(String(error)));
page.on('console', (message) => { if (message.type() === 'error') seen.faults.push(message.text()); });

const rows = (table) => page.locator(`#${table} tbody tr`);
const row = (table, text) => rows(table).filter({ hasText: text });

async function look(colorScheme) {
  await page.emulateMedia({ colorScheme });
  for (const width of [375, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    await page.waitForTimeout(50);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wide > 0) seen.faults.push(`${colorScheme} ${width}: ${wide} px wider than the window`);
    const { violations, passes } = await page.evaluate((values) =>
      axe.run(document, { runOnly: { type: 'tag', values }, resultTypes: ['violations'] }), levels);
    if (passes.length < 5) seen.faults.push('axe has looked at nothing');
    for (const { id, nodes } of violations)
      for (const { target, any } of nodes) seen.faults.push(`${colorScheme} ${width}: ${id}: ${target}: ${any[0]?.message}`);
    if (pictures) await page.screenshot({ path: `${pictures}/dashboard-${colorScheme}-${width}.png`, fullPage: true });
  }
}

// Without a mouse: to the button, its question, yes.
async function press(button) {
  await button.focus();
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog[open]');
}
async function confirmed() {
  await page.locator('#do').focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelector('#said').textContent !== '');
  seen.said.push(await page.textContent('#said'));
  await page.evaluate(() => { document.querySelector('#said').textContent = ''; });
}

try {
  await page.goto(url);
  await row('connections', 'ann').first().waitFor();
  await row('channels', 'chat').waitFor();
  await page.locator('#log li', { hasText: 'CWS0012' }).first().waitFor();
  seen.children = await rows('children').count();
  await page.evaluate(axe);
  for (const scheme of ['light', 'dark']) await look(scheme);

  // A question that is cancelled does nothing.
  const first = row('connections', 'bob').locator('button', { hasText: /^Close$/ });
  await press(first);
  seen.asked = await page.locator('dialog :is(select, input, textarea):visible').count();
  if (pictures) await page.screenshot({ path: `${pictures}/dashboard-question.png` });
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'hidden' });
  await page.waitForTimeout(2500);  // the rows are asked for again, and the focus stays
  seen.kept = await page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? '');

  await page.fill('#filter [name=search]', 'ann');
  await page.keyboard.press('Enter');
  await row('connections', 'bob').waitFor({ state: 'detached' });
  seen.found = await rows('connections').count();
  await press(row('connections', 'ann').first().getByRole('button', { name: 'Close user ann' }));
  await page.selectOption('#code', '1012');
  await page.fill('#reason', 'by the page');
  await confirmed();
  await page.fill('#filter [name=search]', '');
  await page.keyboard.press('Enter');

  await press(row('channels', 'chat').getByRole('button', { name: 'Publish' }));
  await page.fill('#data', 'from the page');
  await confirmed();
  await press(row('channels', 'chat').getByRole('button', { name: 'Close members' }));
  await confirmed();
  await row('channels', 'chat').waitFor({ state: 'detached' });
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
