"""Which lines of httpd's logs are faults. Judged is the module, not what surrounds it.

A fault is a line of this module at warn or above; whatever a child says at its death; an error of
httpd's core or of another module: each unless the test announced it. What else other modules say at
warn, and that all of a small configuration's workers were busy for a moment, is a remark: shown once, at the end, and nobody's fault. A distribution whose parts are of
different ages has such remarks.
"""
import re
from collections import Counter

FAULT, REMARK, SILENCE = "fault", "remark", "silence"

# Errors of httpd that are no faults in certain circumstances: (pattern, why). A test in which they
# prevail says so with httpd.tolerate(circumstance).
TOLERATED = {
    "sanitizer": ("AH0004[56]: child process .* still did not exit",
                  "looking for leaks takes longer than httpd likes to wait"),
    "restarts under load": ("AH00159|AH00286|AH00288|AH00513|AH03490",
                            "old generations still have workers, and places in the scoreboard"),
}

# MPMs end a child that starts (prefork: any) by exit() inside of their handler of SIGTERM, whatever the child was doing: in
# the middle of malloc() that is its death. Seen where httpd's own code was there (apr_allocator_create below child_main);
# ours does not let the signal in (httpd/child/start_hold.hpp).
MPMS_EXIT = re.compile(r"exit_handlers.*mod_mpm_\w+\.so.*<signal handler called>.*malloc", re.S)
OUR_CODE = re.compile(r"cppwebsocket::|mod_cppwebsocket\.so|_wsh\.")
MPMS_WORDS = re.compile(r"^(corrupted |free\(\): |malloc\(\): |double free )|exit signal (Abort|Segmentation)")

# [time] [module:level] [pid …] …; what does not look so is not httpd's: glibc, a sanitizer, libstdc++.
LINE = re.compile(r"\[\w{3} \w{3} [^\]]*\] \[(?P<module>[^:\]]*):(?P<level>\w+)\] ")
# httpd has looked when each worker had something to do. A worker that never comes back is a request that waits too long.
ALL_BUSY = re.compile(r"\bAH00(161|484): ")
# What any stranger causes, and what is a warning only because the configuration may be to blame.
STRANGERS = re.compile(r"\bCWS00(12|56):")
OUR_NUMBER = re.compile(r"\bCWS\d{4}:")
DEATH = re.compile(r"exit signal|still did not exit|could not make child process .* exit|"
                   r"returned a Fatal error|similar nasty error|Segmentation|Sanitizer|"
                   r"runtime error:|terminate called")
ERRORS = ("error", "crit", "alert", "emerg")


def judge(line):
    said = LINE.match(line)
    if said and ALL_BUSY.search(line):
        return REMARK
    if not said or DEATH.search(line) or said["level"] in ERRORS:
        return FAULT
    if said["level"] == "warn" and not STRANGERS.search(line):
        is_ours = said["module"] == "cppwebsocket" or OUR_NUMBER.search(line)
        return FAULT if is_ours else REMARK
    return SILENCE


def is_mpms_own_death(stacks):
    """Whether a core's stacks show that an MPM has ended the child in the middle of httpd's own malloc()."""
    return bool(MPMS_EXIT.search(stacks)) and not OUR_CODE.search(stacks)


def without_details(text):
    """The text without what differs from run to run: time, processes, ports, temporary names."""
    text = re.sub(r"\[\w{3} \w{3} [^\]]*\d{4}\] ", "", text)
    text = re.sub(r"\[(pid|client|remote) [^\]]*\] ", "", text)
    text = re.sub(r"cppwebsocket-test-\w+", "cppwebsocket-test", text)
    text = re.sub(r"\b(pid|process|child) \d+", r"\1 …", text, flags=re.I)
    return re.sub(r"(?<=[\d\]]:)\d{2,5}\b|0x[0-9a-f]{9,}", "…", text)


class Remarks:
    """What others said in all logs of this run."""

    def __init__(self):
        self.times = Counter()

    def add(self, line):
        self.times[without_details(line)] += 1

    def lines(self):
        """In the form that scripts/run-tests gathers from all programs."""
        return [f"REMARK {text}{f' ({times} times)' if times > 1 else ''}"
                for text, times in self.times.most_common()]

    def print(self):
        """For the programs that run without pytest."""
        if self.times:
            print("said by others, and no fault:", *self.lines(), sep="\n")


remarks = Remarks()
