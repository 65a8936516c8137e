// The page of chat_wsh.cpp. When the connection breaks the client comes back, says where it was, and gets exactly
// what it missed, or is told that some is lost.
import { connect } from './client/connect.js';

const $ = (id) => document.getElementById(id);
const maxLines = 500;  // of the log; the oldest go

let me = null;        // { name, room } while in a room
let client = null;    // meanwhile
let members = new Map();  // by id: several may have one name
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

function subscribed(event) {
  members = new Map(event.members.map(({ id, info }) => [id, info]));
  showPeople();
}

function joined({ member }) {
  if (members.has(member.id)) return;
  const known = [...members.values()].includes(member.info);
  members.set(member.id, member.info);
  if (!known) quietly('joined', member);
  showPeople();
}

function left({ member }) {
  if (!members.delete(member.id)) return;
  if (![...members.values()].includes(member.info)) quietly('left', member);
  showPeople();
}

// --- connection ----------------------------------------------------------------------------------

const words = {
  connecting: 'connecting', open: 'connected', waiting: 'connecting again', paused: 'paused', stopped: 'refused',
};

function join() {
  client = connect('/chat', {
    protocols: [],
    hello: ({ positions }) => [me.room, me.name, positions[`chat/${me.room}`] ?? ''].join('\n'),
    history: 50,  // what the handler begins with
    backoff: { base: 0.5, most: 8 },
  });
  client.on('message', ({ data }) => showMessage(data));
  client.on('gap', () => note('Some messages are missing here', 'note gap'));
  client.on('subscribed', subscribed);
  client.on('joined', joined);
  client.on('left', left);
  client.on('state', ({ state, code }) => {
    if (code === 1008) return leave();  // such a name, or such a room, it does not take
    showState(state, words[state]);
  });
  globalThis.client = client;  // for the browser's console
}

// --- page ----------------------------------------------------------------------------------------

function enter(name, room) {
  me = { name, room };
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
  join();
}

function leave() {
  client.close();
  client = null;
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
  if (text === '' || client?.state !== 'open') return;
  client.send(text);  // as it is: a WebSocket carries UTF-8
  $('text').value = '';
});
$('leave').addEventListener('click', leave);

const query = new URLSearchParams(location.search);
$('name').value = query.get('name') ?? localStorage.getItem('name') ?? '';
$('room').value = query.get('room') ?? sessionStorage.getItem('room') ?? 'lobby';
// After a reload it goes on.
if ($('name').value !== '' && sessionStorage.getItem('room') === $('room').value)
  enter($('name').value, $('room').value);
else
  $('name').focus();
