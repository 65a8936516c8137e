"""The examples of the manual, as handlers: each block of C++ in README.md and docs/handlers.md, and
each example in a comment of the public headers."""
import re
from dataclasses import dataclass
from pathlib import Path

from . import build

DOCUMENTS = ["README.md", "docs/handlers.md"]

# Examples that are part of a function, by their first line: the style, and what they stand behind.
FRAGMENTS = {
    "while (auto message = co_await msgutil::receive_message(request)) {": ("Request", ""),
    "const Channel chat =": ("Request", ""),
    "while (auto next = co_await room.receive())": (
        "Request", "const auto wanted = [](const Message& message) { return message.is_text(); };\n"
                   'auto room = Channel::named("manual").join(request, {.receive = true});'),
    "if (auto leadership =": ("Request", ""),
    "auto room = Channel::named": ("BlockingRequest", ""),
    "request.close_at(token.expires": (
        "Request", "const struct { std::chrono::system_clock::time_point expires; } token{\n"
                   "    std::chrono::system_clock::now() + std::chrono::hours(1)};"),
}
INCLUDES = ["atomic", "chrono", "condition_variable", "functional", "memory", "mutex", "optional", "stdexcept", "string",
            "vector", "fcntl.h", "unistd.h"]
FUNCTION = re.compile(r"^[\w<>:]+ (web_socket_\w+)\(", re.M)


@dataclass
class Example:
    name: str    # e.g. "handlers_98": where it is
    text: str    # as it stands there
    source: str  # a whole handler
    runs: bool   # it says something of an open connection


def blocks(path):
    """(line, text) of each block of C++."""
    if path.suffix == ".md":
        block = r"^```cpp\n(.*?)^```"
        clean = lambda text: text
    else:  # the comments' examples are indented
        block = r"((?:^//   .*\n)(?:^//(?:   .*)?\n)*)"
        clean = lambda text: re.sub(r"^//(?:   )?", "", text, flags=re.M)
    text = path.read_text()
    for match in re.finditer(block, text, re.M | re.S if path.suffix == ".md" else re.M):
        body = clean(match[1])
        if ";" in body and "│" not in body:
            yield text.count("\n", 0, match.start()) + 1, body


def fragment(text):
    for begin, (style, before) in FRAGMENTS.items():
        if text.startswith(begin):
            if style == "Request":
                return f"Task<> web_socket_transfer_data(Request& request) {{\n{before}\n{text}\nco_return;\n}}\n"
            return f"void web_socket_transfer_data(BlockingRequest& request) {{\n{before}\n{text}}}\n"
    raise AssertionError(f"FRAGMENTS does not say where this example stands:\n{text}")


def whole(text):
    """The example with all that it leaves out."""
    if "testing::" in text:  # a test of a handler
        code = text if "int main(" in text else f"void test() {{\n{text}}}\n"
        return f"#include <cppwebsocket/testing.hpp>\nusing namespace cppwebsocket;\n{code}"
    defined = FUNCTION.findall(text)
    if not defined:
        text = fragment(text)
        defined = ["web_socket_transfer_data"]
    code = re.sub(r"//.*", "", text)
    request = "BlockingRequest" if re.search("Blocking(Request|Background)", code) else "Request"
    header = "blocking_handler" if request == "BlockingRequest" else "handler"
    source = "".join(f"#include <{name}>\n" for name in INCLUDES)
    if "resume_in(" in code:
        source += "#include <cppwebsocket/asio.hpp>\n"
    waiting = "blocking_wait" if request == "BlockingRequest" else "wait"
    source += f"#include <cppwebsocket/{header}.hpp>\n#include <cppwebsocket/{waiting}.hpp>\n"
    source += f"using namespace cppwebsocket;\n{text}"
    if "web_socket_do_extra_handshake" not in defined:
        source += f"void web_socket_do_extra_handshake({request}&) {{}}\n"
    if "web_socket_transfer_data" not in defined and request == "BlockingRequest":
        source += ("void web_socket_transfer_data(BlockingRequest& request) {\n"
                   "while (msgutil::receive_message(request)) {}\n}\n")
    elif "web_socket_transfer_data" not in defined:
        source += ("Task<> web_socket_transfer_data(Request& request) {\n"
                   "while (auto message = co_await msgutil::receive_message(request)) {}\n}\n")
    return source


def examples():
    paths = [build.SOURCE / name for name in DOCUMENTS]
    paths += sorted((build.INCLUDE / "cppwebsocket").glob("*.hpp"))
    for path in paths:
        for line, text in blocks(path):
            yield Example(f"{path.stem.lower()}_{line}", text, whole(text),
                          FUNCTION.findall(text) != ["web_socket_do_extra_handshake"]
                          and "testing::" not in text
                          and "resume_in(" not in text)  # which needs a server to connect to


def compile_examples(folder):
    """{"name": path of the .so} of those that run; `folder` is for their sources. Raises where one
    does not compile, or the compiler has something to say about it. With a sanitizer only those that run."""
    sources = {}
    for example in examples():
        if build.SANITIZER and not example.runs:
            continue
        source = Path(folder) / f"{example.name}_wsh.cpp"
        source.write_text(example.source)
        sources[source] = example
    flags = ["-Wno-unused-variable", "-Wno-unused-but-set-variable"]
    # With a sanitizer g++ 12 sees members of an empty optional destroyed.
    flags.append("-Wno-maybe-uninitialized" if build.SANITIZER else "-Werror")
    built = zip(sources.values(), build.compile_all(list(sources), flags=flags))
    return {example.name: path for example, path in built if example.runs}
