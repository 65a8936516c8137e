"""Handlers that wait for other software's descriptors: libpq's asynchronous interface against a real
PostgreSQL, libcurl's multi interface."""
import select
import socket
import subprocess
import threading
import time

import pytest

from harness import build
from harness.postgresql import PROGRAMS, PostgreSql

pytestmark = pytest.mark.skipif(bool(build.SANITIZER), reason="the libraries were built without it")


def libraries(name):
    return subprocess.run(["pkg-config", "--cflags", "--libs", name], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.split()


def eventually(test):
    deadline = time.monotonic() + 30
    while not test():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


class TestPostgreSql:
    """handlers/gallery/postgresql_wsh.cpp"""

    @pytest.fixture(scope="class")
    def database(self):
        assert PROGRAMS, "scripts/setup check installs PostgreSQL"
        server = PostgreSql()
        try:
            yield server.start()
        finally:
            server.close()

    @pytest.fixture
    def gallery(self, database, make_httpd):
        httpd = make_httpd(f'SetEnv DATABASE "{database.conninfo}"\nWebSocketThreads 1\n')
        handler = build.HANDLERS / "gallery/postgresql_wsh.so"
        assert handler.exists(), "it was left out of the build: scripts/setup check installs libpq-dev"
        build.install(handler, httpd.handler_root / "gallery/postgresql_wsh.so")
        return httpd

    def test_cws_646_notifications_reach_browsers(self, database, gallery):
        listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND state = 'idle'"
        with gallery.open("/gallery/postgresql?news", timeout=30) as ann, \
                gallery.open("/gallery/postgresql?news", timeout=30) as bob, \
                gallery.open("/gallery/postgresql?other", timeout=30) as cat:
            eventually(lambda: database.ask(listening) == "3")
            database.ask("NOTIFY news, 'from elsewhere'")
            assert [each.read_text() for each in (ann, bob)] == ["from elsewhere"] * 2
            ann.text("it's \"me\"")
            assert [each.read_text() for each in (ann, bob)] == ["it's \"me\""] * 2
            for number in range(50):
                bob.text(str(number))
            assert [ann.read_text() for _ in range(50)] == [str(number) for number in range(50)]
            database.ask("NOTIFY other, 'yours'")
            assert cat.read_text() == "yours"
        # The handlers are gone with their clients, and so are their connections.
        others = "SELECT count(*) FROM pg_stat_activity WHERE client_port = -1 AND pid <> pg_backend_pid()"
        eventually(lambda: database.ask(others) == "0")

    def test_cws_647_a_database_that_goes_or_is_not_there(self, database, gallery):
        gallery.allow_log("postgresql_wsh.so .*the handler raised an exception")
        with gallery.open("/gallery/postgresql?news", timeout=30) as ws:
            listening = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
            eventually(lambda: database.ask(listening) != "")
            database.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
            assert ws.read_close()[0] == 1011


class TestCurl:
    """waiting/curl_wsh.cpp"""

    @pytest.fixture
    def httpd(self, make_httpd):
        built = build.compile_handler(build.TESTS / "waiting/curl_wsh.cpp", libraries=libraries("libcurl"))
        httpd = make_httpd("WebSocketThreads 1\n", one_child=True)
        build.install(built, httpd.handler_root / "curl_wsh.so")
        return httpd

    @pytest.fixture
    def slow_server(self):
        """Answers each request with "slow" once that is allowed: its URL, the connections that asked, those
        that went without an answer, and what allows it."""
        listener = socket.create_server(("127.0.0.1", 0))
        came, gone, allowed = [], [], threading.Event()

        def serve(connection):
            with connection:
                if not connection.recv(4096):
                    return
                came.append(connection)
                while not allowed.wait(0.05):
                    if select.select([connection], [], [], 0)[0]:  # which says nothing more
                        return gone.append(connection)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nslow")

        def accept():
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                threading.Thread(target=serve, args=[connection], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", came, gone, allowed
        allowed.set()
        listener.close()

    def test_cws_648_transfers_wait_beside_other_connections(self, httpd, slow_server):
        url, came, gone, allowed = slow_server
        page = f"http://127.0.0.1:{httpd.port}/index.html"
        with httpd.open("/curl", timeout=30) as ann, httpd.open("/curl", timeout=30) as bob:
            ann.text(f"{url} {page}")
            eventually(lambda: came)
            bob.text("hello")  # on the same thread
            assert bob.read_text() == "hello"
            allowed.set()
            assert ann.read_text() == "200 slow | 200 <p>It works</p>\n"

    def test_cws_649_a_transfer_ends_with_its_connection(self, httpd, slow_server):
        url, came, gone, allowed = slow_server
        with httpd.open("/curl", timeout=30) as ann:
            ann.text(f"{url} {url}")
            eventually(lambda: len(came) == 2)
            assert not gone
        eventually(lambda: len(gone) == 2)
