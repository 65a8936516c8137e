# For gdb: `info websockets` lists the handlers of an httpd child that wait, live or in its core. Each with its
# connection, its resource, what it waits for, and where: function, file and line, and who awaits it in turn.
# `cppwebsocket serve --gdb` loads this; elsewhere: (gdb) source …/share/cppwebsocket/gdb.py
#
# It needs no debug information of the module, which says in a table where things are
# (mod_cppwebsocket/httpd/child/debug_layout.cpp); files are known if the handler was built with -g1 or more.
import os
import re
import struct

import gdb

KINDS = ("message", "room to send", "closing", "time", "run_blocking", "publication", "recovery",
         "a descriptor", "an event", "several tasks", "another library")
VERSION = 1


class Memory:
    """The child's. Whatever is wrong in it raises gdb.MemoryError or gdb.error."""

    def __init__(self):
        self.inferior = gdb.selected_inferior()

    def read(self, address, form):
        size = struct.calcsize(form)
        return struct.unpack(form, bytes(self.inferior.read_memory(address, size)))

    def pointer(self, address):
        return self.read(address, "P")[0]

    def bytes(self, address, size):
        return bytes(self.inferior.read_memory(address, size)) if size else b""

    def vector(self, address):
        begin, end = self.read(address, "PP")
        count = (end - begin) // 8
        return self.read(begin, f"{count}P") if count else ()

    def string(self, address):
        begin, size = self.read(address, "PN")
        return self.bytes(begin, min(size, 4096)).decode(errors="replace")


class Layout:
    """The module's table; the order of the numbers is that of debug_layout.cpp."""

    NAMES = ("version", "runtime", "reactors", "sessions", "record", "blocking", "pending", "waiting", "next",
             "line", "kind", "texts", "handler_name", "id", "resource", "awaiting")

    def __init__(self, memory):
        try:
            table = int(gdb.parse_and_eval("(unsigned long)&cppwebsocket_debug"))
        except gdb.error:
            raise gdb.GdbError("mod_cppwebsocket is not loaded here, or has no table for debuggers")
        child, = memory.read(table, "P")
        numbers = memory.read(table + 8, f"{len(self.NAMES)}I")
        for name, number in zip(self.NAMES, numbers):
            setattr(self, name, number)
        if self.version != VERSION:
            raise gdb.GdbError(f"this script is for table {VERSION}, and the module has {self.version}")
        self.child = memory.pointer(child)


# g++ makes NAME(NAME(PARAMETERS)::MANGLED.Frame*) of a coroutine's NAME(PARAMETERS), clang NAME(PARAMETERS).
ACTOR = re.compile(r"(?P<name>.+)\((?P=name)(?P<parameters>\(.*\)(?: const)?)::_Z\S*Frame\*\)")


def function_at(address):
    """Its name, without what the compiler has made of a coroutine; None if it has none."""
    said = gdb.execute(f"info symbol {address:#x}", to_string=True)
    if "No symbol matches" in said:
        return None
    name = said.partition(" in section ")[0].partition(" [clone")[0].strip()
    if actor := ACTOR.fullmatch(name):
        name = actor["name"] + actor["parameters"]
    return name.replace("[abi:cxx11]", "")


def described(resume, line):
    """The function that goes on at `resume`, and the line of its file at which it waits."""
    table = gdb.find_pc_line(resume).symtab
    name = os.path.basename(table.filename) if table else "line "
    return (function_at(resume) or f"{resume:#x}") + (f" at {name}{':' if table else ''}{line}" if line else "")


def resource_of(memory, layout, record):
    """TextBlock: the first byte is the size of a place, then places, then characters."""
    block = memory.pointer(record + layout.texts)
    if not block:
        return "(handshake)"
    size, = memory.read(block, "B")
    offset, length = memory.read(block + 1 + layout.resource * size, {2: "=BB", 4: "=HH", 8: "=II"}[size])
    return memory.bytes(block + offset, min(length, 4096)).decode(errors="replace")


def awaiting_of(memory, layout, frame):
    """The names of those that await the coroutine of `frame`, nearest first."""
    for _ in range(32):
        frame = memory.pointer(frame + layout.awaiting)
        if not frame:
            return
        resume = memory.pointer(frame)
        name = function_at(resume)
        if not name or "noop" in name or name.startswith("std::"):
            return
        yield name


def waits_of(memory, layout, session):
    operation = memory.pointer(session + layout.pending)
    for _ in range(10_000):
        if not operation:
            return
        frame = memory.pointer(operation + layout.waiting)
        kind, = memory.read(operation + layout.kind, "B")
        line, = memory.read(operation + layout.line, "I")
        if frame:
            resume = memory.pointer(frame)
            said = described(resume, line)
            for name in awaiting_of(memory, layout, frame):
                said += f"\n          awaited by {name}"
            yield f"{KINDS[kind] if kind < len(KINDS) else kind}: {said}"
        operation = memory.pointer(operation + layout.next)


class InfoWebSockets(gdb.Command):
    """The handlers of this httpd child that wait.
For each connection: its number, the resource, the handler file; then what each of its tasks waits for, and where."""

    def __init__(self):
        super().__init__("info websockets", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        memory = Memory()
        language = gdb.parameter("language")
        gdb.execute("set language c++", to_string=True)
        try:
            self.show(memory, Layout(memory))
        finally:
            gdb.execute(f"set language {language}", to_string=True)

    def show(self, memory, layout):
        if not layout.child:
            raise gdb.GdbError("this process is no child of httpd that serves WebSockets")
        count = 0
        for reactor in memory.vector(layout.child + layout.runtime + layout.reactors):
            for session in memory.vector(reactor + layout.sessions):
                count += 1
                self.show_session(memory, layout, session)
        gdb.write(f"{count} connection{'' if count == 1 else 's'}\n")

    def show_session(self, memory, layout, session):
        try:
            record = memory.pointer(session + layout.record)
            number, = memory.read(record + layout.id, "Q")
            name = memory.pointer(record + layout.handler_name)
            gdb.write(f"{number:>6}  {resource_of(memory, layout, record)}  "
                      f"{memory.string(name) if name else '?'}\n")
            waits = list(waits_of(memory, layout, session))
            if memory.pointer(session + layout.blocking):
                waits.append("blocking: in a thread of its own")
            for each in waits or ["runs, or has returned"]:
                gdb.write(f"        {each}\n")
        except gdb.MemoryError as error:
            gdb.write(f"        (cannot be read: {error})\n")


InfoWebSockets()
