import asyncio
import re
import ssl
import sys
from urllib.parse import urlsplit
from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.websocket.compress import (PerMessageDeflateOffer, PerMessageDeflateResponse,
                                         PerMessageDeflateResponseAccept)


class Client(WebSocketClientProtocol):
    opened = False

    def onOpen(self):
        self.opened = True
        print("open", self.websocket_protocol_in_use or "-")

    def onMessage(self, payload, isBinary):
        if payload == b"close":
            self.sendClose(4002)
        else:
            self.sendMessage(payload, isBinary)

    def onClose(self, wasClean, code, reason):
        print("closed" if self.opened else "refused", code if self.opened else re.search(r"\d{3}", reason)[0])
        asyncio.get_running_loop().call_soon(done.set_result, None)


def accept(response):
    if isinstance(response, PerMessageDeflateResponse):
        return PerMessageDeflateResponseAccept(response)
    return None


async def main(url, protocols=""):
    global done
    done = asyncio.get_running_loop().create_future()
    parts = urlsplit(url)
    factory = WebSocketClientFactory(url, protocols=protocols.split(",") if protocols else None)
    factory.protocol = Client
    factory.setProtocolOptions(perMessageCompressionOffers=[PerMessageDeflateOffer()],
                               perMessageCompressionAccept=accept)
    tls = ssl.create_default_context() if parts.scheme == "wss" else None
    await asyncio.get_running_loop().create_connection(factory, parts.hostname, parts.port, ssl=tls)
    await done

asyncio.run(main(*sys.argv[1:]))
