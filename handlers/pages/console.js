// The console: one WebSocket, and a log of all that happens to it.
// In the page's address: ?path=/echo or ?url=ws://…, and &protocols=… and &message=….
import { connect } from './client/connect.js';

const $ = (id) => document.getElementById(id);
const maxLines = 1000;  // of the log; the oldest go
const maxShown = 4000;  // characters of one message; the counters count all
const utf8 = new TextEncoder();

let client = null;
const counts = { in: [0, 0], out: [0, 0] };  // messages, bytes

// --- log -----------------------------------------------------------------------------------------

function timestamp() {
  const now = new Date();
  const two = (number) => String(number).padStart(2, '0');
  return `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}` +
    `.${String(now.getMilliseconds()).padStart(3, '0')}`;
}

function bytes(count) {
  if (count < 1024) return `${count} B`;
  if (count < 1024 * 1024) return `${(count / 1024).toFixed(1)} KiB`;
  return `${(count / 1024 / 1024).toFixed(1)} MiB`;
}

// kind: in, out, note or error; type: what stands beside the time.
function log(kind, type, text) {
  const shown = text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
  const line = document.createElement('li');
  line.dataset.kind = kind;
  line.dataset.type = type;
  for (const [className, content] of
    [['time', timestamp()], ['arrow', { in: '↓', out: '↑' }[kind] ?? '·'],
      ['type', type], ['payload', shown]]) {
    const part = document.createElement('span');
    part.className = className;
    part.textContent = content;
    line.append(part);
  }
  line.querySelector('.arrow').setAttribute('aria-label',
    { in: 'received', out: 'sent', note: '', error: 'error' }[kind]);

  const list = $('log');
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.append(line);
  while (list.childElementCount > maxLines) list.firstElementChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
  $('log-empty').hidden = true;
}

function count(kind, size) {
  counts[kind][0] += 1;
  counts[kind][1] += size;
  showCounts();
}

function showCounts() {
  $('sent').textContent = `${counts.out[0]} · ${bytes(counts.out[1])}`;
  $('received').textContent = `${counts.in[0]} · ${bytes(counts.in[1])}`;
}

function hex(content) {
  const first = [...content.subarray(0, 48)];
  const digits = first.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return digits + (content.length > first.length ? ' …' : '');
}

// --- state ---------------------------------------------------------------------------------------

function showState(state, text) {
  $('state').dataset.state = state;
  $('state').textContent = text;
  const connected = state === 'open';
  $('connect').disabled = state !== 'closed';
  $('disconnect').disabled = state === 'closed' || state === 'closing';
  $('send').disabled = $('send-file').disabled = !connected;
}

const closeNames = {
  1000: 'normal', 1001: 'going away', 1002: 'protocol error', 1003: 'unsupported data',
  1005: 'no code', 1006: 'abnormal', 1007: 'invalid payload', 1008: 'policy violation',
  1009: 'message too big', 1011: 'internal error', 1012: 'service restart', 1013: 'try again later',
};

// What an answer without a WebSocket means to whoever has typed the address.
const statusNames = {
  401: 'log in first', 403: 'not allowed', 404: 'there is nothing at this address',
  426: 'there is a handler, and why no WebSocket opened is in the server’s log', 429: 'too often',
  503: 'no room now', 504: 'a proxy waits in vain',
};

// --- connection ----------------------------------------------------------------------------------

function connected({ protocol, extensions }) {
  showState('open', 'open');
  $('protocol').textContent = protocol || 'none';
  $('extensions').textContent = extensions || 'none';
  log('note', 'open', [protocol, extensions].filter(Boolean).join(' · '));
  $('message').focus({ preventScroll: true });
}

function received(data) {
  if (typeof data === 'string') {
    count('in', utf8.encode(data).length);
    log('in', 'text', data);
  } else {
    count('in', data.length);
    log('in', 'binary', `${bytes(data.length)}  ${hex(data)}`);
  }
}

