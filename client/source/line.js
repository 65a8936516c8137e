// One connection that is kept: opened, watched, opened again. Its owner hears told(type, detail).
import { bytesOf } from './base.js';
import { openEvents } from './events.js';
import { Place } from './place.js';
import { openWebSocket } from './websocket.js';

const stable = 10_000;  // ms; a connection that lasted so long was a good one
const known = ['message', 'position', 'gap', 'joined', 'left', 'subscribed'];
const mayComeBack = [408, 425, 426, 429];  // of the 4xx; 426: here are WebSockets only

export class Line {
  places = new Map();  // by channel, in the server's order
  state = 'stopped';
  #transport = null;
  #kind;               // of the transport: websocket, events
  #turn = 0;           // of attempts: what an earlier one tells is not heard
  #failures = 0;
  #refusals = 0;       // WebSockets in a row that did not open
  #worked = false;     // one has opened before
  #why = {};           // the last one did not
  #unauthorized = false;
  #timer;
  #heard = 0;          // when something came last
  #limit = 0;          // ms of silence; 0: not watched
  #since = 0;          // it is open

  // url: absolute. name: of its channel, if it is the page's to say.
  constructor({ url, name, options, env, told }) {
    Object.assign(this, { url, name, options, env, told });
    if (name !== undefined) this.place(name);
    for (const [channel, position] of Object.entries(options.positions))
      if (name === undefined || name === channel) this.place(channel).resumeFrom(position);
  }

  place(channel) {
    if (!this.places.has(channel)) this.places.set(channel, new Place());
    return this.places.get(channel);
  }

  // Where a line is another one: whose positions the address says, and how a channel begins.
  resumed() { return [...this.places.values()]; }
  historyOf() { return this.options.history; }
  other() {}

  // --- what its owner does --------------------------------------------------------------------------

  start() {
    if (this.state !== 'stopped') return;
    this.#failures = 0;
    this.#unauthorized = false;
    this.#attempt();
  }

  stop() {
    if (this.state === 'stopped') return;
    this.#drop();
    this.#show('stopped', {});
  }

  // The page goes into the back-forward cache, where a connection would swallow messages.
  pause() {
    if (this.state === 'stopped') return;
    this.#drop();
    this.#show('paused', {});
  }

  // Now, instead of later: the network is back, the page is seen. A link that should have told something by now
  // is dead.
  wake() {
    const isSilent = this.#limit && this.env.now() - this.#heard > this.#limit;
    if (this.state === 'waiting' || this.state === 'paused' || isSilent) this.reconnect();
  }

  reconnect() {
    if (this.state === 'stopped') return;
    this.#drop();
    this.#attempt();
  }

