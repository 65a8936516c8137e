"""Where the module and the handlers are, and the compiling of the tests' own handlers."""
import fcntl
import hashlib
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
SOURCE = Path(os.environ.get("CPPWEBSOCKET_SOURCE", TESTS.parent)).resolve()
MODULE = Path(os.environ.get("CPPWEBSOCKET_MODULE",
                             SOURCE / "build/release/mod_cppwebsocket.so")).resolve()
HANDLERS = Path(os.environ.get("CPPWEBSOCKET_HANDLERS", MODULE.parent / "handlers")).resolve()
SANITIZER = os.environ.get("CPPWEBSOCKET_SANITIZER", "")  # "", "address" or "thread"
INCLUDE = SOURCE / "mod_cppwebsocket/include"
CXX = os.environ.get("CXX", "g++")
APXS = os.environ.get("APXS", "apxs")

CACHE = MODULE.parent / "apache-test"
FLAGS = ["-std=c++20", "-O1", "-g", "-fPIC", "-shared", "-fvisibility=hidden", "-fno-gnu-unique",
         "-Wall", "-Wextra", "-Wpedantic", f"-I{INCLUDE}"]
STRICT = ["-Wl,-z,defs"]
SANITIZE = {"": [], "address": ["-fsanitize=address,undefined", "-fno-sanitize=vptr",
                                "-fno-sanitize-recover=all"],
            "thread": ["-fsanitize=thread"]}[SANITIZER]


def compiler_file(name):
    return subprocess.run([CXX, f"-print-file-name={name}"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()


def headers_digest():
    digest = hashlib.sha256()
    for header in sorted(INCLUDE.rglob("*.hpp")):
        digest.update(header.read_bytes())
    return digest.hexdigest()


def compile_once(built, command):
    """Has the command make a file of the cache, if it is not there. Who comes meanwhile, from another run too, waits."""
    built.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{built}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            part = built.with_name(f"{built.name}.part")
            subprocess.run([*command, "-o", str(part)], check=True)
            part.rename(built)
    return built


def key_of(*parts):
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def compile_handler(source, *, defines=(), strict=True, flags=(), libraries=()):
    """Builds one handler and returns the .so, from the cache if nothing has changed."""
    # A sanitizer's runtime is httpd's, so its symbols are undefined here.
    flags = FLAGS + list(flags) + SANITIZE + [f"-D{define}" for define in defines]
    flags += STRICT if strict and not SANITIZER else []
    headers = [header.read_text() for header in sorted(source.parent.glob("*.hpp"))]
    key = key_of(CXX, *flags, *libraries, headers_digest(), source.read_text(), *headers)
    return compile_once(CACHE / f"{source.stem}-{key}.so", [CXX, *flags, str(source), *libraries])


def compile_httpd_module(source):
    """Builds one of the tests' own httpd modules, in C, and returns the .so."""
    def ask(*command):
        return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout.split()
    flags = ["-std=gnu11", "-O1", "-g", "-fPIC", "-shared", "-Wall", "-Wextra",
             "-Wno-unused-parameter", "-Wno-missing-field-initializers",
             "-I" + ask(APXS, "-q", "INCLUDEDIR")[0],
             *ask("apr-1-config", "--cppflags", "--includes")]
    return compile_once(CACHE / f"{source.stem}-{key_of(*flags, source.read_text())}.so", ["cc", *flags, str(source)])


def compile_all(sources, **options):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda source: compile_handler(source, **options), sources))


def built_handlers():
    return {str(path.relative_to(HANDLERS)).removesuffix("_wsh.so"): path for path in HANDLERS.rglob("*_wsh.so")}


def gallery():
    """Of the gallery, what was built: {"gallery/game": path}."""
    return {name: path for name, path in built_handlers().items() if name.startswith("gallery/")}


def all_handlers():
    """Every handler there is: the shipped ones and the tests' own, {"echo": path}. Without the gallery's, for whose
    libraries each child would have to have room."""
    found = {name: path for name, path in built_handlers().items() if not name.startswith("gallery/")}
    sources = sorted((TESTS / "handlers").glob("*_wsh.cpp"))
    for source, built in zip(sources, compile_all(sources)):
        found[source.name.removesuffix("_wsh.cpp")] = built
    return found


def install(built, target):
    """Puts a handler where httpd finds it, in one step, readable for httpd's user."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    shutil.copyfile(built, part)
    part.chmod(0o644)
    part.rename(target)


def install_pages(folder):
    """The pages of handlers/, and the client that they use, as `cppwebsocket serve` puts them."""
    shutil.copytree(SOURCE / "handlers/pages", folder, dirs_exist_ok=True)
    shutil.copytree(SOURCE / "client/source", folder / "client", dirs_exist_ok=True)
