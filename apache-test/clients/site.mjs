// Reads the documentation's site in Chromium: prints what it has asked for, and what a search has found.
// usage: node site.mjs CHROMIUM SITE WORD
import { launch } from './chromium.mjs';

const [executablePath, site, word] = process.argv.slice(2);
const browser = await launch(executablePath);
const window = await (await browser.newContext()).newPage();
const seen = { requests: [], errors: [], found: [] };
window.setDefaultTimeout(20_000);
window.on('request', (request) => seen.requests.push(request.url()));
window.on('pageerror', (error) => seen.errors.push(String(error)));
await window.goto(`${site}docs/directives.html`);
await window.fill('.wy-side-nav-search input[name=q]', word);
await window.press('.wy-side-nav-search input[name=q]', 'Enter');
await window.waitForSelector('#mkdocs-search-results article');
seen.found = await window.locator('#mkdocs-search-results article h3').allInnerTexts();
await window.goto(`${site}index.html`);
seen.pictures = await window.locator('img').evaluateAll((all) => all.map((each) => each.naturalWidth));
console.log(JSON.stringify(seen));
await browser.close();
