// In a worker: one connection for all pages that ask for the same. A page that comes later, or comes back from the
// back-forward cache, gets what it has missed from what is remembered here, or is told of a gap.
import { connect } from './connect.js';
import { reaches } from './place.js';

const remembered = 500;  // messages of each channel, at least

class Shared {
  #ports = new Map();    // port: its positions at its joining
  #recent = new Map();   // channel: [{ type, detail }, …], messages and gaps
  #subscribed = new Map();
  #asked = [];           // who waits for a token

  constructor(url, options, hasToken, open) {
    this.options = options;
    this.most = Math.max(options.history ?? 0, remembered);
    this.client = open(url, { ...options, ...(hasToken && { token: (why) => this.#token(why) }) });
    for (const type of ['message', 'gap', 'joined', 'left', 'subscribed', 'state'])
      this.client.on(type, (detail) => this.#hear(type, detail));
  }

  // Of the page that came last: it is the least likely to sleep.
  #token(why) {
    [...this.#ports.keys()].at(-1)?.postMessage({ wantsToken: why });
    return new Promise((resolve) => this.#asked.push(resolve));
  }

  token(token) {
    for (const resolve of this.#asked.splice(0)) resolve(token);
  }

  #hear(type, detail) {
    const isFirst = type === 'subscribed' && !this.#subscribed.has(detail.channel);
    if (type === 'subscribed') this.#subscribed.set(detail.channel, detail);
    if (type === 'message' || type === 'gap') {
      const recent = this.#recent.get(detail.channel) ?? [];
      this.#recent.set(detail.channel, recent);
      recent.push({ type, detail });
      if (recent.length > this.most) recent.shift();
    }
    for (const [port, positions] of this.#ports) {
      this.#post(port, type, detail);
      if (isFirst) this.#compare(port, detail.channel, positions[detail.channel]);
    }
  }

  // A page that joined before the connection stood, behind where that has begun.
  #compare(port, channel, position) {
    const start = this.options.positions?.[channel];
    if (position && !reaches(position, start)) this.#post(port, 'gap', { channel });
  }

  #post(port, type, detail) {
    port.postMessage({ type, detail, state: this.client.state });
  }

  join(port, positions = {}) {
    this.#ports.set(port, positions);
    for (const [channel, detail] of this.#subscribed) {
      this.#post(port, 'subscribed', detail);
      this.#replay(port, channel, positions[channel]);
    }
    this.#post(port, 'state', { state: this.client.state });
    if (this.client.state === 'stopped') this.client.connect();
  }

  #replay(port, channel, position) {
    const recent = this.#recent.get(channel) ?? [];
    let from = position ? recent.findLastIndex(({ detail }) => detail.position === position) + 1
      : Math.max(recent.length - (this.options.history ?? 0), 0);
    const isAtEnd = !recent.length && reaches(position, this.client.positions[channel]);
    if (position && from === 0 && !isAtEnd) {
      this.#post(port, 'gap', { channel });
      from = recent.findIndex(({ detail }) => !reaches(position, detail.position));
      if (from < 0) return;
    }
    for (const { type, detail } of recent.slice(from)) this.#post(port, type, detail);
  }

  // True if nobody is left.
  leave(port) {
    this.#ports.delete(port);
    if (this.#ports.size > 0) return false;
    this.client.close();
    return true;
  }
}

// open: connect(), or a test's.
export function makeHub(open = connect) {
  const all = new Map();  // by address and options
  const of = new Map();   // port: key
  return function serve(port) {
    const leave = () => {
      const key = of.get(port);
      of.delete(port);
      if (all.get(key)?.leave(port)) all.delete(key);
    };
    port.onmessage = ({ data }) => {
      if (data.join !== undefined) {
        leave();
        const { positions, ...options } = data.options;
        const key = JSON.stringify([data.join, options]);
        if (!all.has(key)) all.set(key, new Shared(data.join, data.options, data.hasToken, open));
        of.set(port, key);
        all.get(key).join(port, positions);
      }
      const shared = all.get(of.get(port));
      if (data.leave) leave();
      if (data.wake) shared?.client.wake?.();
      if (data.token !== undefined) shared?.token(data.token);
    };
  };
}
