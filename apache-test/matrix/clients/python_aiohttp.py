import asyncio
import ssl
import sys
import aiohttp


async def main(url, protocols=""):
    async with aiohttp.ClientSession() as session:
        try:
            ws = await session.ws_connect(url, ssl=ssl.create_default_context(), compress=15,
                                          protocols=protocols.split(",") if protocols else ())
        except aiohttp.WSServerHandshakeError as error:
            return print("refused", error.status)
        print("open", ws.protocol or "-")
        async for message in ws:
            if message.data == "close":
                await ws.close(code=4002)
            elif message.type == aiohttp.WSMsgType.TEXT:
                await ws.send_str(message.data)
            else:
                await ws.send_bytes(message.data)
        print("closed", ws.close_code)

asyncio.run(main(*sys.argv[1:]))
