// A client of mod_cppwebsocket's channels that keeps its place: ../README.md is the manual.
import { below } from './address.js';
import { Base } from './base.js';
import { Line } from './line.js';

export const usual = {
  history: 0,
  heartbeat: 25,
  timeout: 20,
  protocols: ['channel.json'],
  json: true,
  events: true,
  retry: true,
  positions: {},
};
export const usualBackoff = { base: 1, most: 30 };

// Of several lines' states what the whole is: the first of these.
const order = ['waiting', 'connecting', 'closing', 'paused', 'open'];

class Client extends Base {
  #lines = new Map();  // by channel, or one alone
  #address;

  constructor(url, options) {
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    super({ ...usual, ...Object.fromEntries(given), backoff: { ...usualBackoff, ...options.backoff } });
    this.#address = this.absolute(url);
    const { channels = [undefined] } = options;
    const own = Array.isArray(channels) ? channels.map((name) => [name]) : Object.entries(channels);
    for (const [name, options] of own) this.subscribe(name, options);
    this.#watch();
  }

  #watch() {
    this.watchPage({
      wake: () => this.wake(),
      pause: () => this.#all((line) => line.pause()),
    });
  }

  #all(act) {
    for (const line of [...this.#lines.values()]) act(line);
  }

  get state() {
    const states = [...this.#lines.values()].map(({ state }) => state);
    return order.find((state) => states.includes(state)) ?? 'stopped';
  }

  get positions() {
    return Object.assign({}, ...[...this.#lines.values()].map((line) => line.positions()));
  }

  connect() {
    this.#watch();
    this.#all((line) => line.start());
  }

  reconnect() {
    this.#all((line) => line.reconnect());
  }

  // What the page does by itself when it is seen again, or the network is back.
  wake() {
    this.#all((line) => line.wake());
  }

  close() {
    this.unwatchPage();
    this.#all((line) => line.stop());
  }

  // The same in order, by the closing handshake: `stopped` tells how it went.
  goodbye(code, reason) {
    this.#all((line) => line.goodbye(code, reason));
    this.unwatchPage();
  }

  subscribe(name, options = {}) {
    if (this.#lines.has(name)) return;
    const line = new Line({
      url: name === undefined ? this.#address : below(this.#address, name),
      name,
      options: { ...this.options, ...options },
      env: this.env,
      told: (type, detail) => this.tell(type, detail),
    });
    this.#lines.set(name, line);
    // Later: who calls connect() has not listened yet.
    queueMicrotask(() => { if (this.#lines.get(name) === line) line.start(); });
  }

  unsubscribe(name) {
    this.#lines.get(name)?.stop();
    this.#lines.delete(name);
  }

  send(data) {
    const [line] = this.#lines.values();
    line.send(data);
  }
}

export function connect(url, options = {}) {
  return new Client(url, options);
}
