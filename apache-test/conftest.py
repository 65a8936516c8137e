"""Options and fixtures: which httpd a test talks to, and that its log stays clean."""
import os
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from harness import build
from harness.causes import Causes, first_sentence, name_of
from harness.httpd import Httpd
from harness.raw import Connection
from harness.unsteady import may_try_again, try_again
from harness.verdict import remarks, without_details

# Of the server that most tests share.
SHARED_CONFIG = """
WebSocketMaxMessageSize 32M
WebSocketCompression On context-takeover=on
SetEnv PROBE_ENV "from httpd"
"""


# What an MPM has no part in is tested on one: all that concerns a child of many threads on event, that
# of one thread on prefork, too.
EVENT_ONLY = {"test_010_verdict", "test_645_waiting", "test_650_fragments", "test_695_asio", "test_680_gallery",
              "test_870_directives", "test_920_proxies", "test_930_client", "test_935_pages", "test_984_command",
              "test_983_site", "test_985_setup", "test_986_run_tests", "test_239_outages", "test_262_ldap", "test_770_metrics", "test_780_error_log",
              "test_267_dashboard"}
NOT_ON_WORKER = {"test_229_sentinel", "test_231_backplane_addresses", "test_235_backplane", "test_236_backplane_refusals", "test_237_nats_troubles",
                 "test_889_replaced_files", "test_249_event_clients", "test_900_clients", "test_247_asked_again",
                 "test_470_client_limits", "test_760_connection_log", "test_810_hooks", "test_811_hooks_of_channels"}


def pytest_addoption(parser):
    parser.addoption("--mpm", choices=["event", "worker", "prefork"], default="event",
                     help="httpd's multi-processing module")
    parser.addoption("--long", action="store_true",
                     help="what ./check does in short for as long as it is meant to be done")
    parser.addoption("--again", action="store_true",
                     help="a few tests that fail get a second try, alone, and are named if they pass")
    parser.addoption("--url", help="ws:// URL of an echo server: run only the conformance tests, "
                                   "against it")


def pytest_configure(config):
    apr = os.environ.get("CPPWEBSOCKET_APR")
    if apr and not Path(apr, "libapr-1.so.0").exists():
        pytest.exit(f"no APR with pool debugging in {apr}", 77)  # ctest takes it for "skipped"
    config.addinivalue_line("markers", "soak: thousands of connections; for the sanitizer presets")


def pytest_collection_modifyitems(config, items):
    mpm = config.option.mpm
    elsewhere = set() if mpm == "event" else EVENT_ONLY if mpm == "prefork" else EVENT_ONLY | NOT_ON_WORKER
    items[:] = [item for item in items if item.path.stem not in elsewhere]
    soak_wanted = "soak" in (config.option.markexpr or "")
    for item in items:
        if config.option.url and "target" not in item.fixturenames:
            item.add_marker(pytest.mark.skip(reason="needs httpd, but --url was given"))
        elif item.get_closest_marker("soak") and not soak_wanted:
            item.add_marker(pytest.mark.skip(reason="runs with -m soak"))


@pytest.fixture(scope="session")
def mpm(request):
    return request.config.option.mpm


@pytest.fixture(scope="session")
def long(request):
    return request.config.option.long


@pytest.fixture(scope="session")
def handlers():
    """Every handler there is: the shipped ones and the tests' own, {"echo": path}."""
    if not build.MODULE.exists():
        pytest.exit(f"{build.MODULE} is missing: build it, or set CPPWEBSOCKET_MODULE", 1)
    return build.all_handlers()


@pytest.fixture(scope="session")
def running():
    """The servers that run now. Each test's end looks at all of their logs."""
    servers = []
    yield servers
    assert not servers


def fail_if_any(problems):
    """Fails if there are some, each of a kind once."""
    kinds = {without_details(problem): problem for problem in reversed(problems)}
    if kinds:
        pytest.fail("unexpected of httpd:\n" + "\n".join(reversed(kinds.values())), pytrace=False)


def stop(server, running):
    running.remove(server)
    fail_if_any(server.close())


@pytest.fixture(scope="session")
def shared_httpd(mpm, handlers, running):
    server = Httpd(mpm, handlers, SHARED_CONFIG)
    running.append(server)
    server.start()
    yield server
    stop(server, running)


@pytest.fixture(scope="class")
def httpd(request, mpm, handlers, running):
    """The httpd of a test class: with its CONFIG and OPTIONS if it has such, else the shared one."""
    config = getattr(request.cls, "CONFIG", None)
    options = getattr(request.cls, "OPTIONS", None)
    if config is None and options is None:
        yield request.getfixturevalue("shared_httpd")
        return
    server = Httpd(mpm, handlers, config or "", **(options or {}))
    running.append(server)
    server.start()
    yield server
    stop(server, running)


@pytest.fixture
def make_httpd(mpm, handlers, running):
    """Starts an httpd for one test: make_httpd(config, **options)."""
    made = []

    def make(config="", *, start=True, **options):
        server = Httpd(mpm, handlers, config, **options)
        running.append(server)
        made.append(server)
        return server.start() if start else server

    yield make
    for server in made:
        stop(server, running)


@pytest.fixture
def things():
    """What a test started and wants to be closed."""
    made = []
    yield lambda thing: made.append(thing) or thing
    for thing in reversed(made):
        thing.close()


@pytest.fixture
def target(request):
    """What the conformance tests talk to: an echo, httpd's or that of --url."""
    url = request.config.option.url
    if url:
        parts = urlsplit(url)
        address, path = (parts.hostname, parts.port or 80), parts.path or "/"
    else:
        address, path = request.getfixturevalue("shared_httpd").address, "/echo"

    def connect(timeout=10.0, **options):
        host = f"{address[0]}:{address[1]}"
        return Connection(address, timeout).upgrade(path, host=host, **options)

    return SimpleNamespace(open=connect, address=address, path=path)


@pytest.fixture(autouse=True)
def clean_log(request, running):
    yield
    fail_if_any([problem for server in running for problem in server.problems()])


# --- what is told of a run ---------------------------------------------------------------------------

causes = Causes()


def pytest_sessionstart(session):
    causes.terminal = session.config.pluginmanager.get_plugin("terminalreporter")


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report):
    """At once, for a run takes minutes; the same cause once."""
    if report.failed and causes.add(report):
        causes.terminal.write_line(f"\nFAILED {name_of(report)}: {first_sentence(report)}")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    session.config.option.tbstyle = "no"  # pytest_terminal_summary tells of failures instead
    failed = [report for reports in causes.reports.values() for report in reports]
    if session.config.option.again and failed and may_try_again(failed):
        passed, lines = try_again(failed, ["--mpm", session.config.option.mpm], session.config.rootpath)
        causes.second_try = lines
        if passed:
            session.exitstatus = pytest.ExitCode.OK


def pytest_terminal_summary(terminalreporter):
    causes.tell()
    for line in causes.second_try:
        terminalreporter.line(line)
    if remarks.times:
        terminalreporter.section("said by others, and no fault", "-")
        for line in remarks.lines():
            terminalreporter.line(line)
