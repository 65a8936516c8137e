"""The fixtures themselves: what fails a test and what does not, with an httpd that really does so."""
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from harness import build
from harness.verdict import FAULT, REMARK, SILENCE, is_mpms_own_death, judge, without_details

NOW = "[Sun Nov 29 12:48:39.123456 2026]"
PID = "[pid 17:tid 140093]"

# Lines as httpd, glibc and the sanitizers write them.
VERDICTS = [
    (REMARK, f"{NOW} [ssl:warn] {PID} AH01882: Init: this version of mod_ssl was compiled against a "
             "newer library (OpenSSL 3.0.22 28 Apr 2026, version currently loaded is OpenSSL 3.0.19)"),
    (REMARK, f"{NOW} [core:warn] {PID} AH00098: pid file /run/httpd.pid overwritten"),
    (REMARK, f"{NOW} [mpm_prefork:error] {PID} AH00161: server reached MaxRequestWorkers setting"),
    (REMARK, f"{NOW} [mpm_event:error] {PID} AH00484: server reached MaxRequestWorkers setting"),
    (SILENCE, f"{NOW} [mpm_event:notice] {PID} AH00489: Apache/2.4.71 (Debian) configured"),
    (SILENCE, f"{NOW} [cppwebsocket:notice] {PID} CWS0001: mod_cppwebsocket configured"),
    (SILENCE, f"{NOW} [cppwebsocket:debug] {PID} CWS0020: /a from 127.0.0.1:1: error said the peer"),
    (FAULT, f"{NOW} [cppwebsocket:warn] {PID} [client 127.0.0.1:1] CWS0014: no room for a connection"),
    (SILENCE, f"{NOW} [cppwebsocket:warn] {PID} [client 127.0.0.1:1] CWS0012: origin null is not allowed"),
    (FAULT, f"{NOW} [cppwebsocket:error] {PID} (2)No such file or directory: CWS0005: handler"),
    (FAULT, f"{NOW} [core:warn] {PID} CWS0034: WebSocketChannelMemory stays at 1M"),
    (FAULT, f"{NOW} [authz_core:error] {PID} [client 127.0.0.1:1] AH01630: client denied"),
    (FAULT, f"{NOW} [:crit] {PID} out of something"),
    (FAULT, f"{NOW} [core:notice] {PID} AH00052: child pid 18 exit signal Segmentation fault (11)"),
    (FAULT, f"{NOW} [core:notice] {PID} AH00051: child pid 18 exit signal Aborted (6), possible "
            "coredump in /run"),
    (FAULT, f"{NOW} [core:warn] {PID} AH00045: child process 18 still did not exit, sending a SIGTERM"),
    (FAULT, f"{NOW} [mpm_event:emerg] {PID} AH00050: Child 18 returned a Fatal error... Apache is "
            "exiting!"),
    (FAULT, "free(): double free detected in tcache 2"),
    (FAULT, "*** stack smashing detected ***: terminated"),
    (FAULT, "apache2: lock.c:12: take: Assertion `held' failed."),
    (FAULT, "terminate called after throwing an instance of 'std::bad_alloc'"),
    (FAULT, "==18==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010"),
    (FAULT, "WARNING: ThreadSanitizer: data race (pid=18)"),
    (FAULT, "session.cpp:12:3: runtime error: signed integer overflow"),
    (FAULT, "CWS0002: mod_websocket and mod_cppwebsocket cannot be loaded together"),
]


@pytest.mark.parametrize("verdict, line", VERDICTS)
def test_cws_010_a_line(verdict, line):
    assert judge(line) == verdict


STACK = """#6  _int_free (av=0x1 <main_arena>, p=0x2) at ./malloc/malloc.c:4602
#8  __run_exit_handlers (status=0) at ./stdlib/exit.c:116
#10 ?? () from /usr/lib/apache2/modules/mod_mpm_event.so
#12 <signal handler called>
#13 _int_malloc (bytes=200) at ./malloc/malloc.c:4038
#14 {caller}
#18 ?? () from /usr/lib/apache2/modules/mod_mpm_event.so
"""


