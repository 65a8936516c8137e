import os
import sys
import websocket


def main(url, protocols=""):
    try:
        # It names http:// as its origin on wss, too.
        ws = websocket.create_connection(url, suppress_origin=True, sslopt={"ca_certs": os.environ["CA"]},
                                         subprotocols=protocols.split(",") if protocols else None)
    except websocket.WebSocketBadStatusException as error:
        return print("refused", error.status_code)
    print("open", ws.subprotocol or "-")
    while True:
        opcode, frame = ws.recv_data_frame(control_frame=True)
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            break
        if frame.data == b"close":
            ws.send_close(4002)
        elif opcode in (websocket.ABNF.OPCODE_TEXT, websocket.ABNF.OPCODE_BINARY):
            ws.send(frame.data, opcode)
    print("closed", int.from_bytes(frame.data[:2], "big"))
    ws.shutdown()

main(*sys.argv[1:])
