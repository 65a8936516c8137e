#!/bin/bash
# undici takes a chunked body without its last chunk for complete if the head says Connection: close.
#
# Guessed: the last chunk alone says that a chunked body is complete (RFC 9112 §8), whatever Connection says,
# so fetch raises where the connection ends before it.
# Seen with undici 6.24.1, which is that of Node.js 20.20.2, and with 7.16.0 and 8.0.0: without Connection:
# close text() raises ("terminated"), with it text() returns what has come. 6.26.0 and 7.28.0 raise in both
# cases. A server that cuts an event stream off so that its client comes back must not send the field.
#
# Needs Node.js and npm; listens on loopback only; fails if what was seen has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
cd "$folder"
cat >ask.mjs <<'JS'
import net from 'node:net';
import { fetch } from 'undici';

const server = net.createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', (head) => {
    const close = String(head).startsWith('GET /close ') ? 'Connection: close\r\n' : '';
    socket.write(`HTTP/1.1 200 OK\r\n${close}Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n`);
    setTimeout(() => socket.end(), 200);
  });
}).listen(0, '127.0.0.1', async () => {
  for (const path of ['/keep', '/close']) {
    const response = await fetch(`http://127.0.0.1:${server.address().port}${path}`);
    console.log(path, await response.text().then((text) => `returns ${text}`,
      (error) => `raises ${error.message}`));
  }
  server.close();
});
JS
see() {
  npm install --silent --no-audit --no-fund "undici@$1"
  seen=$(node ask.mjs)
  echo "undici $1:" $seen
  [[ $seen == "$2" ]] || { echo "changed" >&2; exit 1; }
}
for version in 6.24.1 7.16.0; do see "$version" $'/keep raises terminated\n/close returns first'; done
for version in 6.26.0 7.28.0; do see "$version" $'/keep raises terminated\n/close raises terminated'; done