@pytest.mark.parametrize("is_its_own, stack", [
    (True, STACK.format(caller="apr_allocator_create () from libapr-1.so.0")),
    (False, STACK.format(caller="cppwebsocket::httpd::child_init(apr_pool_t*, server_rec*) ()")),
    (False, STACK.format(caller="?? () from /build/mod_cppwebsocket.so")),
    (False, STACK.format(caller="apr_palloc ()").replace("<signal handler called>", "main ()")),
    (False, STACK.format(caller="apr_palloc ()").replace("exit_handlers", "free"))])
def test_cws_011_a_death_by_the_mpms_own_handler(is_its_own, stack):
    assert is_mpms_own_death(stack) == is_its_own


def test_cws_011_the_same_remark_is_counted_once():
    ssl = VERDICTS[0][1]
    later = ssl.replace("12:48:39.123456", "13:00:00.1").replace("pid 17:tid 140093", "pid 9:tid 8")
    assert without_details(later) == without_details(ssl)
    assert "OpenSSL 3.0.22 28 Apr 2026" in without_details(ssl)
    bound = f"{NOW} [core:warn] {PID} AH00001: child 17 at 127.0.0.1:4711 and [::1]:80"
    assert without_details(bound) == "[core:warn] AH00001: child … at 127.0.0.1:… and [::1]:…"


# Tests of a run of their own: what each does to its httpd, and how it must end.
INNER = r'''
import os, signal, subprocess, time
from pathlib import Path
from harness import build
from harness.raw import TEXT, frame

OVERLAP = 'Alias "/one" "/one"\nAlias "/one/two" "/two"\n'  # of which mod_alias warns
DENIED = '<Location "/private">\nRequire all denied\n</Location>\n'


def test_passes_nothing_said(make_httpd):
    make_httpd()

def test_passes_foreign_warning(make_httpd):
    assert make_httpd(OVERLAP).error_log.find("alias:warn.*AH00671")

def test_passes_foreign_warning_again(make_httpd):
    make_httpd(OVERLAP)

def test_passes_foreign_error_announced(make_httpd):
    httpd = make_httpd(DENIED)
    assert httpd.get("/private").status == 403
    httpd.expect_log("AH01630")

def test_fails_foreign_error(make_httpd):
    assert make_httpd(DENIED).get("/private").status == 403

def test_fails_foreign_error_again(make_httpd):
    assert make_httpd(DENIED).get("/private").status == 403

def overload(httpd):
    with httpd.open():
        assert httpd.ask().status == 503

def test_passes_our_warning_announced(make_httpd):
    httpd = make_httpd("WebSocketMaxConnections 1", one_child=True)
    httpd.allow_log("CWS0014")
    overload(httpd)

def test_fails_our_warning(make_httpd):
    overload(make_httpd("WebSocketMaxConnections 1", one_child=True))

def test_fails_shared_server(shared_httpd):
    build.install(build.HANDLERS / "echo_wsh.so", shared_httpd.handler_root / "open_wsh.so")
    (shared_httpd.handler_root / "open_wsh.so").chmod(0o666)
    assert shared_httpd.ask("/open").status == 404

def test_passes_shared_server_after_it(shared_httpd):
    pass

def test_fails_killed_child(make_httpd):
    httpd = make_httpd()
    os.kill(httpd.children()[0], signal.SIGSEGV)
    httpd.error_log.wait_for("exit signal")

def test_fails_dying_child(make_httpd):
    httpd = make_httpd()
    build.install(build.compile_handler(build.TESTS / "broken/dies.cpp"),
                  httpd.handler_root / "dies_wsh.so")
    with httpd.open("/dies") as ws:
        ws.send(frame(TEXT, "die"))
        ws.expect_eof()
    httpd.error_log.wait_for("exit signal")

def test_fails_sanitizer(make_httpd):
    httpd = make_httpd()
    source, program = httpd.root / "late.c", httpd.root / "late"
    source.write_text("#include <stdlib.h>\nint main() {\n  char *volatile p = malloc(1);\n"
                      "  free(p);\n  return *p;\n}\n")
    subprocess.run(["cc", "-fsanitize=address", source, "-o", program], check=True)
    options = f"log_path={httpd.root}/reports/report"
    assert subprocess.run([program], env=dict(os.environ, ASAN_OPTIONS=options)).returncode

def test_fails_core(make_httpd):
    (make_httpd().root / "cores/core").write_text("")
'''
WANTED = {
    "foreign_error": r"\[authz_core:error\].*AH01630",
    "our_warning": r"\[cppwebsocket:warn\].*CWS0014",
    "shared_server": r"\[cppwebsocket:error\].*others may write",
    "killed_child": "exit signal Segmentation fault",
    "dying_child": "double free|AddressSanitizer|ThreadSanitizer",
    "sanitizer": "heap-use-after-free",
    "core": "left a core: core",
}


