// The administrator's page in Firefox, by WebDriver BiDi. The server has connections of ann's.
// usage: node dashboard_firefox.mjs FIREFOX URL [DIRECTORY-FOR-SCREENSHOTS]; prints what was seen as JSON.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import WebSocket from 'ws';

const [firefox, url, pictures] = process.argv.slice(2);
const home = fs.mkdtempSync(path.join(os.tmpdir(), 'cppwebsocket-firefox-'));
const browser = spawn(firefox, ['--headless', '--no-remote', '--profile', home, '--remote-debugging-port', '0'],
  { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: home, DISPLAY: '' } });

async function address() {
  let said = '';
  for await (const piece of browser.stderr) {
    said += piece;
    const found = /WebDriver BiDi listening on (ws:\S+)/.exec(said);
    if (found) return found[1];
  }
  throw new Error(said);
}

let id = 0;
const waiting = new Map();
let socket;
function command(method, params = {}) {
  socket.send(JSON.stringify({ id: ++id, method, params }));
  return new Promise((done, failed) => waiting.set(id, { done, failed }));
}

try {
  socket = new WebSocket(`${await address()}/session`);
  browser.stderr.resume();
  await once(socket, 'open');
  socket.on('message', (text) => {
    const { id: which, result, error, message } = JSON.parse(text);
    const { done, failed } = waiting.get(which) ?? {};
    waiting.delete(which);
    if (error) failed?.(new Error(`${error}: ${message}`));
    else done?.(result);
  });
  await command('session.new', { capabilities: {} });
  const { contexts: [{ context }] } = await command('browsingContext.getTree');
  const run = async (expression) => {
    const { result, exceptionDetails } = await command('script.evaluate', { expression, target: { context }, awaitPromise: true });
    if (exceptionDetails) throw new Error(exceptionDetails.text);
    return result.value;
  };
  const until = (condition) => run(`(async () => {
    for (let i = 0; i < 200; ++i) {
      if (${condition}) return true;
      await new Promise((done) => setTimeout(done, 100));
    }
    throw new Error(${JSON.stringify(condition)} + ': ' + document.querySelector('#when').textContent);
  })()`);
  const seen = { widths: [] };
  await command('browsingContext.navigate', { context, url, wait: 'complete' });
  const theirs = `document.querySelector('[aria-label="Close user ann"]')`;
  await until(theirs);
  await until(`document.querySelector('#when').className === 'soft' && document.querySelector('#children tbody tr')`);
  for (const width of [375, 1280]) {
    await command('browsingContext.setViewport', { context, viewport: { width, height: 900 } });
    seen.widths.push(await run('document.documentElement.scrollWidth - innerWidth'));
    if (!pictures) continue;
    const { data } = await command('browsingContext.captureScreenshot', { context, origin: 'document' });
    fs.writeFileSync(`${pictures}/dashboard-firefox-${width}.png`, Buffer.from(data, 'base64'));
  }
  await run(`${theirs}.click()`);
  await until(`document.querySelector('dialog[open]')`);
  await run(`document.querySelector('#do').click()`);
  await until(`document.querySelector('#said').textContent`);
  seen.said = await run(`document.querySelector('#said').textContent`);
  await until(`!${theirs}`);
  console.log(JSON.stringify(seen));
} finally {
  browser.kill('SIGKILL');
  await once(browser, 'exit');
  fs.rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}
process.exit();
