"""The installed command and development package, as an author has them: in a folder outside of this tree, with
nothing but what `cmake --install` puts under a prefix, by each compiler that is here.

usage: outside.py BUILD MODULE COMPILER…"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BUILD, MODULE = sys.argv[1:3]
COMPILERS = [name for name in sys.argv[3:] if shutil.which(name)]
FAULTY = """#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;
void web_socket_do_extra_handshake(Request&) {}
Task<> web_socket_transfer_data(Request& request) {
  while (co_await msgutil::receive_message(request)) {
  }
}
"""


class Author:
    def __init__(self, folder):
        self.prefix = folder / "prefix"
        self.work = folder / "work"
        self.work.mkdir()
        # Nothing of this tree, and none of what surrounds the test.
        self.env = {"PATH": f"{self.prefix}/bin:/usr/bin:/bin:/usr/sbin", "HOME": str(folder), "LC_ALL": "C",
                    "PKG_CONFIG_PATH": f"{self.prefix}/share/pkgconfig", "CPPWEBSOCKET_MODULE": MODULE}

    def runs(self, *command, fails=False, **env):
        done = subprocess.run([str(part) for part in command], cwd=self.work, text=True, timeout=300,
                              env=self.env | env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = f"$ {' '.join(map(str, command))}\n{done.stdout}"
        assert (done.returncode != 0) == fails, f"{said}exit status {done.returncode}"
        return done.stdout


def begins(author):
    assert re.fullmatch(r"cppwebsocket \d+\.\d+\.\d+\n", author.runs("cppwebsocket", "--version"))
    for command in ("", "new", "build", "serve", "check", "install"):
        said = author.runs("cppwebsocket", *command.split(), "--help")
        assert "usage: cppwebsocket" in said and re.search(r"\n  (sudo )?cppwebsocket ", said), said
    assert "no command \"deploy\"" in author.runs("cppwebsocket", "deploy", fails=True)
    author.runs("cppwebsocket", "new", "shout")
    assert "is there already" in author.runs("cppwebsocket", "new", "shout", fails=True)
    assert (author.prefix / "share/man/man1/cppwebsocket.1").is_file()
    assert (author.prefix / "share/cppwebsocket/client/connect.js").is_file()


def completes(author):
    def completed(words):
        return author.runs("bash", "-c", f". {author.prefix}/share/bash-completion/completions/cppwebsocket\n"
                           f"compopt() {{ :; }}\nCOMP_WORDS=(cppwebsocket {words})\n"
                           "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_cppwebsocket\n"
                           'printf "%s\\n" "${COMPREPLY[@]}"').split()
    assert completed("se") == ["serve"]
    assert completed("serve --mpm w") == ["worker"]
    assert completed("serve --gd") == ["--gdb"]
    assert completed("check --no") == ["--no-handshake"]
    assert completed("build shout/shout_") == ["shout/shout_test.cpp", "shout/shout_wsh.cpp"]


def builds_with_cmake(author, compiler):
    build = f"shout/{compiler}"
    author.runs("cmake", "-S", "shout", "-B", build, f"-DCMAKE_CXX_COMPILER={compiler}",
                f"-DCMAKE_PREFIX_PATH={author.prefix}")
    author.runs("cmake", "--build", build)
    assert "100% tests passed" in author.runs("ctest", "--test-dir", build)
    assert author.runs("cppwebsocket", "check", f"{build}/handlers", *as_root()) \
        == "loads    /shout  (coroutine)  handshake: 101\n"


def builds_by_hand(author, compiler):
    flags = author.runs("pkg-config", "--cflags", "--libs", "cppwebsocket").split()
    target = author.work / f"by-hand-{compiler}"
    target.mkdir(mode=0o755)
    own = [] if "clang" in compiler else ["-fno-gnu-unique"]
    author.runs(compiler, "shout/shout_wsh.cpp", *flags, *own, "-o", target / "shout_wsh.so")
    assert "loads    /shout" in author.runs("cppwebsocket", "check", target, *as_root())


def as_root():
    return ["--user", "root"] if os.geteuid() == 0 else []


def builds_with_the_command(author):
    (author.work / "shout/word.hpp").write_text('inline const char* word() { return "one"; }\n')
    source = author.work / "shout/shout_wsh.cpp"
    source.write_text('// cppwebsocket-sources: more.cpp\n#include "word.hpp"\nint more();\n' + source.read_text() +
                      "int all() { return more() + word()[0]; }\n")
    (author.work / "shout/more.cpp").write_text("int more() { return 1; }\n")
    def build(*options, **env):
        author.runs("cppwebsocket", "build", "shout/shout_wsh.cpp", "-o", "out", *options, **env)
        return (author.work / "out/shout_wsh.so").stat().st_mtime_ns
    first = build()
    assert build() == first, "nothing has changed, and it was built again"
    (author.work / "shout/word.hpp").write_text('inline const char* word() { return "two"; }\n')
    assert build() != first, "a header has changed, and it was not built again"
    said = author.runs("cppwebsocket", "build", "shout/shout_wsh.cpp", "--libs", "no-such-library", fails=True)
    assert "no-such-library" in said

    (author.work / "faulty_wsh.cpp").write_text(FAULTY)
    if author.runs("g++", "-dumpversion").split(".")[0] == "12":
        said = author.runs("cppwebsocket", "build", "faulty_wsh.cpp", fails=True, CXX="g++")
        assert "faulty_wsh.cpp:5: error: g++ 12 breaks" in said, said


def installs(author):
    root = author.work / "root"
    root.mkdir(mode=0o755)
    if os.geteuid() == 0:  # www-data has to get there
        for folder in (root, *root.parents[:2]):
            folder.chmod(0o755)
    said = author.runs("cppwebsocket", "install", "out/shout_wsh.so", "--root", root)
    assert said == f"{root}/shout_wsh.so\n"
    (author.work / "text_wsh.so").write_text("no object")
    said = author.runs("cppwebsocket", "install", "out/shout_wsh.so", "text_wsh.so", "--root", root, fails=True)
    assert "nothing was installed" in said and "refused  /text" in said
    assert [path.name for path in root.iterdir()] == ["shout_wsh.so"]
    (root / "text_wsh.so").write_text("no object")
    (root / "open_wsh.so").write_bytes((root / "shout_wsh.so").read_bytes())
    (root / "open_wsh.so").chmod(0o666)
    said = author.runs("cppwebsocket", "check", root, fails=True)
    for line in ("loads    /shout  (coroutine)  handshake: 101", "refused  /text  it cannot be loaded: it is not a shared object",
                 "refused  /open  group or others may write to"):
        assert line in said, said
    checks_handshakes(author, root)
    root.chmod(0o777)
    assert "group or others may write" in author.runs("cppwebsocket", "install", "out/shout_wsh.so", "--root", root,
                                                      fails=True)


HANDSHAKES = {
    "refuses": ('throw HandshakeException(401, "who are you?");', "handshake: 401 who are you?"),
    "fails": ('throw std::runtime_error("no database");', "handshake: 500, it raises: no database"),
    "dies": ("__builtin_trap();", "handshake: it ends the process: "),
    "joins": ('Channel::named("news").reserve(request);', "handshake: 101"),
}


def checks_handshakes(author, root):
    for name, (statement, _) in HANDSHAKES.items():
        (author.work / f"{name}_wsh.cpp").write_text(
            FAULTY.replace("Request&) {}", f"[[maybe_unused]] Request& request) {{ {statement} }}").replace(
                "while (co", "while (auto message = co").replace("handler.hpp>", "handler.hpp>\n"
                "#include <cppwebsocket/channel.hpp>\n#include <stdexcept>"))
    files = [f"{name}_wsh.cpp" for name in HANDSHAKES]
    author.runs("cppwebsocket", "build", *files, "-o", root)
    said = author.runs("cppwebsocket", "check", root, fails=True).splitlines()
    for name, (_, line) in HANDSHAKES.items():
        assert any(each.startswith(f"loads    /{name}  (coroutine)  {line}") for each in said), said
    assert "handshake" not in author.runs("cppwebsocket", "check", root, "--no-handshake", fails=True)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        author = Author(folder)
        subprocess.run(["cmake", "--install", BUILD, "--component", "development", "--prefix", author.prefix],
                       check=True, stdout=subprocess.DEVNULL)
        begins(author)
        completes(author)
        for compiler in COMPILERS:
            builds_with_cmake(author, compiler)
            builds_by_hand(author, compiler)
        builds_with_the_command(author)
        installs(author)
    print(f"an author outside of the tree, with {', '.join(COMPILERS)}")


main()