@pytest.fixture(scope="module")
def inner(mpm, tmp_path_factory):
    """Runs INNER: ({test: what it failed with}, what pytest said)."""
    folder = tmp_path_factory.mktemp("inner")
    (folder / "test_inner.py").write_text(INNER)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", "-q", "--mpm", mpm,
         f"--rootdir={folder}", f"--junitxml={folder}/results.xml", "test_inner.py"],
        cwd=folder, env=dict(os.environ, PYTHONPATH=str(build.TESTS)), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=500)
    results = {}
    for case in ElementTree.parse(folder / "results.xml").iter("testcase"):
        words = [part.get("message", "") + (part.text or "") for part in case
                 if part.tag in ("failure", "error")]
        name = case.get("name").removeprefix("test_")
        results[name] = results.get(name, "") + "".join(words)
    return results, done.stdout


class TestInnerRun:
    def test_cws_012_each_ends_as_it_must(self, inner):
        results, said = inner
        assert len(results) == INNER.count("def test_"), said
        for name, failure in results.items():
            if name.startswith("passes_"):
                assert not failure, name
            else:
                wanted = WANTED[name.removeprefix("fails_").removesuffix("_again")]
                assert re.search(wanted, failure), f"{name}: {failure}"

    def test_cws_013_remarks_are_shown_once(self, inner):
        results, said = inner
        assert said.count("AH00671") == 1, said
        line, = re.findall(".*AH00671.*", said)
        assert re.fullmatch(r"REMARK \[alias:warn\] AH00671: .* \(\d+ times\)", line)

    def test_cws_014_a_cause_is_told_once(self, inner):
        results, said = inner
        again = r"2 tests failed by it: test_fails_foreign_error test_fails_foreign_error_again"
        assert len(re.findall(again, said)) == 1, said
        # At once, in full, and in the list at the end.
        assert len(re.findall("AH01630: client denied", said)) == 3, said
        *_, summary = said.partition("- failed -")
        assert re.search(r"^FAILED test_fails_foreign_error and 1 more: .*AH01630", summary, re.M), said
        assert len(re.findall("^FAILED ", summary, re.M)) == len(WANTED), said


# What a second try is for, and what gets none: (test, its end, what is said).
SECOND_TRIES = {
    "late": ("""
def test_late(request):
    mark = request.path.parent / "tried"
    first = not mark.exists()
    mark.touch()
    assert not first, "came too late"
""", 0, "^UNSTEADY test_late: AssertionError: came too late"),
    "wrong": ("""
def test_wrong():
    assert 1 == 2
""", 1, "^tried again, alone:(.|\n)*1 failed"),
    "log": ("""
import os, signal
def test_log(make_httpd):
    httpd = make_httpd()
    os.kill(httpd.children()[0], signal.SIGSEGV)
    httpd.error_log.wait_for("exit signal")
    assert False
""", 1, "exit signal Segmentation fault"),
    "many": ("""
import pytest
@pytest.mark.parametrize("number", range(4))
def test_many(request, number):
    mark = request.path.parent / f"tried{number}"
    first = not mark.exists()
    mark.touch()
    assert not first
""", 1, "test_many.* and 3 more"),
}


@pytest.mark.parametrize("name", SECOND_TRIES)
def test_cws_015_second_try(mpm, tmp_path, name):
    source, code, words = SECOND_TRIES[name]
    (tmp_path / "test_again.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--mpm", mpm, "--again", f"--rootdir={tmp_path}", "test_again.py"],
        cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
        env=dict(os.environ, PYTHONPATH=str(build.TESTS), PYTEST_ADDOPTS="-p conftest -p no:cacheprovider"))
    assert done.returncode == code, done.stdout
    assert re.search(words, done.stdout, re.M), done.stdout
    assert ("alone" in done.stdout) == (name == "wrong"), done.stdout
