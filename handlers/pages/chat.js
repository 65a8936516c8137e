// The client of chat_wsh.cpp. It keeps the position of the last message it has: when the connection
// breaks it comes back, says it, and gets exactly what it missed, or is told that some is lost.
'use strict';

const $ = (id) => document.getElementById(id);
const maxLines = 500;  // of the log; the oldest go
const maxWait = 8000;  // ms between two tries

let me = null;        // { name, room } while in a room
let socket = null;
let position = '';    // "EPOCH-OFFSET" of the last message
let members = new Map();  // by id: several may have one name
let failures = 0;     // since the last time that it worked
let retry = 0;        // timer
const leaving = new Map();  // name: timer, see quietly()

// --- what is shown -------------------------------------------------------------------------------

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

// The same colour for a name in every window.
function hue(name) {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)) % 360;
  return sum;
}

function append(line) {
  const list = $('messages');
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  list.append(line);
  while (list.childElementCount > maxLines) list.firstElementChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

const note = (text, className = 'note') => append(element('li', className, text));

function showMessage(data) {
  const [name, seconds, ...rest] = data.split('\n');
  const time = new Date(Number(seconds) * 1000);
  const line = element('li', name === me.name ? 'said mine' : 'said', '');
  line.style.setProperty('--hue', hue(name));
  const head = element('div', 'who', name);
  const clock = element('time', 'hint', time.toLocaleTimeString([], { timeStyle: 'short' }));
  clock.dateTime = time.toISOString();
  head.append(clock);
  line.append(head, element('p', '', rest.join('\n')));
  append(line);
}

function showPeople() {
  const names = [...members.values()].sort((a, b) => a.localeCompare(b));
  const counts = new Map();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  $('people').replaceChildren(...[...counts].map(([name, count]) => {
    const item = element('li', name === me.name ? 'me' : '', name);
    item.style.setProperty('--hue', hue(name));
    if (count > 1) item.append(element('span', 'hint', ` ×${count}`));
    return item;
  }));
  $('count').textContent = names.length > 0 ? names.length : '';
}

function showState(state, text) {
  $('state').dataset.state = state;
  $('state').textContent = text;
  $('send').disabled = state !== 'open';
}

// Who comes back at once, as after a reload, has not left.
function quietly(kind, { info: name }) {
  if (name === me.name) return;
  if (kind === 'left') {
    clearTimeout(leaving.get(name));
    leaving.set(name, setTimeout(() => {
      leaving.delete(name);
      if (![...members.values()].includes(name)) note(`${name} has left`);
    }, 2500));
  } else if (leaving.has(name)) {
    clearTimeout(leaving.get(name));
    leaving.delete(name);
  } else {
    note(`${name} is here`);
  }
}

// --- what comes ----------------------------------------------------------------------------------

// What a page has already seen may come again where what it missed is lost.
function isNew(next) {
  const [epoch, offset] = next.split('-');
  const [lastEpoch, lastOffset] = position.split('-');
  return epoch !== lastEpoch || BigInt(offset) > BigInt(lastOffset);
}

const handlers = {
  subscribed(event) {
    failures = 0;
    showState('open', 'connected');
    if (position !== '' && !event.recovered) note('Some messages are missing here', 'note gap');
    members = new Map(event.members.map(({ id, info }) => [id, info]));
    // Those that follow move it on. An empty room has a position, too.
    if (position === '' && event.position && event.position.endsWith('-0')) position = event.position;
    showPeople();
  },
  message(event) {
    if (position !== '' && event.position && !isNew(event.position)) return;
    if (event.position) position = event.position;
    showMessage(event.data);
  },
  gap(event) {
    position = event.position;
    note('Some messages are missing here', 'note gap');
  },
  joined({ member }) {
    if (members.has(member.id)) return;
    const known = [...members.values()].includes(member.info);
    members.set(member.id, member.info);
    if (!known) quietly('joined', member);
    showPeople();
  },
  left({ member }) {
    if (!members.delete(member.id)) return;
    if (![...members.values()].includes(member.info)) quietly('left', member);
    showPeople();
  },
};

// --- connection ----------------------------------------------------------------------------------

function connect() {
  clearTimeout(retry);
  if (me === null || socket !== null) return;
  const address = new URL('/chat', location.href);
  address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const opened = new WebSocket(address);
  socket = opened;
  showState('connecting', 'connecting');
  opened.onopen = () => opened.send([me.room, me.name, position].join('\n'));
  opened.onmessage = ({ data }) => {
    if (socket !== opened) return;
    const event = JSON.parse(data);
    handlers[event.type]?.(event);
  };
  opened.onclose = ({ code }) => {
    if (socket !== opened) return;
    socket = null;
    if (code === 1008) return leave();
    // Others come back, too: the later the more often it has failed, and not all at once.
    const wait = Math.min(maxWait, 250 * 2 ** failures++) * (0.5 + Math.random());
    showState('connecting', 'connecting again');
    retry = setTimeout(connect, wait);
  };
}

function disconnect() {
  clearTimeout(retry);
  const closing = socket;
  socket = null;
  closing?.close(1000);
}

// --- page ----------------------------------------------------------------------------------------

function enter(name, room) {
  me = { name, room };
  position = '';
  members = new Map();
  localStorage.setItem('name', name);
  sessionStorage.setItem('room', room);
  $('title').textContent = room;
  document.title = `${room} · mod_cppwebsocket`;
  $('messages').replaceChildren();
  $('entry').hidden = true;
  $('chat').hidden = false;
  $('text').focus();
  showPeople();
  connect();
}

function leave() {
  disconnect();
  me = null;
  for (const timer of leaving.values()) clearTimeout(timer);
  leaving.clear();
  sessionStorage.removeItem('room');
  $('chat').hidden = true;
  $('entry').hidden = false;
  showState('closed', 'not in a room');
}

function onSubmit(form, action) {
  $(form).addEventListener('submit', (event) => {
    event.preventDefault();
    action();
  });
}
onSubmit('enter', () => enter($('name').value.trim() || 'somebody', $('room').value.trim() || 'lobby'));
onSubmit('say', () => {
  const text = $('text').value.trim();
  if (text === '' || socket?.readyState !== WebSocket.OPEN || $('send').disabled) return;
  socket.send(text);  // as it is: a WebSocket carries UTF-8
  $('text').value = '';
});
$('leave').addEventListener('click', leave);

// Not unload: browsers skip that one, and it keeps the page out of their back/forward cache, from
// which pageshow brings it back.
window.addEventListener('pagehide', disconnect);
window.addEventListener('pageshow', connect);
window.addEventListener('online', () => {
  failures = 0;
  connect();
});

const query = new URLSearchParams(location.search);
$('name').value = query.get('name') ?? localStorage.getItem('name') ?? '';
$('room').value = query.get('room') ?? sessionStorage.getItem('room') ?? 'lobby';
// After a reload it goes on.
if ($('name').value !== '' && sessionStorage.getItem('room') === $('room').value)
  enter($('name').value, $('room').value);
else
  $('name').focus();
