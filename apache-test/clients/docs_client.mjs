// The client that docs/channels.md prints, as it stands there, cut off after its first message.
// Arguments: its text, the host; gives what it has shown, and how often it has reloaded.
import { WebSocket as Plain } from 'ws';

const [text, host] = process.argv.slice(2);
const shown = [];
let reloads = 0;
let socket;

class WebSocket extends Plain {
  constructor(url, protocol) {
    super(url.replace('wss://host', `ws://${host}`), protocol);
    this.on('error', () => {});
    socket = this;
  }
}

function show(data) {
  shown.push(data);
  console.error(data);
  if (shown.length === 1) socket.terminate();
  if (shown.length === 2) {
    console.log(JSON.stringify({ shown, reloads }));
    process.exit(0);
  }
}

function reload() { ++reloads; }

new Function('WebSocket', 'show', 'reload', `${text}\nconnect();`)(WebSocket, show, reload);