function closed({ code = 1006, reason, clean, status }) {
  const name = closeNames[code] ? `${code} ${closeNames[code]}` : `${code}`;
  if (status) {
    showState('closed', `refused · ${status}`);
    // 426 is said to the plain request by which the client asked, and its sentence is about that.
    const said = status === 426 ? '' : reason;
    log('error', 'refused', [`${status} ${statusNames[status] ?? ''}`.trim(), said].filter(Boolean).join(' · '));
    return;
  }
  const text = [name, reason && `“${reason}”`, clean ? '' : 'not clean'];
  showState('closed', `closed · ${name}`);
  log(clean ? 'note' : 'error', 'close', text.filter(Boolean).join(' · '));
}

function open() {
  const protocols = $('protocols').value.split(',').map((name) => name.trim()).filter(Boolean);
  const url = $('url').value.trim();
  try {
    client = connect(url, { protocols, json: false, retry: false });
  } catch (error) {
    log('error', 'error', error.message);
    return;
  }
  $('protocol').textContent = $('extensions').textContent = '–';
  const opened = client;
  opened.on('message', ({ data }) => received(data));
  opened.on('state', (now) => {
    if (now.state === 'open') connected(now);
    if (now.state === 'stopped') closed(now);
    if (now.state === 'connecting') {
      showState('connecting', 'connecting');
      log('note', 'connect', url);
    }
  });
}

function disconnect() {
  const code = $('close-code').value.trim();
  const reason = $('close-reason').value;
  const number = code === '' ? undefined : Number(code);
  try {
    client.goodbye(number, number && reason);
  } catch (error) {
    log('error', 'error', error.message);
    return;
  }
  if (client.state !== 'closing') return;
  showState('closing', 'closing');
  log('out', 'close', code === '' ? 'no code' : [code, reason].filter(Boolean).join(' · '));
}

// The text goes as it is: a WebSocket carries UTF-8, so encodeURIComponent would only make
// あ nine bytes long instead of three.
function sendText() {
  const text = $('message').value;
  if (!isOpen()) return;
  client.send(text);
  count('out', utf8.encode(text).length);
  log('out', 'text', text);
  $('message').select();
}

async function sendFile() {
  const [file] = $('file').files;
  if (!file) {
    log('error', 'error', 'choose a file first');
    return;
  }
  const content = new Uint8Array(await file.arrayBuffer());
  if (!isOpen()) return;
  client.send(content);
  count('out', content.length);
  log('out', 'binary', `${bytes(content.length)}  ${hex(content)}  ${file.name}`);
}

function isOpen() {
  return client?.state === 'open';
}

// --- page ----------------------------------------------------------------------------------------

function onSubmit(form, action) {
  $(form).addEventListener('submit', (event) => {
    event.preventDefault();
    action();
  });
}
onSubmit('connection', () => { if (!client || client.state === 'stopped') open(); });
onSubmit('sending', sendText);
onSubmit('closing', () => { if (client && client.state !== 'stopped') disconnect(); });
$('send-file').addEventListener('click', sendFile);
$('message').addEventListener('keydown', (event) => {
  // isComposing: this Enter ends the input of a Japanese word, not the message.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  sendText();
});
$('clear').addEventListener('click', () => {
  $('log').replaceChildren();
  $('log-empty').hidden = false;
  counts.in = [0, 0];
  counts.out = [0, 0];
  showCounts();
});

const server = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`;
const query = new URLSearchParams(location.search);
$('url').value = query.get('url') ?? server + (query.get('path') ?? '/echo');
$('protocols').value = query.get('protocols') ?? '';
if (query.has('message')) $('message').value = query.get('message');
showCounts();
showState('closed', 'not connected');

// Offers what runs here, where the server tells; see index.js.
fetch('handlers.json').then((response) => (response.ok ? response.json() : [])).then((paths) => {
  $('handlers').replaceChildren(...paths.map((path) => new Option(server + path)));
}).catch(() => {});
