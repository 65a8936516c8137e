// Looks at a page of `cppwebsocket serve` in Chromium while a file is saved with a mistake, and without it.
// usage: node faults.mjs CHROMIUM PAGE FILE WRONG RIGHT
// Prints one JSON object with what the page showed meanwhile.
import { writeFileSync } from 'node:fs';
import { launch } from './chromium.mjs';

const [executablePath, address, file, wrong, right] = process.argv.slice(2);
const browser = await launch(executablePath);
const seen = { errors: [] };
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(90_000);
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  await page.goto(address);
  const faults = page.locator('#faults');
  seen.before = await faults.isVisible();
  writeFileSync(file, wrong);
  await faults.waitFor({ state: 'visible' });
  seen.said = await faults.innerText();
  writeFileSync(file, right);
  await faults.waitFor({ state: 'hidden' });
  seen.after = await faults.isVisible();
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
