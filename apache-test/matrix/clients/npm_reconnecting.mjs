// Whether a library comes back after its connection was closed with a code.
// usage: node npm_reconnecting.mjs LIBRARY URL CODE. URL: of a handler that closes with the code that it is sent.
// Prints "open" each time that a connection opens, until it is killed.
const [library, url, code] = process.argv.slice(2);
let opened = 0;

// The second one stays.
function open(send) {
  process.stdout.write('open\n');
  if (opened++ === 0) send(`${code} as asked`);
}

const start = {
  async 'mod_cppwebsocket'() {
    const { connect } = await import(process.env.CLIENT);
    const client = connect(url, { protocols: [], json: false });
    client.on('state', ({ state }) => { if (state === 'open') open((text) => client.send(text)); });
  },
  async rxjs() {
    const { retry } = await import('rxjs');
    const { webSocket } = await import('rxjs/webSocket');
    const subject = webSocket({ url, serializer: String, openObserver: { next: () => open((text) => subject.next(text)) } });
    subject.pipe(retry({ delay: 1000 })).subscribe({ error() {} });
  },
  async sockette() {
    const { default: Sockette } = await import('sockette');
    const socket = new Sockette(url, { timeout: 1000, onopen: () => open((text) => socket.send(text)) });
  },
  async 'graphql-ws'() {
    const { createClient } = await import('graphql-ws');
    const client = createClient({ url, lazy: false, retryAttempts: 5, onNonLazyError() {},
      webSocketImpl: class extends WebSocket {
        constructor(address) {  // its handler's protocol is another, and is not what is looked at
          super(address);
          this.addEventListener('open', () => open((text) => super.send(text)));
        }
        send() {}
      } });
    client.on('error', () => {});
  },
  async phoenix() {
    const { Socket } = await import('phoenix');
    const socket = new Socket(url.replace('/close', ''), { transport: class extends WebSocket {
      constructor() { super(url); }
    } });
    socket.onOpen(() => open((text) => socket.conn.send(text)));
    socket.connect();
  },
  async 'reconnecting-websocket'() {
    const { default: module } = await import('reconnecting-websocket');
    const socket = new (module.default ?? module)(url);
    socket.addEventListener('open', () => open((text) => socket.send(text)));
  },
  async partysocket() {
    const { WebSocket: Kept } = await import('partysocket');
    const socket = new Kept(url);
    socket.addEventListener('open', () => open((text) => socket.send(text)));
  },
};
await start[library]();
