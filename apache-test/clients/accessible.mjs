// What axe finds against WCAG 2.1 AA on the pages, in both themes.
// usage: node accessible.mjs CHROMIUM PAGES [DIRECTORY-FOR-SCREENSHOTS]; prints it as JSON.
import { createRequire } from 'node:module';
import { launch } from './chromium.mjs';

const [executablePath, pages, pictures] = process.argv.slice(2);
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const levels = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];
const browser = await launch(executablePath);
const found = [];

async function look(page, name, colorScheme) {
  await page.emulateMedia({ colorScheme });
  const { violations, passes } = await page.evaluate((values) =>
    axe.run(document, { runOnly: { type: 'tag', values }, resultTypes: ['violations'] }), levels);
  if (passes.length < 5) found.push(`${name}: axe has looked at nothing`);
  for (const { id, nodes } of violations)
    for (const { target, any } of nodes) found.push(`${name}, ${colorScheme}: ${id}: ${target}: ${any[0]?.message}`);
  for (const width of pictures ? [375, 1280] : []) {
    await page.setViewportSize({ width, height: 800 });
    await page.screenshot({ path: `${pictures}/${name}-${colorScheme}-${width}.png`, fullPage: true });
  }
}

async function open(file, ready) {
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(pages + file);
  if (ready) await ready(page);
  await page.addScriptTag({ path: axe });
  for (const scheme of ['light', 'dark']) await look(page, file.replace(/\.html.*/, ''), scheme);
  await page.close();
}

const all = {
  'index.html': undefined,
  'ticker.html': (page) => page.waitForSelector('#state[data-state=open]'),
  'console.html?path=/echo': async (page) => {
    await page.click('#connect');
    await page.click('#send');
    await page.waitForSelector('#log [data-kind=in]');
  },
  'chat.html?room=axe&name=Ann': async (page) => {
    await page.click('#enter button');
    await page.waitForSelector('#state[data-state=open]');
    await page.fill('#text', 'Hello');
    await page.press('#text', 'Enter');
    await page.waitForSelector('#messages .mine');
  },
  'channels.html?channel=axe': async (page) => {
    for (const feed of ['websocket', 'stream']) await page.waitForSelector(`#${feed} [data-state=open]`);
    await page.click('#publish button');
    await page.waitForSelector('#stream [data-kind=in]');
  },
};
try {
  await Promise.all(Object.entries(all).map(([file, ready]) => open(file, ready)));
} finally {
  await browser.close();
}
console.log(JSON.stringify(found));
