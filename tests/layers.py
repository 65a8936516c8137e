"""Who may include whom: the floors of the house, from top to bottom. A file includes its own room and
what lies on lower floors. ARCHITECTURE.md draws the same house, and this test compares the two.

usage: layers.py PROJECT"""

import pathlib
import re
import sys

FLOORS = [
    ["httpd/mod_cppwebsocket"],
    ["httpd/content_handler"],
    ["httpd/endpoints"],
    ["httpd/ways_in"],
    ["httpd/ask"],
    ["httpd/request"],
    ["httpd/child"],
    ["httpd/configuration"],
    ["httpd/connection_log"],
    ["httpd/log", "httpd/pool"],
    ["httpd/module"],
    ["channels/backplane", "channels/presence", "channels/conversation"],
    ["channels/members"],
    ["channels/hooks"],
    ["channels/object_file"],
    ["channels/store"],
    ["runtime/administration"],
    ["runtime/runtime"],
    ["runtime/background"],
    ["runtime/reactor"],
    ["runtime/permission"],
    ["runtime/session"],
    ["runtime/transport", "runtime/handlers"],
    ["runtime/loop"],
    ["runtime/watch"],
    ["runtime/counters"],
    ["runtime/limits"],
    ["protocol/opening"],
    ["protocol/frames"],
    ["protocol/base64", "protocol/json"],
    ["include/cppwebsocket"],
]
# Rooms that may know less than what lies below them.
ALONE = {"channels/store": ["include/cppwebsocket"]}
# Optional parts of the public API, each with the library that it is for.
FOR_A_LIBRARY = {"include/cppwebsocket/asio.hpp": {"asio.hpp", "boost/asio.hpp"}}
HTTPD = re.compile(r"^(httpd|http_|ap_|apr_|apr\.|util_|mod_|scoreboard|mpm_|unixd)")
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)')


def room_of(file):
    """The room of a path below mod_cppwebsocket/; files of a floor's own name are rooms, too."""
    parts = file.split("/")
    return f"{parts[0]}/{parts[1].split('.')[0]}" if len(parts) > 1 else file


def floor_of(room):
    return next((i for i, floor in enumerate(FLOORS) if room in floor), None)


def fault_of(file, is_system, name):
    """What is wrong with `file`'s include of `name`; None if nothing is."""
    room = room_of(file)
    if is_system and HTTPD.match(name):
        return None if room.startswith("httpd/") else f"{name} belongs to httpd/"
    if is_system and name.startswith("cppwebsocket/"):
        return None
    if room == "include/cppwebsocket":
        if name in FOR_A_LIBRARY.get(file, ()):
            return None
        return None if is_system and "/" not in name else "the public API needs the standard library only"
    if is_system:
        return None
    other = room_of(name)
    if floor_of(other) is None:
        return f"{name} is in no room of tests/layers.py"
    if other == room:
        return None
    if room in ALONE and other not in ALONE[room]:
        return f"{room} must not include {name}: it stands alone"
    if floor_of(other) <= floor_of(room):
        return f"{room} must not include {name}: {other} does not lie below it"
    return None


def check_includes(sources):
    seen = set()
    for path in sorted(sources.rglob("*.[ch]pp")):
        file = str(path.relative_to(sources))
        seen.add(room_of(file))
        if floor_of(room_of(file)) is None:
            yield f"mod_cppwebsocket/{file}: in no room of tests/layers.py"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if (match := INCLUDE.match(line)) and (fault := fault_of(file, match[1] == "<", match[2])):
                yield f"mod_cppwebsocket/{file}:{number}: {fault}"
    for room in {room for floor in FLOORS for room in floor} - seen:
        yield f"mod_cppwebsocket/{room}: no sources, so this test tests nothing"


def check_handlers(project):
    for path in sorted((project / "handlers").rglob("*.cpp")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if (match := INCLUDE.match(line)) and match[1] == '"':
                yield f"handlers/{path.name}:{number}: handlers include the public API with <>"


def check_drawing(project):
    """Every folder of the sources stands once in ARCHITECTURE.md's house, in the order of the floors."""
    house = (project / "ARCHITECTURE.md").read_text().split("## The house")[1].split("```")[1]
    drawn = []
    folder = ""
    for line in house.splitlines():
        if match := re.match(r"( +)([a-z_/0-9]+)/ ", line):
            folder = match[2] if len(match[1]) == 2 else folder
            drawn.append(match[2] if len(match[1]) == 2 else f"{folder}/{match[2]}")
    folders = {str(path.parent.relative_to(project / "mod_cppwebsocket"))
               for path in (project / "mod_cppwebsocket").rglob("*.[ch]pp")}
    for room in sorted({"/".join(each.split("/")[:2]) for each in folders} - set(drawn)):
        yield f"ARCHITECTURE.md: the house does not show {room}/"
    for room in sorted(set(drawn) - folders - {each.split("/")[0] for each in folders}):
        yield f"ARCHITECTURE.md: the house shows {room}/, which has no sources"
    floors = [floor_of(room) for room in drawn if floor_of(room) is not None]
    if floors != sorted(floors):
        yield "ARCHITECTURE.md: the rooms do not stand in the order of the floors"


def check_itself():
    """A layering test that finds nothing must have been able to."""
    for file, is_system, name, wrong in [
            ("runtime/loop/timer_heap.hpp", False, "runtime/session/session.hpp", True),
            ("runtime/session/session.hpp", False, "runtime/loop/timer_heap.hpp", False),
            ("channels/store/ring.hpp", False, "runtime/loop/prefetch.hpp", True),
            ("channels/presence/note.hpp", False, "channels/backplane/url.hpp", True),
            ("httpd/configuration/config.hpp", False, "httpd/child/child.hpp", True),
            ("protocol/frames/frame.hpp", True, "httpd.h", True),
            ("include/cppwebsocket/request.hpp", True, "boost/asio.hpp", True),
            ("include/cppwebsocket/asio.hpp", True, "boost/asio.hpp", False),
            ("include/cppwebsocket/asio.hpp", True, "boost/json.hpp", True),
            ("include/cppwebsocket/request.hpp", True, "string", False)]:
        if bool(fault_of(file, is_system, name)) != wrong:
            yield f"tests/layers.py: wrong about {file} including {name}"


def main():
    project = pathlib.Path(sys.argv[1])
    problems = [*check_itself(), *check_includes(project / "mod_cppwebsocket"), *check_handlers(project),
                *check_drawing(project)]
    print("\n".join(problems) or "no arrow runs upwards")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
