// The console: one WebSocket, and a log of all that happens to it.
// In the page's address: ?path=/echo or ?url=ws://…, and &protocols=… and &message=….
'use strict';

const $ = (id) => document.getElementById(id);
const maxLines = 1000;  // of the log; the oldest go
const maxShown = 4000;  // characters of one message; the counters count all
const utf8 = new TextEncoder();

let socket = null;
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

function hex(buffer) {
  const first = [...new Uint8Array(buffer, 0, Math.min(buffer.byteLength, 48))];
  const digits = first.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return digits + (buffer.byteLength > first.length ? ' …' : '');
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

// --- connection ----------------------------------------------------------------------------------

function connect() {
  const protocols = $('protocols').value.split(',').map((name) => name.trim()).filter(Boolean);
  const url = $('url').value.trim();
  let opened;
  try {
    opened = new WebSocket(url, protocols);
  } catch (error) {
    log('error', 'error', error.message);
    return;
  }
  socket = opened;
  opened.binaryType = 'arraybuffer';
  $('protocol').textContent = $('extensions').textContent = '–';
  showState('connecting', 'connecting');
  log('note', 'connect', url);

  opened.onopen = () => {
    showState('open', 'open');
    $('protocol').textContent = opened.protocol || 'none';
    $('extensions').textContent = opened.extensions || 'none';
    log('note', 'open', [opened.protocol, opened.extensions].filter(Boolean).join(' · '));
    $('message').focus({ preventScroll: true });
  };
  opened.onmessage = ({ data }) => {
    if (typeof data === 'string') {
      const size = utf8.encode(data).length;
      count('in', size);
      log('in', 'text', data);
    } else {
      count('in', data.byteLength);
      log('in', 'binary', `${bytes(data.byteLength)}  ${hex(data)}`);
    }
  };
  opened.onclose = ({ code, reason, wasClean }) => {
    const name = closeNames[code] ? `${code} ${closeNames[code]}` : `${code}`;
    const text = [name, reason && `“${reason}”`, wasClean ? '' : 'not clean'];
    if (socket === opened) {
      socket = null;
      showState('closed', `closed · ${name}`);
    }
    log(wasClean ? 'note' : 'error', 'close', text.filter(Boolean).join(' · '));
  };
  opened.onerror = () => {
    // Browsers keep the cause from pages; the server's error log has it.
    log('error', 'error', 'the connection failed');
  };
}

function disconnect() {
  const code = $('close-code').value.trim();
  const reason = $('close-reason').value;
  try {
    if (code === '') socket.close();
    else socket.close(Number(code), reason);
  } catch (error) {
    log('error', 'error', error.message);
    return;
  }
  showState('closing', 'closing');
  log('out', 'close', code === '' ? 'no code' : [code, reason].filter(Boolean).join(' · '));
}

// The text goes as it is: a WebSocket carries UTF-8, so encodeURIComponent would only make
// あ nine bytes long instead of three.
function sendText() {
  const text = $('message').value;
  if (!isOpen()) return;
  socket.send(text);
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
  const content = await file.arrayBuffer();
  if (!isOpen()) return;
  socket.send(content);
  count('out', content.byteLength);
  log('out', 'binary', `${bytes(content.byteLength)}  ${hex(content)}  ${file.name}`);
}

function isOpen() {
  return socket !== null && socket.readyState === WebSocket.OPEN;
}

// --- page ----------------------------------------------------------------------------------------

function onSubmit(form, action) {
  $(form).addEventListener('submit', (event) => {
    event.preventDefault();
    action();
  });
}
onSubmit('connection', () => { if (socket === null) connect(); });
onSubmit('sending', sendText);
onSubmit('closing', () => { if (socket !== null) disconnect(); });
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
// Not unload: browsers skip that one, and it keeps the page out of their back/forward cache.
window.addEventListener('pagehide', () => { if (socket !== null) socket.close(); });

const server = location.host
  ? `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}` : 'ws://127.0.0.1:8080';
const query = new URLSearchParams(location.search);
$('url').value = query.get('url') ?? server + (query.get('path') ?? '/echo');
$('protocols').value = query.get('protocols') ?? '';
if (query.has('message')) $('message').value = query.get('message');
showCounts();
showState('closed', 'not connected');

// Offers what runs here, where the server tells; see index.js.
if (location.host) {
  fetch('handlers.json').then((response) => (response.ok ? response.json() : [])).then((paths) => {
    $('handlers').replaceChildren(...paths.map((path) => new Option(server + path)));
  }).catch(() => {});
}
