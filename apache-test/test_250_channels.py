"""Channels: everyone in a room hears everything once and in order, in whichever child they are."""
import os
import signal
import time

import pytest

from harness import deflate, tls
from harness.children import spread
from harness.h2_client import H2Session
from harness.raw import TEXT, frame

# Several children from the beginning, so that connections meet across them, and room for two sets.
CHILDREN = {
    "event": "StartServers 3\nServerLimit 12\nMinSpareThreads 10\nMaxSpareThreads 100\n"
             "ThreadLimit 25\nThreadsPerChild 25\nMaxRequestWorkers 100",
    "prefork": "StartServers 6\nMinSpareServers 4\nMaxSpareServers 20\nServerLimit 40\n"
               "MaxRequestWorkers 40",
}
CHILDREN["worker"] = CHILDREN["event"]


def join(httpd, room, *, path="/room", **options):
    ws = httpd.open(f"{path}?{room}", **options)
    ws.position = ws.read_text().split()[-1]
    return ws


def publish(ws, *texts):
    ws.send(b"".join(frame(TEXT, "+" + text) for text in texts))


def numbers(count, first=0):
    return [str(i) for i in range(first, first + count)]


def expect_texts(ws, texts):
    got = [ws.read_text() for _ in texts]
    assert got == list(texts)


def wait_until(condition, what, timeout=15):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def here(ws):
    answer = ws.ask_text("?")
    assert answer.startswith("here "), answer
    return int(answer.split()[1])


def crowd(httpd, room, count, **options):
    return spread(httpd, count, lambda: join(httpd, room, **options))


@pytest.fixture
def several(make_httpd):
    def start(config="", **options):
        return make_httpd(config, mpm_config=CHILDREN, **options)
    return start


class TestReach:
    def test_cws_250_members_in_all_children_get_everything_once_and_in_order(self, several):
        httpd = several()
        members = crowd(httpd, "chat", 20)
        assert len(httpd.children()) > 1
        publish(members[0], *numbers(200))
        for ws in members:
            expect_texts(ws, numbers(200))
        publish(members[-1], "the end")
        for ws in members:
            expect_texts(ws, ["the end"])

    def test_cws_251_many_publishers_give_all_members_one_order(self, several):
        httpd = several()
        members = crowd(httpd, "chat", 8)
        for i, ws in enumerate(members):
            publish(ws, *(f"{i}-{n}" for n in range(50)))
        seen = [[ws.read_text() for _ in range(8 * 50)] for ws in members]
        assert all(each == seen[0] for each in seen)
        assert len(set(seen[0])) == 8 * 50
        for i in range(8):
            own = [text for text in seen[0] if text.startswith(f"{i}-")]
            assert own == [f"{i}-{n}" for n in range(50)]

    def test_cws_252_both_styles_meet(self, several):
        httpd = several()
        one, two = join(httpd, "chat"), join(httpd, "chat", path="/room_blocking")
        three = join(httpd, "chat&receive", path="/room_blocking")
        four = join(httpd, "chat&receive")
        for ws in (one, two, three, four):
            publish(ws, "hello")
            expect_texts(one, ["hello"])
            expect_texts(two, ["hello"])
            expect_texts(three, ["got hello"])
            expect_texts(four, ["got hello"])

    def test_cws_253_rooms_are_apart(self, several):
        httpd = several()
        one, other = join(httpd, "one"), join(httpd, "other")
        publish(one, "for one")
        publish(other, "for the other")
        expect_texts(one, ["for one"])
        expect_texts(other, ["for the other"])

    def test_cws_254_who_leaves_hears_no_more_and_nothing_is_left(self, make_httpd):
        httpd = make_httpd(one_child=True)
        one, two = join(httpd, "chat"), join(httpd, "chat")
        assert here(one) == 2
        assert two.ask_text("-") == "out"
        assert here(one) == 1
        publish(one, "still there?")
        expect_texts(one, ["still there?"])
        assert two.ask_text("?") == "here 1"  # and nothing came before that
        one.drop()
        wait_until(lambda: here(two) == 0, "a connection that is gone is a member still")


