// What a client of either form has: listeners, and requests about channels.
import { ask, below, bodyOf } from './address.js';

export const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

// What the place offers where this runs. Functions that browsers call with `this` only.
export function environment({ WebSocket = globalThis.WebSocket, fetch = globalThis.fetch }) {
  return {
    WebSocket,
    fetch: (...all) => fetch(...all),
    setTimeout: (act, time) => setTimeout(act, time),
    clearTimeout: (timer) => clearTimeout(timer),
    now: () => Date.now(),  // goes on while a computer sleeps
    random: Math.random,
    here: globalThis.location?.href,
    page: globalThis.addEventListener ? globalThis : undefined,
    document: globalThis.document,
  };
}

export class Base {
  #listeners = new Map();
  #unwatch = [];
  #address;

  constructor(options) {
    this.options = options;
    this.env = options.env ?? environment(options);
    if (options.publish) this.#address = this.absolute(options.publish);
  }

  absolute(url) {
    return new URL(url, this.env.here).href.replace(/^ws/, 'http');
  }

  // --- events -----------------------------------------------------------------------------------

  on(type, listener) {
    if (!this.#listeners.has(type)) this.#listeners.set(type, new Set());
    this.#listeners.get(type).add(listener);
    return () => this.#listeners.get(type).delete(listener);
  }

  tell(type, detail) {
    for (const listener of this.#listeners.get(type) ?? []) {
      try {
        listener(detail);
      } catch (error) {
        queueMicrotask(() => { throw error; });  // the page's fault is the page's to see, and costs no message
      }
    }
  }

  // --- by HTTP ----------------------------------------------------------------------------------

  async #ask(channel, query, request) {
    if (!this.#address) throw new Error('connect() was not told where to: publish');
    const url = new URL(channel === undefined ? this.#address : below(this.#address, channel));
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, value);
    return ask(this.env, this.options, url.href, request);
  }

  publish(channel, data) {
    return this.#ask(channel, {}, { method: 'POST', ...bodyOf(data) });
  }

  async history(channel, { limit, after } = {}) {
    const answer = await this.#ask(channel, { limit, after });
    answer.messages = answer.messages.map(({ base64, ...message }) =>
      (base64 === undefined ? message : { ...message, data: bytesOf(base64) }));
    return answer;
  }

  async presence(channel) {
    return (await this.#ask(channel, { limit: 0 })).presence;
  }

  // --- the page ---------------------------------------------------------------------------------

  // Not unload, which keeps a page out of the back-forward cache.
  watchPage({ wake, pause }) {
    const { page, document } = this.env;
    if (!page || this.#unwatch.length > 0) return;
    const listen = (target, type, act) => {
      target.addEventListener(type, act);
      this.#unwatch.push(() => target.removeEventListener(type, act));
    };
    listen(page, 'online', wake);
    listen(page, 'pagehide', pause);
    listen(page, 'pageshow', wake);
    if (document) listen(document, 'visibilitychange', () => { if (!document.hidden) wake(); });
  }

  unwatchPage() {
    for (const off of this.#unwatch.splice(0)) off();
  }
}
