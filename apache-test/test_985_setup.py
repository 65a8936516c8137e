"""scripts/setup: which libraries it takes for older than what was built on them."""
import os
import subprocess

import pytest

from harness import build

# A Debian of a few packages: its version, when it was built, what apt knows, source, dependencies.
PACKAGES = {
    "apache2-bin": ("2.4.71", 2026, "2.4.71", "apache2", "libapr1 (>= 1.7), libssl3 (>= 3.0), libc6"),
    "libssl-dev": ("3.0.19", 2025, "3.0.22", "openssl", "libssl3 (= 3.0.19)"),
    "libssl3": ("3.0.19", 2025, "3.0.22", "openssl", "libc6"),
    "openssl": ("3.0.19", 2025, "3.0.22", "openssl", "libssl3"),
    "libapr1": ("1.7.2", 2023, "1.7.2", "apr", "libc6"),
    "libpng16-16": ("1.6.1", 2023, "1.6.9", "libpng", "libc6"),
    "libc6": ("2.36-1", 2023, "2.36-9", "glibc", ""),
}


@pytest.fixture
def debian(tmp_path):
    """Runs older-libraries in one in which a package may have another (version, year)."""
    def run(differing=None, packages=("apache2-bin", "libssl-dev")):
        tools = tmp_path / "tools"
        tools.mkdir()
        lists, status, policy = [], "", ""
        for name, (version, year, known, source, depends) in PACKAGES.items():
            version, year = (differing or {}).get(name, (version, year))
            file = tmp_path / f"{name}.so"
            file.write_text("")
            os.utime(file, ((year - 1970) * 31_557_600,) * 2)
            lists.append(f"-L+{name}) echo /etc/passwd; echo {tmp_path}; echo {file};;")
            status += f"ii \t{name}\t{source}\t, {depends}\n"
            policy += f"{name}:\n  Installed: {version}\n  Candidate: {known}\n  Version table:\n"
        (tmp_path / "status").write_text(status)
        (tmp_path / "policy").write_text(policy)
        dpkg = 'case "$1+$2" in\n' + "\n".join(lists) + '\n*) exec /usr/bin/dpkg "$@";;\nesac'
        for tool, text in (("dpkg", dpkg), ("dpkg-query", f"cat {tmp_path}/status"),
                           # Of the packages that are asked for.
                           ("apt-cache", f'shift\nfor p; do grep -A 3 "^$p:" {tmp_path}/policy; done')):
            (tools / tool).write_text(f"#!/bin/bash\n{text}\n")
            (tools / tool).chmod(0o755)
        done = subprocess.run([build.SOURCE / "scripts/older-libraries", *packages], text=True,
                              env=dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}"),
                              stdout=subprocess.PIPE, timeout=30, check=True)
        return done.stdout.split()
    return run


@pytest.mark.skipif(not os.path.exists("/usr/bin/dpkg"), reason="no Debian")
class TestOlderLibraries:
    def test_cws_985_older_than_its_user_with_all_of_its_source(self, debian):
        assert debian() == ["libssl-dev", "libssl3", "openssl"]

    def test_cws_985_up_to_date(self, debian):
        assert debian({"libssl3": ("3.0.22", 2026)}) == []

    def test_cws_985_all_of_one_age(self, debian):
        assert debian({"apache2-bin": ("2.4.62", 2024)}) == []

    def test_cws_985_of_no_concern(self, debian):
        assert debian(packages=("libapr1", "openssl-tool-that-is-not-here")) == []