class TestFormats:
    def test_cws_260_all_wire_formats_in_one_room(self, several):
        httpd = several("WebSocketCompression On context-takeover=on")
        plain = join(httpd, "chat")
        offer = {"Sec-WebSocket-Extensions": "permessage-deflate"}
        compressed = httpd.open("/room?chat", headers=offer)
        peer = deflate.Deflate(compressed.response.get("sec-websocket-extensions"))
        assert compressed.read_message(peer.decompress).payload.startswith(b"in ")
        long = "compress me " * 20
        for text in ("short", long, long + "again", "short again"):
            publish(plain, text)
            expect_texts(plain, [text])
            assert compressed.read_message(peer.decompress).payload == text.encode()
        # Its own, with its own context, go on to be understood.
        compressed.send(frame(TEXT, "?"))
        assert compressed.read_message(peer.decompress).payload.startswith(b"here ")

    @pytest.mark.parametrize("path", ["/room", "/room_blocking"])
    def test_cws_261_members_over_tls(self, make_httpd, path):
        httpd = make_httpd(tls_config="", mpm_config=CHILDREN)
        members = [join(httpd, "chat", path=path, wrap=tls.wrap) for _ in range(6)]
        publish(members[0], *numbers(20), "x" * 100_000)
        for ws in members:
            expect_texts(ws, numbers(20))
            expect_texts(ws, ["x" * 100_000])

    def test_cws_262_a_draft_and_a_stream_of_http2_meet_the_others(self, make_httpd, mpm):
        if mpm == "prefork":
            pytest.skip("mod_http2 does not support prefork")
        httpd = make_httpd("WebSocketLegacyProtocols On\nProtocols h2c http/1.1\nH2WebSockets On\n"
                           "WebSocketHTTP2 On\nWebSocketFilterConnections 10",
                           modules=("http2",), one_child=True)
        modern = join(httpd, "chat")
        draft = httpd.connect()
        draft.send(b"GET /room?chat HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
                   b"Host: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n\r\n")
        assert draft.read_response().status == 101
        assert draft.read_until(b"\xff").startswith(b"\x00in ")
        with H2Session(httpd.address) as h2:
            stream = h2.open("/room?chat")
            assert stream.read_text().startswith("in ")
            publish(modern, *numbers(30), "日本語")
            expect_texts(modern, numbers(30) + ["日本語"])
            expect_texts(stream, numbers(30) + ["日本語"])
            for text in numbers(30) + ["日本語"]:
                assert draft.read_until(b"\xff") == b"\x00" + text.encode() + b"\xff"
            stream.text("+from the stream")
            expect_texts(modern, ["from the stream"])
            assert draft.read_until(b"\xff") == b"\x00from the stream\xff"


class TestSlowMembers:
    FLOOD = 400
    LARGE = "x" * 20_000

    def flood(self, make_httpd, options):
        # Without SendBufferSize the kernel may take nearly all of it.
        httpd = make_httpd("WebSocketChannelMemory 64M\nSendBufferSize 65536", one_child=True)
        slow = httpd.open(f"/room?chat&{options}", receive_buffer=4096)
        assert slow.read_text().startswith("in ")
        quick = join(httpd, "chat")
        for i in range(self.FLOOD):
            publish(quick, f"{i} {self.LARGE}")
            assert quick.read_text().startswith(f"{i} ")  # at once, whatever the slow one does
        return slow, quick

    def read_numbers(self, ws, last):
        seen = []
        while not seen or seen[-1] != last:
            seen.append(int(ws.read_text().split()[0]))
        return seen

    def test_cws_270_oldest_messages_are_dropped(self, make_httpd):
        slow, _ = self.flood(make_httpd, "slow=oldest&queued=100000")
        seen = self.read_numbers(slow, self.FLOOD - 1)
        assert seen == sorted(set(seen)) and len(seen) < self.FLOOD

    def test_cws_271_newest_messages_are_dropped(self, make_httpd):
        slow, quick = self.flood(make_httpd, "slow=newest&queued=100000")
        seen = []
        publish(quick, f"{self.FLOOD} end")
        while not seen or seen[-1] == len(seen) - 1 and seen[-1] < self.FLOOD:
            text = slow.read_text()
            seen.append(int(text.split()[0]))
            if len(seen) > 1 and seen[-1] == self.FLOOD:
                break
            publish(quick, f"{self.FLOOD} end")
        assert seen[:5] == [0, 1, 2, 3, 4] and len(seen) < self.FLOOD

    def test_cws_272_otherwise_the_connection_is_closed(self, make_httpd):
        slow, quick = self.flood(make_httpd, "queued=100000")
        while (message := slow.read_frame()).opcode == TEXT:
            pass
        assert message.payload[:2] == (1013).to_bytes(2, "big")
        slow.drop()
        wait_until(lambda: here(quick) == 1, "the slow one is a member still")


