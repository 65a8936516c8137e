"""The rows that compare ours with itself. Each returns {label: [figures of each round]}."""
import dataclasses
import time
from contextlib import ExitStack, contextmanager

from harness import processes

from . import machine, measure
from .httpd import Httpd
from .loads import Loads
from .rows import Needs, Row

ECHOES_PER_SECOND = 100_000
IDLE = 10_000
SIDES = 2  # are compared in each row here


@contextmanager
def httpd(setting, cores, needs):
    server = Httpd()
    server.start(setting, cores, needs)
    try:
        yield server
    except BaseException:
        try:
            server.stop()
        except RuntimeError as complaint:
            setting.say(str(complaint))
        raise
    server.stop()


def setup_204(row, setting, _cores):
    """A WebSocket set up through httpd's request path, against a GET on a new connection that httpd
    itself answers with a bodyless 204."""
    results = {"GET, 204": [], "WebSocket": []}
    get = Row("get", "get", row.connections)
    setup = Row("setup", "setup", row.connections)
    with httpd(setting, setting.server_cores, Needs()) as server:
        for number in range(setting.rounds):
            server.path = "/none"
            results["GET, 204"].append(measure.measure_cpu(get, server, setting))
            server.path = "/echo"
            results["WebSocket"].append(measure.measure_cpu(setup, server, setting))
            tell(setting, row, number, results, "cpu_us")
    return results


def reactors(row, setting, cores):
    """One reactor thread and a client on one core; two on two cores, with a client on each."""
    if len(cores) < 2:
        raise RuntimeError("there is only one core here")
    pair = [{core} for core in cores[-2:]]
    results = {"1 reactor": [], "2 reactors": []}
    with httpd(setting, pair[1], Needs()) as one, \
            httpd(setting, set.union(*pair), Needs(threads=2)) as two:
        for number in range(setting.rounds):
            for label, server, places in (("1 reactor", one, pair[1:]), ("2 reactors", two, pair)):
                results[label].append(echo_from(row, server, setting, places))
            tell(setting, row, number, results, "messages_per_second")
    return results


def echo_from(row, server, setting, places):
    whole = dataclasses.replace(row, kind="echo", connections=row.connections * len(places))
    options = whole.load_options(setting.seconds, len(places))
    with Loads(server.name, server, setting, options, places) as loads:
        loads.expect_ready()
        before = machine.cpu_seconds(server.processes())
        loads.go()
        figures = loads.result()
        time.sleep(0.02)
        after = machine.cpu_seconds(server.processes())
    figures["cpu_us"] = (after - before) * 1e6 / figures["messages"]
    return figures


def neighbours(row, setting, cores):
    """Latency of a small static file while many echoes and idle WebSockets are in the same child;
    against the same file from the same httpd while they are in another httpd on the same core."""
    servers = {cores[-1]}
    clients = {cores[-2]} if len(cores) > 1 else servers
    setting = dataclasses.replace(setting, server_cores=servers, client_cores=clients)
    results = {"in another httpd": [], "in the same child": []}
    with httpd(setting, servers, Needs()) as files, httpd(setting, servers, Needs()) as other:
        for number in range(setting.rounds):
            for label, server in (("in another httpd", other), ("in the same child", files)):
                results[label].append(file_latency(row, files, server, setting))
            tell(setting, row, number, results, "p99_us")
    return results


def file_latency(row, files, echoes, setting):
    echo = dataclasses.replace(row, kind="echo").load_options(setting.seconds + 1)
    idle = Row("idle", "idle", IDLE).load_options(0)
    get = Row("get", "get", 8).load_options(setting.seconds)
    echoes.path = "/echo"
    with ExitStack() as stack:
        def loads(server, options):
            one = Loads(server.name, server, setting, options, [setting.client_cores],
                        waits_its_turn=False)
            one = stack.enter_context(one)
            one.expect_ready()
            return one
        sleepers = loads(echoes, idle)
        talkers = loads(echoes, [*echo, "--rate", str(ECHOES_PER_SECOND)])
        files.path = "/small.html"
        readers = loads(files, [*get, "--rate", "1000"])
        files.path = "/echo"
        talkers.go()
        time.sleep(0.5)
        readers.go()
        figures = readers.result()
        figures["echoes_per_second"] = talkers.result()["messages_per_second"]
        sleepers.end_input()
    return figures


def spread(row, setting, cores):
    """How far apart the first and the last of many members get a message, one at a time, of one
    child and of four, which have all cores but share one with the client."""
    results = {"1 child": [], "4 children": []}
    setting = dataclasses.replace(setting, server_cores=set(cores))
    fan_out = dataclasses.replace(row, kind="fan-out")
    with ExitStack() as stack:
        servers = [stack.enter_context(httpd(setting, setting.server_cores,
                                             dataclasses.replace(row.needs, children=children)))
                   for children in (1, 4)]
        for number in range(setting.rounds):
            for label, server in zip(results, servers):
                results[label].append(measure.measure_cpu(fan_out, server, setting))
            tell(setting, row, number, results, "first_to_last_us")
    return results


def memberships(row, setting, _cores):
    """Bytes for each of 100,000 memberships, in one channel and each in a channel of its own; and
    what another such crowd adds once the first has left."""
    each = 100_000 // row.connections
    results = {"in one channel": [], "each in its own": []}
    for number in range(setting.rounds):
        for label, query in zip(results, ("&same", "")):
            with httpd(setting, setting.server_cores, row.needs) as server:
                server.path = f"/bench/joins?1{query}"
                crowd(row, server, setting)  # of the same connections: they are not what is counted
                levels = []
                for joins in (1, each, 1, each, 1):
                    server.path = f"/bench/joins?{joins}{query}"
                    levels.append(crowd(row, server, setting))
            few, many, again, _, after = levels
            count = (each - 1) * row.connections
            results[label].append({"bytes_per_connection": (many - few) / count,
                                   "left_bytes": (again - few) / count,
                                   "added_bytes": (after - again) / count})
        tell(setting, row, number, results, "bytes_per_connection")
    return results


def crowd(row, server, setting):
    """The children's memory while so many connections have joined and done an echo."""
    idle = dataclasses.replace(row, kind="idle").load_options(0)
    with Loads(server.name, server, setting, idle, [setting.client_cores]) as loads:
        loads.expect_ready()
        time.sleep(0.5)
        used = processes.memory_bytes(server.processes())["private_dirty"]
        loads.end_input()
        loads.result()
    return used


def tell(setting, row, number, results, main):
    said = ", ".join(f"{label} {rounds[-1][main]:,.1f}" for label, rounds in results.items())
    setting.steps.done(f"{row.name} {number + 1}/{setting.rounds} {main}: {said}", SIDES)


KINDS = {"setup-204": setup_204, "reactors": reactors, "neighbours": neighbours, "spread": spread,
         "memberships": memberships}
