// connectMany(): many channels over one connection, by the subprotocol channels.json.
import { below, bodyOf } from './address.js';
import { Base, bytesOf } from './base.js';
import { connect, usual, usualBackoff } from './connect.js';
import { Line } from './line.js';

const later = 5_000;  // ms until what the server could not find out is asked again

function base64Of(bytes) {
  let text = '';
  for (const byte of new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset, bytes.byteLength))
    text += String.fromCharCode(byte);
  return btoa(text);
}

async function messageOf(data) {
  const { body, type } = bodyOf(data);
  if (type.startsWith('text')) return { data: body };
  return { base64: base64Of(body.arrayBuffer ? await body.arrayBuffer() : body) };
}

class ManyLine extends Line {
  constructor({ owner, ...line }) {
    super(line);
    this.owner = owner;
  }

  resumed() { return this.owner.theirs(); }
  historyOf(channel) { return this.owner.historyOf(channel); }
  other(event) { this.owner.other(event); }
}

class Many extends Base {
  #line;
  #own = new Map();    // channel: options
  #gone = new Set();   // channels that were left: what is on its way still is not for the page
  #asked = new Map();  // id: { resolve, reject }
  #id = 0;
  #unopened = 0;       // attempts in a row that only told: here are WebSockets
  #streams;            // an event stream for each channel, where WebSockets do not get through

  constructor(url, options) {
    const backoff = { ...usualBackoff, ...options.backoff };
    super({ ...usual, ...options, publish: url, protocols: ['channels.json'], backoff });
    const { channels = [] } = options;
    for (const [name, own] of Array.isArray(channels) ? channels.map((name) => [name]) : Object.entries(channels))
      this.#own.set(name, own ?? {});
    this.url = this.absolute(url);
    this.#line = new ManyLine({
      url: this.url, owner: this, options: this.options, env: this.env,
      told: (type, detail) => this.#told(type, detail),
    });
    this.#watch();
    queueMicrotask(() => this.#line.start());
  }

  #watch() {
    this.watchPage({ wake: () => this.#line.wake(), pause: () => this.#line.pause() });
  }

  get state() { return (this.#streams ?? this.#line).state; }
  get positions() { return this.#streams?.positions ?? this.#line.positions(); }

  connect() {
    this.#watch();
    if (this.#streams) this.#streams.connect();
    else this.#line.start();
  }

  reconnect() { (this.#streams ?? this.#line).reconnect(); }

  close() {
    this.unwatchPage();
    this.#streams?.close();
    this.#line.stop();
  }

  subscribe(name, options = {}) {
    if (this.#own.has(name)) return;
    this.#own.set(name, options);
    this.#gone.delete(name);
    if (this.#streams) this.#streams.subscribe(name, options);
    else if (this.state === 'open') this.#join(name);
  }

  unsubscribe(name) {
    this.#own.delete(name);
    if (this.#streams) return this.#streams.unsubscribe(name);
    this.#gone.add(name);
    this.#line.places.delete(name);
    if (this.state === 'open') this.#ask('unsubscribe', name).catch(() => {});
  }

  async publish(channel, data) {
    if (this.#streams) return super.publish(channel, data);
    return this.#ask('publish', channel, await messageOf(data));
  }

  // To the application; what that sends back.
  async send(data) {
    if (this.#streams) throw new Error('an event stream takes no messages');
    return (await this.#ask('message', undefined, await messageOf(data))).send;
  }

  async history(channel, { limit, after } = {}) {
    if (this.#streams) return super.history(channel, { limit, after });
    const answer = await this.#ask('history', channel, { limit, after });
    answer.messages = answer.messages.map(({ base64, ...each }) =>
      (base64 === undefined ? each : { ...each, data: bytesOf(base64) }));
    return answer;
  }

  async presence(channel) {
    if (this.#streams) return super.presence(channel);
    return (await this.#ask('presence', channel)).presence;
  }

  // --- for its line ---------------------------------------------------------------------------------

  // The places in the channels that the server names, in its order.
  theirs() {
    const isTheirs = ([name]) => !this.#own.has(name) && !this.#gone.has(name);
    return [...this.#line.places].filter(isTheirs).map(([, place]) => place);
  }

  historyOf(channel) {
    return this.#own.get(channel)?.history ?? this.options.history;
  }

  other({ type, id, ...detail }) {
    if (type === 'welcome') {
      this.tell('welcome', { data: detail.data });
      for (const name of this.#own.keys()) this.#join(name);
    }
    const { resolve, reject } = this.#asked.get(id) ?? {};
    this.#asked.delete(id);
    if (type === 'answer') resolve?.(detail);
    if (type === 'error') reject?.(Object.assign(new Error(detail.text), { error: detail.error }));
  }

  // --- what happens ---------------------------------------------------------------------------------

  #told(type, detail) {
    if (this.#gone.has(detail.channel)) return;
    if (type === 'state') {
      if (detail.state !== 'open') this.#lose();
      this.#unopened = detail.state === 'open' ? 0 : this.#unopened + (detail.status === 426);
      if (detail.state === 'waiting' && this.#unopened > 1 && this.options.events) return this.#fall();
    }
    this.tell(type, detail);
  }

  #lose() {
    for (const { reject } of this.#asked.values())
      reject(new Error('the connection has ended: it is not known what became of this'));
    this.#asked.clear();
  }

  // The channels that this page names, at their addresses.
  #fall() {
    const positions = this.#line.positions();
    this.#line.stop();
    this.#streams = connect(this.url, {
      ...this.options, WebSocket: null, env: { ...this.env, WebSocket: null }, protocols: usual.protocols, positions,
      channels: Object.fromEntries(this.#own),
    });
    for (const type of ['message', 'gap', 'joined', 'left', 'subscribed', 'state'])
      this.#streams.on(type, (detail) => this.tell(type, detail));
  }

  async #join(name) {
    const { history = this.options.history, presence, events } = this.#own.get(name);
    const after = this.#line.place(name).position || undefined;
    try {
      await this.#ask('subscribe', name, { after, history, presence, events });
    } catch ({ error, message }) {
      if (error === 'unavailable') this.env.setTimeout(() => this.#again(name), later * (1 + this.env.random()));
      if (error && error !== 'already') this.tell('refused', { channel: name, error, reason: message });
    }
  }

  #again(name) {
    if (this.state === 'open' && this.#own.has(name)) this.#join(name);
  }

  #ask(type, channel, more) {
    return new Promise((resolve, reject) => {
      this.#line.send(JSON.stringify({ type, id: ++this.#id, channel, ...more }));
      this.#asked.set(this.#id, { resolve, reject });
    });
  }
}

export function connectMany(url, options = {}) {
  return new Many(url, options);
}
