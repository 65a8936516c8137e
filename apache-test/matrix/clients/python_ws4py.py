import os
import re
import sys
from ws4py.client.threadedclient import WebSocketClient
from ws4py.exc import HandshakeError


class Client(WebSocketClient):
    def opened(self):
        print("open", self.protocols[0].decode() if self.protocols else "-", flush=True)

    def received_message(self, message):
        if message.data == b"close":
            self.close(4002)
        else:
            self.send(message.data, message.is_binary)

    def closed(self, code, reason=None):
        print("closed", code, flush=True)


def main(url, protocols=""):
    client = Client(url, protocols=protocols.split(",") if protocols else None,
                    ssl_options={"ca_certs": os.environ["CA"]})
    try:
        client.connect()
    except HandshakeError as error:
        return print("refused", re.search(r"\d{3}", str(error))[0])
    client.run_forever()

main(*sys.argv[1:])
