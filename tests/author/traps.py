"""What an author is told by a compiler: each file in traps/ must not compile, and the compiler's words must
have the sentence in its first line. Right ones compile: tests/handlers and the manual's examples. And what
co-await-faults refuses of co_await_faults.cpp.

usage: traps.py PROJECT COMPILER…"""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

PROJECT = pathlib.Path(sys.argv[1])
TRAPS = sorted((PROJECT / "tests/author/traps").glob("*.cpp"))
COMPILERS = [name for name in sys.argv[2:] if shutil.which(name)]
FLAGS = ["-std=c++20", "-fsyntax-only", "-Werror=return-type", "-Werror=unused-result",
         f"-I{PROJECT}/mod_cppwebsocket/include"]


def parse_api(compiler, folder):
    """The options with which a file begins behind all of the API but handler.hpp: most of the work."""
    header = folder / f"{compiler}.hpp"
    header.write_text("#include <cppwebsocket/blocking_membership.hpp>\n#include <cppwebsocket/membership.hpp>\n"
                      "#include <cppwebsocket/message_threads.hpp>\n#include <cppwebsocket/msgutil.hpp>\n")
    clang = "clang" in compiler
    parsed = header.with_suffix(".hpp.pch" if clang else ".hpp.gch")
    subprocess.run([compiler, *FLAGS[:1], *FLAGS[2:], "-x", "c++-header", header, "-o", parsed], check=True)
    return ["-include-pch", parsed] if clang else ["-include", header]


def problem_of(compiler, options, path):
    wanted = path.read_text().splitlines()[0].removeprefix("// says: ")
    done = subprocess.run([compiler, *FLAGS, *options, path], stderr=subprocess.PIPE, text=True,
                          env=dict(os.environ, LC_ALL="C"))
    name = f"{compiler}: {path.name}"
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    if done.returncode == 0:
        return f"{name} compiles"
    # clang puts the sentence into quotes, or behind the condition.
    if not re.search(wanted, "\n".join(errors)):
        return f"{name}: no error says: {wanted}\n" + done.stderr
    return None


def faults():
    """What co-await-faults gets wrong."""
    path = PROJECT / "tests/author/co_await_faults.cpp"
    lines = enumerate(path.read_text().splitlines(), 1)
    wanted = {number for number, line in lines if line.endswith("// refused")}
    tool = PROJECT / "tools/co-await-faults"
    done = subprocess.run([tool, path], stderr=subprocess.PIPE, text=True)
    told = {int(number) for number in re.findall(r"\.cpp:(\d+): error: g\+\+ 12", done.stderr)}
    if told != wanted or done.returncode != 1:
        return [f"co-await-faults: wrong about the lines {sorted(told ^ wanted)}\n{done.stderr}"]
    right = subprocess.run([tool, *(PROJECT / "handlers").glob("*.cpp"), *(PROJECT / "tools/template").glob("*.cpp")],
                           stderr=subprocess.PIPE, text=True)
    return [right.stderr] if right.returncode else []


def main():
    if len(TRAPS) < 10 or not COMPILERS:
        print("no traps, or no compiler")
        return 1
    with (tempfile.TemporaryDirectory() as folder,
          concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool):
        jobs = []
        for compiler in COMPILERS:
            options = parse_api(compiler, pathlib.Path(folder))
            jobs += [pool.submit(problem_of, compiler, options, path) for path in TRAPS]
        problems = faults() + [problem for job in jobs if (problem := job.result())]
    print("\n".join(problems) or f"{len(TRAPS)} traps, as {', '.join(COMPILERS)} tell of them")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