  send(data) {
    if (this.state !== 'open' || !this.#transport.send) throw new Error(`cannot send: ${this.state}`);
    this.#transport.send(data);
  }

  // With a Close frame and its answer.
  goodbye(code, reason) {
    if (this.state !== 'open' || !this.#transport.goodbye) return this.stop();
    this.#transport.goodbye(code, reason);
    this.#arm(this.options.timeout * 1000, () => this.#ended({ code: 1006, reason: 'no answer' }));
    this.#show('closing', {});
  }

  // --- an attempt -----------------------------------------------------------------------------------

  async #attempt(kind = this.env.WebSocket ? 'websocket' : 'events') {
    const turn = ++this.#turn;
    const heard = (act) => (...all) => { if (turn === this.#turn) act(...all); };
    this.#kind = kind;
    this.#arm(this.options.timeout * 1000, () => this.#ended({ reason: 'no answer' }));
    if (this.state !== 'connecting') this.#show('connecting', {});
    let token;
    try {
      token = await this.options.token?.({ refused: this.#unauthorized });
    } catch (error) {
      return heard(() => this.#ended({ unasked: true, reason: `token: ${error.message}` }))();
    }
    if (turn !== this.#turn) return;
    const open = kind === 'websocket' ? openWebSocket : openEvents;
    this.#transport = open(this.env, this.#request(token), {
      open: heard((info) => this.#opened(info)),
      message: heard((data) => this.#message(data)),
      beat: heard(() => { this.#heard = this.env.now(); }),
      end: heard((info) => this.#ended(info)),
    });
  }

  #request(token) {
    const { json, protocols, history, heartbeat, credentials, tokenQuery } = this.options;
    const url = new URL(this.url);
    const set = (name, value) => value && url.searchParams.set(name, value);
    if (this.#subscribes) {
      const after = this.resumed().map(({ position }) => position).join();
      set('after', /[^,]/.test(after) && after);
      set('history', history);
      set('heartbeat', heartbeat);
    }
    if (this.#kind === 'events') {
      set('format', 'json');
      return { url, credentials, headers: token ? { Authorization: `Bearer ${token}` } : {} };
    }
    // A script may set no field of a WebSocket's request but this one, which is in no access log.
    const offered = token && !tokenQuery ? [...protocols, `bearer.${token}`] : protocols;
    if (tokenQuery) set(tokenQuery, token);
    url.protocol = url.protocol.replace('http', 'ws');
    return { url, protocols: offered };
  }

  // From the end point, not from a handler of somebody's.
  get #subscribes() {
    return /^channels?\.json$/.test(this.options.protocols[0]);
  }

  #opened(info) {
    if (this.#kind === 'events' && (!this.#subscribes || this.#worked && this.#refusals < 3))
      return this.#ended({ reason: 'only WebSockets do not open' });
    this.info = info;
    const hello = this.options.hello?.({ positions: this.positions() });
    if (hello !== undefined) this.#transport.send(hello);
    // A subscription is there when the server says so: what has opened may be a proxy that keeps all.
    if (!this.options.json) this.#live();
  }

  #live() {
    if (this.state === 'open') return;
    if (this.#kind === 'websocket') {
      this.#worked = true;
      this.#refusals = 0;
    }
    this.#unauthorized = false;
    this.#since = this.env.now();
    this.#limit = 0;
    this.#arm(0);
    this.#show('open', this.info);
  }

  positions() {
    const all = [...this.places].map(([channel, { position }]) => [channel, position]);
    return Object.fromEntries(all.filter(([, position]) => position));
  }

  // --- what comes -----------------------------------------------------------------------------------

  #message(data) {
    this.#heard = this.env.now();
    if (!this.options.json) return this.told('message', { data });
    let event;
    try {
      event = JSON.parse(data);
    } catch {
      return this.#ended({ reason: 'what came is not JSON' });
    }
    if (event.type === 'heartbeat') this.#watch();
    if (event.type === 'welcome') this.#live();
    if (known.includes(event.type)) this.#take(event);
    else this.other(event);
  }

  #take({ type, base64, id, ...event }) {
    const place = this.place(event.channel);
    if (base64 !== undefined) event.data = bytesOf(base64);
    if (type === 'subscribed') {
      const isLost = place.begin(event, this.historyOf(event.channel));
      this.#live();
      this.told(type, event);
      if (isLost) this.told('gap', { channel: event.channel });
      return;
    }
    if (type === 'message' && !place.isNew(event.position)) return;
    if (type === 'position' || type === 'message' && place.had(id, event.position)) return place.moveTo(event.position);
    this.told(type, event);
    // Behind the page's script: what it has not had comes again.
    if (type === 'message' || type === 'gap') place.moveTo(event.position);
  }

  // The server tells each `heartbeat` seconds that the link is alive.
  #watch() {
    if (this.#limit || this.state !== 'open') return;
    this.#limit = this.options.heartbeat * 2500;
    const look = () => {
      const rest = this.#limit - (this.env.now() - this.#heard);
      if (rest <= 0) this.#ended({ opened: true, reason: 'no heartbeat' });
      else this.#arm(rest, look);
    };
    this.#arm(this.#limit, look);
  }

  // --- the end --------------------------------------------------------------------------------------

  #drop() {
    this.#turn += 1;
    this.#limit = 0;
    this.#arm(0);
    this.#transport?.close();
    this.#transport = null;
  }

  #ended(info) {
    const was = this.state;
    this.#drop();
    if (was === 'open' && this.env.now() - this.#since >= stable) {
      this.#failures = 0;
      for (const place of this.places.values()) place.settle();
    }
    if (this.#kind === 'events' && !info.opened) info = { ...this.#why, ...info };
    const isOver = was === 'closing' || info.final || this.#isRefused(info);
    if (isOver || info.opened && !this.options.retry) return this.#show('stopped', info);
    // Why a WebSocket did not open no page is told. An event stream tells; and where only it gets through, it serves.
    if (this.#kind === 'websocket' && was === 'connecting' && this.options.events && !info.unasked) {
      this.#refusals += 1;
      this.#why = info;
      return this.#attempt('events');
    }
    if (!this.options.retry) return this.#show('stopped', info);
    this.#wait(info);
  }

  #isRefused({ status, code }) {
    if (code === 1008 || status === 204) return true;
    if (!(status >= 400 && status < 500) || mayComeBack.includes(status)) return false;
    // A token that has run out may be had anew, once.
    if (status === 401 && this.options.token && !this.#unauthorized) {
      this.#unauthorized = true;
      return false;
    }
    // A handler's address says 404 to whoever does not ask for a WebSocket.
    return this.#subscribes || status === 401 || status === 403;
  }

  #wait({ retry = 0, unasked, ...info }) {
    const { base, most } = this.options.backoff;
    const grown = Math.min(most, base * 2 ** this.#failures) * 1000;
    this.#failures += 1;
    const wait = Math.max(grown * (0.5 + this.env.random() / 2), retry * (1 + this.env.random() / 2));
    this.#arm(wait, () => this.#attempt());
    this.#show('waiting', { ...info, wait });
  }

  // One timer: an attempt's limit, the watch over silence, or the wait.
  #arm(time, act) {
    this.env.clearTimeout(this.#timer);
    this.#timer = time ? this.env.setTimeout(act, time) : undefined;
  }

  #show(state, info) {
    this.state = state;
    this.told('state', { ...info, state, transport: this.#kind, channel: this.name });
  }
}
