import ssl
import sys
import trio
from trio_websocket import ConnectionClosed, ConnectionRejected, open_websocket_url


async def main(url, protocols=""):
    tls = ssl.create_default_context() if url.startswith("wss") else None
    try:
        async with open_websocket_url(url, ssl_context=tls,
                                      subprotocols=protocols.split(",") if protocols else None) as ws:
            print("open", ws.subprotocol or "-")
            try:
                while True:
                    message = await ws.get_message()
                    if message == "close":
                        await ws.aclose(4002)
                    else:
                        await ws.send_message(message)
            except ConnectionClosed as closed:
                print("closed", closed.reason.code)
    except ConnectionRejected as error:
        print("refused", error.status_code)

trio.run(main, *sys.argv[1:])
