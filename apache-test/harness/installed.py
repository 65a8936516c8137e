"""The httpd that is installed here, and the lines of configuration that depend on it."""
import functools
import os
import pwd
import shutil
import subprocess
from pathlib import Path

PROGRAM = os.environ.get("CPPWEBSOCKET_HTTPD") or next(
    (path for name in ("apache2", "httpd")
     if (path := shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin"))), "apache2")
MODULES = Path(os.environ.get("CPPWEBSOCKET_HTTPD_MODULES", "/usr/lib/apache2/modules"))

UNPACKED = Path(__file__).resolve().parents[2] / "build/httpd-modules"


@functools.lru_cache
def compiled_in():
    return subprocess.run([PROGRAM, "-l"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()


def load_modules(names):
    """LoadModule lines for those that are not compiled in."""
    return "\n".join(f'LoadModule {name}_module "{MODULES}/mod_{name}.so"'
                     for name in names if f"mod_{name}.c" not in compiled_in())


@functools.lru_cache
def version():
    """Of httpd: (2, 4, 71)."""
    said = subprocess.run([PROGRAM, "-v"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return tuple(map(int, said.split("Apache/")[1].split()[0].split(".")))


def load_others(**files):
    """LoadModule lines for modules that scripts/httpd-modules (run by scripts/setup check) has unpacked:
    load_others(security2="mod_security2.so")."""
    lines = ""
    for name, file in files.items():
        if name == "qos":  # findings/mod-qos-without-pcre.sh
            lines += "".join(f'LoadFile "{path}"\n' for path in UNPACKED.glob("**/libpcre.so.3"))
        lines += f'LoadModule {name}_module "{UNPACKED}/usr/lib/apache2/modules/{file}"\n'
    return lines


def user_directives():
    """httpd does not serve as root; Debian's user for it is www-data."""
    if os.geteuid() != 0:
        return ""
    for name in ("www-data", "nobody"):
        try:
            entry = pwd.getpwnam(name)
            return f"User {name}\nGroup #{entry.pw_gid}"
        except KeyError:
            continue
    return ""
