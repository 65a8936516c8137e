import socket
import ssl
import sys
from urllib.parse import urlsplit
from wsproto import WSConnection, events
from wsproto.connection import ConnectionType
from wsproto.extensions import PerMessageDeflate


def main(url, protocols=""):
    parts = urlsplit(url)
    sock = socket.create_connection((parts.hostname, parts.port))
    if parts.scheme == "wss":
        sock = ssl.create_default_context().wrap_socket(sock, server_hostname=parts.hostname)
    ws = WSConnection(ConnectionType.CLIENT)
    sock.sendall(ws.send(events.Request(host=parts.netloc, target=f"{parts.path}?{parts.query}",
                                        extensions=[PerMessageDeflate()],
                                        subprotocols=protocols.split(",") if protocols else [])))
    data = []
    while got := sock.recv(1 << 16):
        ws.receive_data(got)
        for event in ws.events():
            if isinstance(event, events.RejectConnection):
                return print("refused", event.status_code)
            if isinstance(event, events.AcceptConnection):
                print("open", event.subprotocol or "-")
            elif isinstance(event, events.Ping):
                sock.sendall(ws.send(event.response()))
            elif isinstance(event, events.CloseConnection):
                print("closed", event.code)
                if ws.state.name == "REMOTE_CLOSING":
                    sock.sendall(ws.send(event.response()))
                return None
            elif isinstance(event, events.Message):
                data.append(event.data)
                if event.message_finished:
                    message = data[0][:0].join(data)
                    data.clear()
                    answer = events.CloseConnection(4002) if message == "close" else events.Message(message)
                    sock.sendall(ws.send(answer))

main(*sys.argv[1:])
