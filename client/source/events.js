// One event stream, read by fetch: unlike EventSource this tells the status, can be authorized, and is
// never closed for good. `sink` hears open, message and end, and beat() for each byte's sake.
export function openEvents(env, { url, headers, credentials }, sink) {
  const abort = new AbortController();
  let over = false;
  let opened = false;
  let retry;
  const end = (info) => {
    if (over) return;
    over = true;
    sink.end({ opened, retry, ...info });
    abort.abort();
  };

  const take = (block) => {
    let data;
    for (const line of block.split('\n')) {
      const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
      if (name === 'data') data = data === undefined ? value : `${data}\n${value}`;
      if (name === 'retry' && /^\d+$/.test(value)) retry = Number(value);
    }
    if (data !== undefined && !over) sink.message(data);
  };

  const read = async () => {
    const response = await env.fetch(url, {
      headers: { Accept: 'text/event-stream', ...headers },
      cache: 'no-store',  // over HTTP/2 it says whom a stream's end may be told in order
      credentials,
      signal: abort.signal,
    });
    if (response.status !== 200 || !/^text\/event-stream/i.test(response.headers.get('Content-Type'))) {
      const after = Number(response.headers.get('Retry-After'));
      const text = over ? '' : (await response.text()).slice(0, 1000);
      return end({ status: response.status, reason: text, retry: after ? after * 1000 : undefined });
    }
    opened = true;
    if (!over) sink.open({});
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    for (let rest = ''; ;) {
      const { value, done } = await reader.read();
      if (done || over) return end({ reason: 'the stream has ended' });
      sink.beat();
      const blocks = (rest + decoder.decode(value, { stream: true })).replace(/\r\n/g, '\n').split('\n\n');
      rest = blocks.pop();
      blocks.forEach(take);
    }
  };
  read().catch((error) => end({ reason: error.message }));
  return {
    close() {
      over = true;
      abort.abort();
    },
  };
}
