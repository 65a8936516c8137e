#!/bin/bash
# After a client has reset one of its streams, mod_http2 answers it less at a time, until others have ended.
#
# Guessed: a stream that its client resets gives its worker back, and the connection can do afterwards what it
# could before.
# Seen with httpd 2.4.71: of a new connection's requests six run at a time. After one RST_STREAM(CANCEL), which is
# all that closing an EventSource or aborting a fetch sends, it is four (its log says so); where as many long ones
# run (event streams, say), a page is not even begun, as long as they last. Without the reset it comes at once.
#
# Needs Debian 12's apache2-bin, python3 and python3-h2; listens on loopback only; fails if what was seen has
# changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${httpd-}" 2>/dev/null || true; rm -rf -- "$folder"' EXIT
cd "$folder"
mkdir pages
echo a page >pages/page
chmod -R a+rX .
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
LogLevel http2:trace1
User $(id -un)
Group $(id -gn)
DocumentRoot $folder/pages"
  for each in mpm_event authz_core http2 proxy proxy_http; do
    echo "LoadModule ${each}_module /usr/lib/apache2/modules/mod_$each.so"
  done
  echo "Protocols h2c http/1.1
H2Direct On
ProxyPass /silent http://127.0.0.1:$backend/"
} >httpd.conf
((EUID != 0)) || sed -i 's/^User .*/User www-data/; s/^Group .*/Group www-data/' httpd.conf
/usr/sbin/apache2 -f "$folder/httpd.conf" -DFOREGROUND &
httpd=$!

cat >talk.py <<'PY'
import socket, sys, threading, time
import h2.config, h2.connection, h2.events

port, backend = map(int, sys.argv[1:])
listener = socket.create_server(("127.0.0.1", backend))
held = []


def hold():
    while True:
        held.append(listener.accept())  # and never answers


threading.Thread(target=hold, daemon=True).start()


def page_comes(resets):
    for _ in range(100):
        try:
            client = socket.create_connection(("127.0.0.1", port), timeout=5)
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    talk = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    talk.initiate_connection()

    def ask(stream, path):
        talk.send_headers(stream, [(":method", "GET"), (":scheme", "http"), (":path", path),
                                   (":authority", f"localhost:{port}")], end_stream=True)
        client.sendall(talk.data_to_send())

    for stream in (1, 3, 5, 7, 9):
        ask(stream, "/silent")
    time.sleep(1)
    if resets:
        talk.reset_stream(9, 8)
        client.sendall(talk.data_to_send())
        time.sleep(0.5)
    ask(11, "/page")
    client.settimeout(0.2)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        try:
            data = client.recv(65536)
        except socket.timeout:
            continue
        for event in talk.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived) and event.stream_id == 11:
                return dict(event.headers)[":status"]
        client.sendall(talk.data_to_send())
    return "nothing in 3 s"


print("with five long ones:", page_comes(False))
print("with four, after a reset:", page_comes(True))
PY
/usr/sbin/apache2 -v | head -n 1
seen=$(/usr/bin/python3 talk.py "$port" "$backend"; grep -o 'decreasing worker limit to .*' error.log)
echo "$seen"
[[ $seen == "with five long ones: 200
with four, after a reset: nothing in 3 s
decreasing worker limit to 4"* ]] || { echo "changed" >&2; tail -n 5 error.log >&2; exit 1; }
