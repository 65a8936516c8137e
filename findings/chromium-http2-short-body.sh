#!/bin/bash
# Chromium takes an HTTP/2 body that is shorter than its Content-Length for complete.
#
# Guessed: as over HTTP/1.1, fetch raises where a body ends before its announced length; RFC 9113 §8.1.1 calls
# such a response malformed and wants it treated as a stream error.
# Seen with Debian's Chromium 156.0.8078.108: over HTTP/1.1 text() raises TypeError, over HTTP/2 it
# returns what has come. So a false Content-Length is no way to tell a page's script, in HTTP/2, that a
# stream was cut off: only RST_STREAM is.
#
# Needs Debian's chromium, nodejs and openssl; listens on loopback only; fails if what was seen has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${server-}" 2>/dev/null || true; rm -rf -- "$folder"' EXIT
cd "$folder"
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost 2>/dev/null
cat >server.mjs <<'JS'
import http2 from 'node:http2';
import { readFileSync, writeFileSync } from 'node:fs';
const [key, cert] = ['key.pem', 'cert.pem'].map((name) => readFileSync(name));
const page = `<!doctype html><p></p><script>
fetch('/short').then((response) => response.text()).catch((error) => error.name).then((seen) => {
  const [{ nextHopProtocol }] = performance.getEntriesByType('navigation');
  document.querySelector('p').textContent = nextHopProtocol + ': ' + seen;
});
</script>`;
http2.createSecureServer({ key, cert, allowHTTP1: true }, (request, response) => {
  if (request.url !== '/short') {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end(page);
    return;
  }
  response.writeHead(200, { 'content-length': 100, 'content-type': 'text/plain' });
  response.write('ten bytes.');
  setTimeout(() => (request.httpVersionMajor === 2 ? response.end() : request.socket.destroy()), 200);
}).listen(0, '127.0.0.1', function listening() {
  writeFileSync('port', `${this.address().port}`);
});
JS
node server.mjs &
server=$!
until [[ -s port ]]; do sleep 0.1; done
chromium --version
see() {
  chromium --headless --no-sandbox --disable-gpu --ignore-certificate-errors --user-data-dir="$folder/$1" \
    --virtual-time-budget=10000 --dump-dom "${@:2}" "https://127.0.0.1:$(<port)/" 2>/dev/null |
    grep -o '<p>.*</p>'
}
seen="$(see one)
$(see two --disable-http2)"
echo "$seen"
[[ $seen == "<p>h2: ten bytes.</p>
<p>http/1.1: TypeError</p>" ]] || { echo "changed" >&2; exit 1; }
