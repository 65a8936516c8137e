"""What ./check tells of its tests: of those that fail at once, and at the end in a sentence each; and
how far bench/run is."""
import contextlib
import os
import runpy
import subprocess

import pytest

from harness import build

GOOGLE_TEST = r"""[ RUN      ] Session.Ends
tests/session_test.cpp:12: Failure
Expected equality of these values:
  code
    Which is: 1006
  1001

[  FAILED  ] Session.Ends (0 ms)
"""
DENIED = "[authz_core:error] AH01630: client denied"
PYTEST = f"""FAILED test_cws_1: {DENIED}
FAILED test_cws_2: assert 1 == 2
------ cause 1 of 2: test_cws_1
FAILED test_cws_1 and 80 more: {DENIED}
FAILED test_cws_2: assert 1 == 2
"""
# name: (what it says, its exit code)
TESTS = {
    "passes": ("an error that is none\nREMARK [ssl:warn] AH01882: older (41 times)\n", 0),
    "google": (GOOGLE_TEST, 1),
    "live.event": (PYTEST, 1),
    "live.worker": (PYTEST, 1),
    "asan": ("all is well\n==7==ERROR: AddressSanitizer: heap-use-after-free on address 1\n", 1),
    "mute": ("", 3),
    'Every/Name.Will "do ... "; so': ("fine\n", 0),
    "unsteady": ("FAILED test_cws_3: too late\nUNSTEADY test_cws_3: too late\n", 0),
    "remarks": ("REMARK [ssl:warn] AH01882: older (7 times)\n", 0),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ctest")
    lines = []
    for number, (name, (text, code)) in enumerate(TESTS.items()):
        words = folder / f"{number}.words"
        words.write_text(text)
        lines.append(f'add_test([=[{name}]=] "/bin/sh" "-c" "cat {words}; exit {code}")\n')
    (folder / "CTestTestfile.cmake").write_text("".join(lines))
    done = subprocess.run([build.SOURCE / "scripts/run-tests", "check 6/6", "--test-dir", folder],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode != 0
    return done.stdout


def test_cws_986_the_words_of_failed_tests_come_at_once(said):
    at_once, _, _ = said.partition("5 failed:")
    assert GOOGLE_TEST in at_once
    assert "an error that is none" not in said
    assert said.count("--- end of ") == 5
    assert at_once.count(f"live.event: FAILED test_cws_1: {DENIED}") == 1
    assert at_once.count("live.event: FAILED test_cws_2") == 1


def test_cws_987_a_sentence_for_each_cause(said):
    _, _, summary = said.partition("5 failed:\n")
    summary, _, closing = summary.partition("\n\n")
    assert summary.splitlines() == [
        "  google: session_test.cpp:12: Expected equality of these values: code Which is: 1006 1001",
        f"  live.event, live.worker: test_cws_1 and 80 more: {DENIED}",
        "  live.event, live.worker: test_cws_2: assert 1 == 2",
        "  asan: ERROR: AddressSanitizer: heap-use-after-free on address 1",
        "  mute: said nothing"]
    assert "44% tests passed, 5 tests failed out of 9" in closing


def test_cws_988_remarks_of_passed_tests_are_shown_once(said):
    assert said.count("AH01882") == 1
    assert "said by others, and no fault:\n  [ssl:warn] AH01882: older\n" in said


def test_cws_988_what_passed_at_the_second_try_is_named(said):
    assert "failed once, and passed alone:\n  unsteady: test_cws_3: too late\n" in said


def test_cws_986_what_has_ended_runs_no_more(tmp_path, monkeypatch):
    """Whatever its name is."""
    names = list(TESTS) + ['Broken/Extensions.DoNotMatch/"foo;', "a # GetParam() = 24-byte object"]
    (tmp_path / "CTestTestfile.cmake").write_text(
        "".join(f"add_test([=[{name}]=] /bin/true)\n" for name in names))
    said = subprocess.run(["ctest", "--verbose", "--test-dir", tmp_path], text=True,
                          stdout=subprocess.PIPE, timeout=60).stdout
    monkeypatch.syspath_prepend(build.SOURCE / "scripts")
    run = runpy.run_path(str(build.SOURCE / "scripts/run-tests"))["Run"](progress=None)
    for line in said.splitlines():
        run.take(line)
    assert run.done == len(names) and not run.running and not run.failed


def bench(*options, stderr):
    """bench/run with a contestant that ends at once."""
    if not (build.MODULE.parent / "bench/bench_load").exists():
        pytest.skip("the preset release builds it")
    return subprocess.Popen(
        [build.SOURCE / "bench/run", "echo-20x200", "--build", build.MODULE.parent, "--rounds", "2",
         "--seconds", "0.2", "--contestants", "limit,broken", "--extra", "broken=/bin/false {port}",
         *options], text=True, stdout=subprocess.PIPE, stderr=stderr)


LEFT_OUT = "echo-20x200 broken is left out: /bin/false ended with 1"


def test_cws_989_bench_run_is_brief_in_a_log():
    assert bench(stderr=subprocess.PIPE).communicate(timeout=60)[1].splitlines() == [
        "bench: measuring 1 of 27 rows", LEFT_OUT]


def test_cws_989_bench_run_moves_on_a_terminal():
    ours, theirs = os.openpty()
    process = bench(stderr=theirs)
    os.close(theirs)
    said = b""
    with contextlib.suppress(OSError):  # EIO: nobody has the other end any more
        while some := os.read(ours, 4096):
            said += some
    os.close(ours)
    assert process.communicate(timeout=60)[0].startswith("| row ")
    begin = "\r\033[K"
    lines = said.decode().split(begin)
    assert f"{LEFT_OUT}\r\n" in lines
    assert any(line.startswith("bench: 1 of 4 measurements; echo-20x200 1/2 limit: cpu_us")
               for line in lines)
    assert said.decode().endswith(begin)
