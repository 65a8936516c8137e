// An event stream by one of the libraries that stand in for EventSource, until it is killed.
// usage: node event_library.mjs eventsource|fetch-event-source|event-source-polyfill URL
// Prints a line for each thing that happens.
const [library, url] = process.argv.slice(2);

const tell = (line) => process.stdout.write(`${line}\n`);

function follow(source) {
  source.addEventListener('open', () => tell('open'));
  source.addEventListener('error', () => tell(source.readyState === 2 ? 'closed' : 'error'));
  for (const name of ['message', 'subscribed', 'gap'])
    source.addEventListener(name, ({ data }) => tell(`${name} ${data}`));
}

if (library === 'fetch-event-source') {
  // Written for pages: what it wants of one.
  globalThis.window = globalThis;
  globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
  const { fetchEventSource } = await import('@microsoft/fetch-event-source');
  await fetchEventSource(url, {
    onopen: async ({ status }) => tell(status === 200 ? 'open' : `status ${status}`),
    onmessage: ({ event, data }) => tell(`${event || 'message'} ${data}`),
    onclose: () => tell('closed'),
    onerror: () => tell('error'),
  });
} else {
  const module = await import(library);
  const EventSource = module.EventSource ?? module.default.EventSourcePolyfill;
  follow(new EventSource(url));
}
