// Publishes by fetch, and shows what two kinds of subscribers get. docs/channels.md is the manual.
'use strict';

const $ = (id) => document.getElementById(id);
const most = 200;      // events that a list keeps
const beginWith = 10;  // messages of the past for who is new

const channel = () => encodeURIComponent($('channel').value.trim());
const base = location.origin === 'null' ? 'http://127.0.0.1:8080' : location.origin;
const publishUrl = () => `${base}/channels/publish/${channel()}`;
const subscribeUrl = () => `${base}/channels/subscribe/${channel()}`;

// One side of the page: a list, a state, a button, and the position where it stands.
class Feed {
  constructor(id, open) {
    const section = $(id);
    this.list = section.querySelector('.events');
    this.state = section.querySelector('.state');
    this.place = section.querySelector('.position');
    this.button = section.querySelector('button');
    this.open = open;    // (feed) → a function that closes
    this.close = null;
    this.position = '';
    this.button.addEventListener('click', () => (this.close ? this.stop() : this.start()));
  }

  start() {
    this.show('connecting', 'connecting');
    this.button.textContent = 'Disconnect';
    this.close = this.open(this);
  }

  stop() {
    this.close();
    this.close = null;
    this.show('closed', 'disconnected');
    this.button.textContent = 'Connect';
  }

  // Another channel, or the page goes.
  reset() {
    if (this.close) this.stop();
    this.list.replaceChildren();
    this.moveTo('');
  }

  show(state, text) {
    this.state.dataset.state = state;
    this.state.textContent = text;
  }

  moveTo(position) {
    this.position = position;
    this.place.textContent = position || '–';
  }

  add(kind, text) {
    const item = document.createElement('li');
    item.dataset.kind = kind;
    const time = document.createElement('time');
    time.textContent = new Date().toLocaleTimeString('en-GB');
    const payload = document.createElement('span');
    payload.className = 'payload';
    payload.textContent = text;
    item.append(time, payload);
    this.list.append(item);
    while (this.list.childElementCount > most) this.list.firstElementChild.remove();
    this.list.scrollTop = this.list.scrollHeight;
  }
}

const websocket = new Feed('websocket', (feed) => {
  let socket;
  let timer;
  let wanted = true;
  const connect = () => {
    const query = new URLSearchParams({ after: feed.position, history: beginWith });
    socket = new WebSocket(`${subscribeUrl().replace(/^http/, 'ws')}?${query}`, 'channel.json');
    socket.onopen = () => feed.show('open', 'open');
    socket.onmessage = ({ data }) => {
      if (!wanted) return;
      const event = JSON.parse(data);
      if (event.type === 'subscribed' && feed.position && !event.recovered)
        feed.add('note', 'some messages are no longer kept');
      if (event.type === 'message') feed.add('in', event.data ?? `${event.base64} (Base64)`);
      if (event.type === 'gap') feed.add('note', 'some messages are lost');
      // One that resumes is there only when it has got what it missed, which comes now.
      if (event.position && !event.recovered)
        feed.moveTo(event.position);
    };
    socket.onclose = () => {
      if (!wanted) return;
      feed.show('connecting', 'reconnecting');
      timer = setTimeout(connect, 1000 + 1000 * Math.random());
    };
  };
  connect();
  return () => {
    wanted = false;
    clearTimeout(timer);
    socket.close();
  };
});

const stream = new Feed('stream', (feed) => {
  const query = new URLSearchParams({ after: feed.position, history: beginWith });
  const source = new EventSource(`${subscribeUrl()}?${query}`);
  source.onopen = () => feed.show('open', 'open');
  source.onerror = () => {
    const over = source.readyState === EventSource.CLOSED;
    feed.show(over ? 'closed' : 'connecting', over ? 'refused' : 'reconnecting');
  };
  const take = (kind, text, id) => {
    feed.add(kind, text);
    if (id) feed.moveTo(id);
  };
  source.onmessage = ({ data, lastEventId }) => take('in', data, lastEventId);
  source.addEventListener('binary',
    ({ data, lastEventId }) => take('in', `${data} (Base64)`, lastEventId));
  source.addEventListener('subscribed',
    ({ lastEventId }) => { if (lastEventId) feed.moveTo(lastEventId); });
  source.addEventListener('gap',
    ({ lastEventId }) => take('note', 'some messages are no longer kept', lastEventId));
  return () => source.close();
});

async function publish() {
  const text = $('text').value;
  $('text').select();
  try {
    const response = await fetch(publishUrl(), {
      method: 'POST', body: text, headers: { 'Content-Type': 'text/plain;charset=utf-8' },
    });
    const answer = response.ok ? await response.json() : null;
    $('answer').textContent = answer
      ? `Published${answer.position ? ` at ${answer.position}` : ''} · members here: ${answer.members}`
      : `${response.status} ${(await response.text()).trim() || response.statusText}`;
    $('answer').dataset.ok = response.ok;
  } catch (error) {
    $('answer').textContent = `Not published: ${error.message}`;
    $('answer').dataset.ok = false;
  }
}

function chooseChannel() {
  for (const feed of [websocket, stream]) {
    feed.reset();
    feed.start();
  }
  for (const place of document.querySelectorAll('.publish-url')) place.textContent = publishUrl();
  for (const place of document.querySelectorAll('.subscribe-url')) place.textContent = subscribeUrl();
}

$('publish').addEventListener('submit', (event) => {
  event.preventDefault();
  publish();
});
$('channel').addEventListener('change', () => { if (channel()) chooseChannel(); });
window.addEventListener('pagehide', () => {
  for (const feed of [websocket, stream]) if (feed.close) feed.stop();
});

$('channel').value = new URLSearchParams(location.search).get('channel') || 'demo';
chooseChannel();
