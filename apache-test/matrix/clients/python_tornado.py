import asyncio
import os
import sys
from tornado import httpclient, websocket


async def main(url, protocols=""):
    request = httpclient.HTTPRequest(url, ca_certs=os.environ["CA"])
    try:
        ws = await websocket.websocket_connect(request, compression_options={},
                                               subprotocols=protocols.split(",") if protocols else None)
    except httpclient.HTTPError as error:
        return print("refused", error.code)
    print("open", ws.selected_subprotocol or "-")
    while (message := await ws.read_message()) is not None:
        if message == "close":
            ws.close(4002)
        else:
            await ws.write_message(message, binary=isinstance(message, bytes))
    print("closed", ws.close_code)

asyncio.run(main(*sys.argv[1:]))
