# usage: python_websockets.py URL [SUBPROTOCOLS], as all of these programs. Each sends back what it
# gets, closes with 4002 at the text "close", and prints "open SUBPROTOCOL", "closed CODE" or
# "refused STATUS". $CA is the certificate to trust, for those that need to be told.
import asyncio
import ssl
import sys
import websockets


async def main(url, protocols=""):
    tls = ssl.create_default_context() if url.startswith("wss") else None
    try:
        ws = await websockets.connect(url, ssl=tls, subprotocols=protocols.split(",") if protocols else None)
    except websockets.InvalidStatusCode as error:
        return print("refused", error.status_code)
    print("open", ws.subprotocol or "-")
    try:
        async for message in ws:
            if message == "close":
                await ws.close(4002)
            else:
                await ws.send(message)
    except websockets.ConnectionClosedError:  # with a code that is no good news
        pass
    print("closed", ws.close_code)

asyncio.run(main(*sys.argv[1:]))
