// Tabs that share a connection, pages that the back-forward cache keeps or that sleep, and the manual's.
// usage: node shared_and_cached.mjs CHROMIUM SITE CHANNEL. Prints what they heard, as JSON.
import { launch } from './chromium.mjs';

const [executablePath, site, channel] = process.argv.slice(2);
const browser = await launch(executablePath, { ignoreDefaultArgs: ['--disable-back-forward-cache'] });
const seen = {};

const context = await browser.newContext();
async function open(query) {
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(`${site}/shared_and_cached.html?${query}`);
  await page.waitForFunction(() => globalThis.client?.state === 'open');
  return page;
}
const ask = async (name, method, body) =>
  (await fetch(`${site}/publish/${name}?limit=1`, { method, body })).json();
const has = (page, text) => page.waitForFunction((wanted) => heard.at(-1) === wanted, text);
const heardBy = (page) => page.evaluate(() => heard);

try {
  const shared = `${channel}-shared`;
  const one = await open(`channel=${shared}&shared`);
  await ask(shared, 'POST', 'first');
  await has(one, 'first');
  const two = await open(`channel=${shared}&shared`);
  await has(two, 'first');
  seen.connections = (await ask(shared, 'GET')).members;
  seen.published = (await two.evaluate((name) => client.publish(name, 'second'), shared)).channel;
  for (const page of [one, two]) await has(page, 'second');
  await one.close();
  await ask(shared, 'POST', 'third');
  await has(two, 'third');
  seen.shared = await heardBy(two);

  const cached = await open(`channel=${channel}`);
  await ask(channel, 'POST', 'before');
  await has(cached, 'before');
  await cached.goto(`${site}/index.html`);
  while ((await ask(channel, 'GET')).members > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  await ask(channel, 'POST', 'while it was away');
  await cached.goBack({ waitUntil: 'commit' });  // from the cache nothing is loaded
  await has(cached, 'while it was away');
  seen.cached = await heardBy(cached);

  // As Chromium does with a tab that was hidden for long.
  const asleep = await open(`channel=${channel}-asleep`);
  const lifecycle = await context.newCDPSession(asleep);
  await lifecycle.send('Page.setWebLifecycleState', { state: 'frozen' });
  for (let i = 1; i <= 3; ++i) await ask(`${channel}-asleep`, 'POST', `asleep ${i}`);
  await lifecycle.send('Page.setWebLifecycleState', { state: 'active' });
  await has(asleep, 'asleep 3');
  seen.asleep = await heardBy(asleep);

  const plain = await context.newPage();
  await ask('news', 'POST', 'もも');
  await plain.goto(`${site}/plain.html`);
  seen.plain = [await plain.locator('#news li').innerText()];
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
