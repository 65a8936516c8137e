"""Plays a table of frames to a server and compares what comes back, frame by frame."""
from typing import NamedTuple, Optional

from .raw import BINARY, PONG, TEXT, Frame

# How the bytes of a case reach the server: in one piece, a segment per frame, a segment per byte.
DELIVERIES = ("whole", "frames", "bytes")
MAX_BYTES = 2500  # larger cases are not sent byte by byte


class Case(NamedTuple):
    name: str
    send: list            # frames, encoded
    expect: list = []     # Frame(...) that come back, in order
    end: Optional[int] = None  # the code that the server fails with; None: we close with 1000


def text(payload=b""):
    return Frame(TEXT, payload.encode() if isinstance(payload, str) else payload)


def binary(payload=b""):
    return Frame(BINARY, payload)


def pong(payload=b""):
    return Frame(PONG, payload)


def play(connection, case, delivery="whole"):
    with connection as ws:
        if delivery == "frames":
            for data in case.send:
                ws.send(data)
        else:
            ws.send(b"".join(case.send), chop=1 if delivery == "bytes" else None)
        ws.expect(*case.expect)
        if case.end is None:
            ws.close(1000)
        else:
            ws.expect_closed(case.end)


def deliveries(cases):
    """Parameters (case, delivery) and their names, for pytest.mark.parametrize."""
    pairs = [(case, delivery) for case in cases for delivery in DELIVERIES
             if delivery != "bytes" or sum(map(len, case.send)) <= MAX_BYTES]
    return {"argvalues": pairs, "ids": [f"{case.name}-{delivery}" for case, delivery in pairs]}
