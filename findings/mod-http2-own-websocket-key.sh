#!/bin/bash
# mod_http2 puts a key of its own in the place of a client's Sec-WebSocket-Key, and sends no accept.
#
# Guessed: a Sec-WebSocket-Key that a client sends with its extended CONNECT (RFC 8441 does not use the field,
# and does not forbid it) reaches whoever answers, or is dropped; and an answer's Sec-WebSocket-Accept,
# which is one more header field, reaches the client.
# Seen with httpd 2.4.71, its mod_http2 and mod_proxy: whoever answers gets another key, httpd
# checks the accept for that key itself, and the client gets 200 without the field. So a client that sends a key
# and wants it answered (Node 26 up to 26.10) cannot be served by anything behind mod_http2 that only
# sees the request.
#
# Needs Debian 12's apache2-bin, python3 and python3-h2; listens on loopback only; fails if what was seen has
# changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${httpd-}" 2>/dev/null || true; rm -rf -- "$folder"' EXIT
cd "$folder"
read -r port backend < <(/usr/bin/python3 -c 'import socket
both = [socket.socket() for _ in range(2)]
for each in both: each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in both))')
{
  echo "ServerRoot $folder
ServerName localhost
Listen 127.0.0.1:$port
PidFile $folder/pid
ErrorLog $folder/error.log
User $(id -un)
Group $(id -gn)"
  for each in mpm_event authz_core http2 proxy proxy_http; do
    echo "LoadModule ${each}_module /usr/lib/apache2/modules/mod_$each.so"
  done
  echo "Protocols h2c http/1.1
H2Direct On
H2WebSockets On
ProxyPass /chat http://127.0.0.1:$backend/chat upgrade=websocket"
} >httpd.conf
((EUID != 0)) || sed -i 's/^User .*/User www-data/; s/^Group .*/Group www-data/' httpd.conf
/usr/sbin/apache2 -f "$folder/httpd.conf" -DFOREGROUND &
httpd=$!

cat >talk.py <<'PY'
import base64, hashlib, socket, sys, threading, time
import h2.config, h2.connection, h2.events, h2.settings

port, backend = map(int, sys.argv[1:])
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
arrived = []


def answer(listener):
    peer, _ = listener.accept()
    head = b""
    while b"\r\n\r\n" not in head:
        head += peer.recv(4096)
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line)
    key = next(value for name, value in fields.items() if name.lower() == "sec-websocket-key")
    arrived.append(key)
    accept = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Accept: " + base64.b64encode(accept) + b"\r\n\r\n")
    time.sleep(3)


listener = socket.create_server(("127.0.0.1", backend))
threading.Thread(target=answer, args=[listener], daemon=True).start()
for _ in range(100):
    try:
        client = socket.create_connection(("127.0.0.1", port), timeout=5)
        break
    except ConnectionRefusedError:
        time.sleep(0.1)
talk = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
talk.initiate_connection()
client.sendall(talk.data_to_send())
response = None
asked = False
while response is None:
    for event in talk.receive_data(client.recv(65536)):
        if isinstance(event, h2.events.RemoteSettingsChanged) and not asked:
            asked = True
            talk.send_headers(1, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"),
                                  (":path", "/chat"), (":authority", f"localhost:{port}"),
                                  ("sec-websocket-version", "13"), ("sec-websocket-key", KEY)])
        elif isinstance(event, h2.events.ResponseReceived):
            response = dict(event.headers)
    client.sendall(talk.data_to_send())
print("the client's key arrived:", "yes" if arrived == [KEY] else "no, another")
print("status", response[":status"], "with" if "sec-websocket-accept" in response else "without", "accept")
PY
/usr/sbin/apache2 -v | head -n 1
seen=$(/usr/bin/python3 talk.py "$port" "$backend")
echo "$seen"
[[ $seen == "the client's key arrived: no, another
status 200 without accept" ]] || { echo "changed" >&2; cat error.log >&2; exit 1; }
