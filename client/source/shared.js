// connect() for pages that share one connection: a SharedWorker has it, and each tab a port to that. Where there
// is none, a Worker, whose timers go on in hidden tabs; where there is none either, the page's own connection.
import { Base } from './base.js';
import { connect } from './connect.js';
import { reaches } from './place.js';

class SharedClient extends Base {
  #port;
  #url;
  #isAway = false;
  state = 'connecting';
  positions;

  constructor(port, url, options) {
    super(options);
    this.#port = port;
    this.#url = this.absolute(url);
    this.positions = { ...options.positions };
    port.onmessage = ({ data }) => this.#hear(data);
    this.#watch();
    this.#join();
  }

  #watch() {
    this.watchPage({
      wake: () => (this.#isAway ? this.#join() : this.#port.postMessage({ wake: true })),
      pause: () => this.#leave('paused'),
    });
  }

  // The worker calls no function of the page but `token`, by asking for it.
  #join() {
    const { token, ...options } = this.options;
    this.#isAway = false;
    this.state = 'connecting';
    this.#port.postMessage({
      join: this.#url, options: { ...options, positions: this.positions }, hasToken: Boolean(token),
    });
  }

  #leave(state) {
    if (this.#isAway) return;
    this.#isAway = true;
    this.state = state;
    this.#port.postMessage({ leave: true });
  }

  async #hear({ type, detail, state, wantsToken }) {
    if (wantsToken) {
      const token = await Promise.resolve(this.options.token(wantsToken)).catch(() => undefined);
      return this.#port.postMessage({ token: token ?? '' });
    }
    if (this.#isAway) return;
    this.state = state;
    const position = this.positions[detail.channel];
    if (type === 'message' && reaches(position, detail.position)) return;
    this.tell(type, detail);
    if (detail.position && type !== 'subscribed') this.positions[detail.channel] = detail.position;
  }

  connect() {
    this.#watch();
    this.#join();
  }

  close() {
    this.unwatchPage();
    this.#leave('stopped');
  }
}

export function connectShared(script, url, options = {}) {
  const how = { name: 'mod_cppwebsocket', type: 'module' };
  if (globalThis.SharedWorker) return new SharedClient(new SharedWorker(script, how).port, url, options);
  if (globalThis.Worker && globalThis.document) return new SharedClient(new Worker(script, how), url, options);
  return connect(url, options);
}
