// Publishes by HTTP, and shows what the client gets both ways. docs/channels.md and docs/frontend.md are the manual.
import { connect } from './client/connect.js';

const $ = (id) => document.getElementById(id);
const most = 200;      // events that a list keeps
const beginWith = 10;  // messages of the past for who is new
const words = {
  connecting: 'connecting', open: 'open', waiting: 'reconnecting', paused: 'paused', stopped: 'refused',
};
const base64 = (bytes) => btoa(String.fromCharCode(...bytes));

const channel = () => $('channel').value.trim();
const addressOf = (place) => `${location.origin}/channels/${place}/${encodeURIComponent(channel())}`;

// One side of the page: a list, a state, a button, and a client with these options.
class Feed {
  constructor(id, options) {
    const section = $(id);
    this.list = section.querySelector('.events');
    this.state = section.querySelector('.state');
    this.place = section.querySelector('.position');
    this.button = section.querySelector('button');
    this.options = options;
    this.client = null;
    this.isOn = false;
    this.positions = {};
    this.button.addEventListener('click', () => (this.isOn ? this.stop() : this.start()));
  }

  start() {
    this.isOn = true;
    this.button.textContent = 'Disconnect';
    this.client = connect('/channels/subscribe', {
      channels: [channel()], publish: '/channels/publish', history: beginWith, positions: this.positions,
      ...this.options,
    });
    this.client.on('state', ({ state, status }) => {
      if (this.isOn) this.show(state, status ? `${words[state]} · ${status}` : words[state]);
    });
    this.client.on('message', ({ data }) => {
      this.add('in', typeof data === 'string' ? data : `${base64(data)} (Base64)`);
    });
    this.client.on('gap', () => this.add('note', 'some messages are lost'));
    // Behind the listeners the client has moved on.
    for (const type of ['message', 'gap', 'subscribed'])
      this.client.on(type, () => queueMicrotask(() => this.showPlace()));
  }

  stop() {
    this.isOn = false;
    this.positions = this.client.positions;
    this.client.close();
    this.show('stopped', 'disconnected');
    this.button.textContent = 'Connect';
  }

  // Another channel.
  reset() {
    if (this.isOn) this.stop();
    this.positions = {};
    this.list.replaceChildren();
    this.showPlace();
  }

  show(state, text) {
    this.state.dataset.state = state;
    this.state.textContent = text;
  }

  showPlace() {
    this.place.textContent = this.client?.positions[channel()] ?? '–';
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

const websocket = new Feed('websocket', { events: false });
const stream = new Feed('stream', { WebSocket: null });

async function publish() {
  const text = $('text').value;
  $('text').select();
  try {
    const { position, members } = await websocket.client.publish(channel(), text);
    $('answer').textContent = `Published${position ? ` at ${position}` : ''} · members here: ${members}`;
    $('answer').dataset.ok = true;
  } catch (error) {
    $('answer').textContent = `Not published: ${[error.status, error.message].filter(Boolean).join(' ')}`;
    $('answer').dataset.ok = false;
  }
}

function chooseChannel() {
  for (const feed of [websocket, stream]) {
    feed.reset();
    feed.start();
  }
  for (const place of document.querySelectorAll('.publish-url')) place.textContent = addressOf('publish');
  for (const place of document.querySelectorAll('.subscribe-url')) place.textContent = addressOf('subscribe');
}

$('publish').addEventListener('submit', (event) => {
  event.preventDefault();
  publish();
});
$('channel').addEventListener('change', () => { if (channel()) chooseChannel(); });

$('channel').value = new URLSearchParams(location.search).get('channel') || 'demo';
chooseChannel();
