// A world in which a client runs: a clock that the test moves, sockets and event streams that it answers.
import { connect } from '../source/connect.js';

class Socket {
  constructor(world, url, protocols) {
    Object.assign(this, { url: new URL(url), protocols, sent: [], isClosed: false });
    world.sockets.push(this);
  }
  send(data) { this.sent.push(data); }
  close() { this.isClosed = true; }
  // What the server does.
  accept() { this.onopen(); return this; }
  say(event) { this.onmessage({ data: JSON.stringify(event) }); return this; }
  subscribe(channel, position, recovered = false) {
    return this.accept().say({ type: 'subscribed', channel, position, recovered });
  }
  end(code = 1006) { this.onclose({ code, reason: '', wasClean: code !== 1006 }); }
}

// An event stream as fetch gives it, or a refusal.
class Answer {
  constructor(status, type, fields, text) {
    Object.assign(this, { status, ok: status === 200, said: text });
    this.headers = new Headers({ 'Content-Type': type, ...fields });
    this.body = new ReadableStream({ start: (pipe) => { this.pipe = pipe; } });
  }
  async text() { return this.said; }
  async json() { return JSON.parse(this.said); }
  write(text) { this.pipe.enqueue(new TextEncoder().encode(text)); }
  end() { this.pipe.close(); }
}

export const stream = () => new Answer(200, 'text/event-stream', {}, '');
export const refusal = (status, fields = {}, text = 'no') => new Answer(status, 'text/plain', fields, text);
export const json = (value) => new Answer(200, 'application/json', {}, JSON.stringify(value));

export class World {
  sockets = [];
  asked = [];      // by fetch: { url, headers, … }
  answers = [];    // for the next of them; none: the network fails
  timers = new Map();
  time = 1_000_000;
  page = new EventTarget();
  document = Object.assign(new EventTarget(), { hidden: false });
  heard = [];

  env = {
    WebSocket: (() => {
      const world = this;
      return function open(url, protocols) { return new Socket(world, url, protocols); };
    })(),
    fetch: async (url, how) => {
      this.asked.push({ url: new URL(url), ...how });
      const answer = this.answers.shift();
      if (!answer) throw new TypeError('fetch failed');
      return answer;
    },
    setTimeout: (act, wait) => {
      const timer = { act, at: this.time + wait };
      this.timers.set(timer, timer);
      return timer;
    },
    clearTimeout: (timer) => this.timers.delete(timer),
    now: () => this.time,
    random: () => 0.5,
    here: 'http://host/page',
    page: this.page,
    document: this.document,
  };

  // What has been promised comes true.
  async settle() {
    for (let i = 0; i < 20; ++i) await new Promise((resolve) => setImmediate(resolve));
  }

  async pass(ms) {
    const end = this.time + ms;
    for (;;) {
      await this.settle();
      const [next] = [...this.timers.values()].sort((a, b) => a.at - b.at);
      if (!next || next.at > end) break;
      this.timers.delete(next);
      this.time = next.at;
      next.act();
    }
    this.time = end;
    await this.settle();
  }

  async connect(url = '/subscribe', options = { channels: ['news'] }) {
    this.client = connect(url, { env: this.env, ...options });
    for (const type of ['message', 'gap', 'joined', 'left', 'subscribed', 'state'])
      this.client.on(type, (detail) => this.heard.push({ type, ...detail }));
    await this.settle();
    return this.client;
  }

  get socket() { return this.sockets.at(-1); }
  told(type) { return this.heard.filter((each) => each.type === type); }
  texts() { return this.told('message').map(({ data }) => data); }
  states() { return this.told('state').map(({ state }) => state); }
}

export const message = (channel, position, data) => ({ type: 'message', channel, position, data });
