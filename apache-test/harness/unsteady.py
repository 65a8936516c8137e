"""A second try, alone, for tests that failed beside others on a busy machine. Whoever passes then is
unsteady: named at the end of ./check, to be mended, and no reason to hold up what is right. What a
log said, a child that died, and a sanitizer's report get no second try, nor does more than a few."""
import subprocess
import sys

from .causes import first_sentence, name_of

MOST = 3  # tests; if more fail, something is wrong


def may_try_again(reports):
    """Of all failed reports of a run. Errors before and after a test are an httpd's start and its log."""
    return len({report.nodeid for report in reports}) <= MOST and all(
        report.when == "call" for report in reports)


def try_again(reports, options, root):
    """Runs the tests again, in a process and with servers of their own. Returns whether all passed,
    and the lines to be shown."""
    tests = list(dict.fromkeys(report.nodeid for report in reports))
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, *tests],
                          cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        return False, ["tried again, alone:", *done.stdout.splitlines()]
    return True, [f"UNSTEADY {name_of(report)}: {first_sentence(report)}" for report in reports]
