#!/bin/bash
# A WebSocket through mod_proxy lives by the larger of Timeout and ProxyTimeout; a response by ProxyTimeout alone.
#
# Guessed: ProxyTimeout bounds the silence of whatever comes from the server behind, so one value fits both.
# Seen with httpd 2.4.71: with Timeout 6 and ProxyTimeout 2 an event stream is cut after two seconds without a byte, and
# a WebSocket (ProxyPass … upgrade=websocket) after six; with the two values exchanged after six and six. So a
# ProxyTimeout that was lowered to find dead servers cuts event streams, and does nothing to WebSockets.
#
# Needs Debian 12's apache2-bin and python3; listens on loopback only; fails if what was seen has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
cd "$folder"
chmod a+rx .
cat >talk.py <<'PY'
import os, socket, subprocess, threading, time

backend = socket.create_server(("127.0.0.1", 0))
held = []


def serve():
    while True:
        client = backend.accept()[0]
        if b"\r\nUpgrade: " in client.recv(65536):
            head = b"101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        else:
            head = b"200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\n"
        client.sendall(b"HTTP/1.1 " + head)
        held.append(client)  # and says nothing more


threading.Thread(target=serve, daemon=True).start()


def lives(port, more):
    client = socket.create_connection(("127.0.0.1", port), 30)
    client.sendall(f"GET / HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode())
    while b"\r\n\r\n" not in client.recv(65536):
        pass
    begin = time.monotonic()
    try:
        while client.recv(65536):
            pass
    except ConnectionError:
        pass
    return round(time.monotonic() - begin)


def run(timeout, proxy_timeout):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    modules = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
                      for name in ("mpm_event", "authz_core", "proxy", "proxy_http"))
    user = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
    with open("conf", "w") as conf:
        conf.write(f"""ServerRoot {os.getcwd()}
DefaultRuntimeDir {os.getcwd()}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {os.getcwd()}/pid
ErrorLog {os.getcwd()}/log
{user}{modules}Timeout {timeout}
ProxyTimeout {proxy_timeout}
ProxyPass / http://127.0.0.1:{backend.getsockname()[1]}/ upgrade=websocket
""")
    server = subprocess.Popen(["/usr/sbin/apache2", "-f", os.getcwd() + "/conf", "-DFOREGROUND"])
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 5).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        upgrade = ("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n")
        return f"event stream {lives(port, '')} s, WebSocket {lives(port, upgrade)} s"
    finally:
        server.terminate()
        server.wait(30)


print("Timeout 6, ProxyTimeout 2:", run(6, 2))
print("Timeout 2, ProxyTimeout 6:", run(2, 6))
PY
/usr/sbin/apache2 -v | head -n 1
seen=$(/usr/bin/python3 talk.py)
echo "$seen"
[[ $seen == "Timeout 6, ProxyTimeout 2: event stream 2 s, WebSocket 6 s
Timeout 2, ProxyTimeout 6: event stream 6 s, WebSocket 6 s" ]] || { echo "changed" >&2; tail -n 5 log >&2; exit 1; }
