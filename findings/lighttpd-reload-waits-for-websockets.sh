#!/bin/bash
# A reload of lighttpd serves nobody new as long as one WebSocket through it is open.
#
# Guessed: as with other proxies, `systemctl reload lighttpd` (SIGUSR1) lets open connections go on and serves new
# ones by the new configuration at once.
# Seen with lighttpd 1.4.69: it stops to accept, waits for the end of what is open, and only then reads its
# configuration: a client that comes meanwhile connects (the kernel takes it) and gets no answer. With
# server.feature-flags += ("server.graceful-restart-bg" => "enable") it is as guessed.
#
# Needs Debian 12's lighttpd and python3; listens on loopback only; fails if what was seen has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
cd "$folder"
cat >talk.py <<'PY'
import os, signal, socket, subprocess, sys, threading, time

backend = socket.create_server(("127.0.0.1", 0))


def serve():
    while True:
        client = backend.accept()[0]
        client.recv(65536)  # a head; every one gets what it may take for a WebSocket
        client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        held.append(client)


held = []
threading.Thread(target=serve, daemon=True).start()


def answered(port, seconds):
    client = socket.create_connection(("127.0.0.1", port), 5)
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    client.settimeout(seconds)
    try:
        return client.recv(100).split(b"\r\n")[0].decode(), client
    except socket.timeout:
        return f"nothing in {seconds} s", client


def run(more):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open("conf", "w") as conf:
        conf.write(f'''server.document-root = "{os.getcwd()}"
server.bind = "127.0.0.1"
server.port = {port}
server.modules += ("mod_proxy")
proxy.server = ("" => (("host" => "127.0.0.1", "port" => {backend.getsockname()[1]})))
proxy.header = ("upgrade" => "enable")
{more}''')
    server = subprocess.Popen(["/usr/sbin/lighttpd", "-D", "-f", os.getcwd() + "/conf"], stderr=subprocess.DEVNULL,
                              start_new_session=True)
    try:
        for _ in range(100):
            try:
                first, kept = answered(port, 5)
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        server.send_signal(signal.SIGUSR1)
        time.sleep(1)
        during, other = answered(port, 5)
        kept.close()
        other.close()
        return f"{first}; while it is open, after a reload: {during}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


print(run(""))
print("in the background:", run('server.feature-flags += ("server.graceful-restart-bg" => "enable")'))
PY
/usr/sbin/lighttpd -v | head -n 1
seen=$(/usr/bin/python3 talk.py)
echo "$seen"
[[ $seen == "HTTP/1.1 101 Switching Protocols; while it is open, after a reload: nothing in 5 s
in the background: HTTP/1.1 101 Switching Protocols; while it is open, after a reload: HTTP/1.1 101 Switching Protocols" ]] ||
  { echo "changed" >&2; exit 1; }
