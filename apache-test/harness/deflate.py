"""The client's half of permessage-deflate (RFC 7692), on zlib's raw streams."""
import zlib

TAIL = b"\x00\x00\xff\xff"


def parse_extension(value):
    """'permessage-deflate; a; b=10' as ('permessage-deflate', {'a': None, 'b': '10'})."""
    name, *parameters = [part.strip() for part in value.split(";")]
    pairs = {}
    for parameter in parameters:
        key, equals, text = parameter.partition("=")
        assert key not in pairs, f"repeated parameter in {value!r}"
        pairs[key] = text.strip('"') if equals else None
    return name, pairs


class Deflate:
    def __init__(self, response_header, level=6):
        name, agreed = parse_extension(response_header)
        assert name == "permessage-deflate"
        self.level = level
        self.send_bits = int(agreed.get("client_max_window_bits") or 15)
        self.receive_bits = int(agreed.get("server_max_window_bits") or 15)
        self.send_reset = "client_no_context_takeover" in agreed
        self.receive_reset = "server_no_context_takeover" in agreed
        self.compressor = self.decompressor = None

    def compress(self, payload, flush=zlib.Z_SYNC_FLUSH):
        if self.compressor is None or self.send_reset:
            # zlib cannot make raw streams of 8 bits; 9 is what it would use.
            self.compressor = zlib.compressobj(self.level, zlib.DEFLATED, -max(9, self.send_bits))
        out = self.compressor.compress(payload) + self.compressor.flush(flush)
        if flush == zlib.Z_FINISH:  # a final block: RFC 7692 section 7.2.3.4
            self.compressor = None
            return out + b"\x00"
        assert out.endswith(TAIL)
        return out[:-4]

    def decompress(self, payload):
        if self.decompressor is None or self.receive_reset:
            self.decompressor = zlib.decompressobj(-self.receive_bits)
        return self.decompressor.decompress(payload + TAIL)
