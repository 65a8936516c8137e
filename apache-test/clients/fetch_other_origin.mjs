// Posts to a publisher and reads an event stream by fetch, from a page of another origin, with what a
// browser asks for first. usage: node fetch_other_origin.mjs CHROMIUM PAGE PUBLISH SUBSCRIBE
// Prints what each came to: a status and a text, or the error.
import { launch } from './chromium.mjs';

const [executablePath, address, publishUrl, subscribeUrl] = process.argv.slice(2);
const browser = await launch(executablePath);
try {
  const page = await browser.newPage();
  await page.goto(address);
  const seen = await page.evaluate(async ([publish, subscribe]) => {
    const ask = async (url, options, read) => {
      try {
        const answer = await fetch(url, options);
        return [answer.status, await read(answer)];
      } catch (error) {
        return [String(error)];
      }
    };
    const headers = { 'Authorization': 'Basic YW5uOmFubg==' };
    const posted = await ask(publish, {
      method: 'POST', body: '{"a":1}', headers: { ...headers, 'Content-Type': 'application/json' },
    }, async (answer) => (await answer.json()).channel);
    const streamed = await ask(subscribe, {
      headers: { ...headers, 'Accept': 'text/event-stream', 'Last-Event-ID': '1-1' },
    }, async (answer) => {
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let all = '';
      while (!all.includes('event: subscribed')) all += (await reader.read()).value;
      await reader.cancel();
      return all.includes('event: subscribed');
    });
    return { posted, streamed };
  }, [publishUrl, subscribeUrl]);
  console.log(JSON.stringify(seen));
} finally {
  await browser.close();
}