class TestComingBack:
    def test_cws_280_gets_exactly_what_it_missed_in_any_child(self, several):
        httpd = several()
        stays = join(httpd, "chat&history")
        goes = join(httpd, "chat&history")
        publish(stays, *numbers(5))
        expect_texts(goes, numbers(5))
        position = join(httpd, "chat&history").position
        assert position.endswith("-5")
        goes.drop()
        publish(stays, *numbers(20, 5))
        expect_texts(stays, numbers(25))
        for _ in range(6):  # whichever child it meets
            back = httpd.open(f"/room?chat&history&resume={position}")
            got = [back.read_text() for _ in range(21)]
            assert sorted(got)[-1].startswith("recovered ")
            assert [text for text in got if text[0].isdigit()] == numbers(20, 5)

    def test_cws_281_is_told_when_something_is_lost(self, several):
        httpd = several()
        stays = join(httpd, "chat&history=10")
        publish(stays, *numbers(30))
        expect_texts(stays, numbers(30))
        epoch = httpd.open("/room?chat&history=10").read_text().split()[-1].split("-")[0]
        back = httpd.open(f"/room?chat&history=10&resume={epoch}-3")
        assert back.read_text().startswith("in ")

    def test_cws_282_newcomers_start_with_the_newest(self, several):
        httpd = several()
        stays = join(httpd, "chat&history")
        publish(stays, *numbers(9))
        expect_texts(stays, numbers(9))
        late = httpd.open("/room?chat&history&recent=3")
        assert sorted(late.read_text() for _ in range(4))[:3] == numbers(3, 6)

    def test_cws_283_json_tells_positions(self, several):
        httpd = several()
        ws = httpd.open("/room?chat&history&json")
        first = ws.read_text()
        assert '"type":"subscribed"' in first or ws.read_text()
        publish(ws, 'say "hi"')
        text = ws.read_text()
        while '"type":"message"' not in text:
            text = ws.read_text()
        assert '"data":"say \\"hi\\""' in text and '"position":"' in text


class TestLivesAndDeaths:
    def test_cws_290_others_go_on_when_a_child_is_killed(self, several):
        httpd = several()
        members = crowd(httpd, "chat", 12)
        publish(members[0], "before")
        for ws in members:
            expect_texts(ws, ["before"])
        httpd.allow_log(r"AH00052|exit signal Killed|CWS003")
        victim = httpd.children()[0]
        os.kill(victim, signal.SIGKILL)
        alive = []
        wait_until(lambda: victim not in httpd.children(), "the child is still there")
        for ws in members:
            ws.send(frame(TEXT, "?"))
            try:
                if ws.read_text().startswith("here "):
                    alive.append(ws)
            except (AssertionError, OSError, EOFError):
                pass
        assert alive, "all connections were in the child that was killed"
        publish(alive[0], *numbers(50))
        for ws in alive:
            expect_texts(ws, numbers(50))

    def test_cws_291_generations_meet_at_a_graceful_restart(self, several):
        httpd = several("WebSocketDrainTimeout 10s keep")
        old = join(httpd, "chat")
        httpd.graceful()
        new = join(httpd, "chat")
        publish(old, "from the old")
        expect_texts(new, ["from the old"])
        expect_texts(old, ["from the old"])
        publish(new, "from the new")
        expect_texts(old, ["from the new"])
        expect_texts(new, ["from the new"])
