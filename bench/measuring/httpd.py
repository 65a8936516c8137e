"""Ours: a private httpd with mod_cppwebsocket and the example handlers."""
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness import installed, processes, tls
from harness.configuration import PAGES
from harness.log import Log

from . import machine

# What "apt install apache2" enables and configures on Debian 12, for connections to be set up as
# they are there.
DEBIAN_MODULES = """mpm_event authn_core authn_file authz_core authz_host authz_user auth_basic
    access_compat alias autoindex deflate dir env filter mime negotiation reqtimeout setenvif
    status""".split()

CONFIGURATION = """\
ServerRoot "{root}"
ServerName localhost
Listen 127.0.0.1:{port}
PidFile "{root}/httpd.pid"
DefaultRuntimeDir "{root}"
ErrorLog "{root}/error.log"
LogLevel warn
{load_modules}
LoadModule cppwebsocket_module "{module}"
{user}
TypesConfig /etc/mime.types
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
CustomLog "{root}/access.log" combined
KeepAlive On
# So many children and no others, each with as many workers as Debian gives it.
StartServers {children}
ServerLimit {children}
ThreadsPerChild 25
ThreadLimit 25
MaxRequestWorkers {workers}
MinSpareThreads 1
MaxSpareThreads {workers}
""" + PAGES + """\
Redirect 204 /none
WebSocketHandlerRoot "{handlers}"
WebSocketThreads {threads}
WebSocketBlockingThreads 256
WebSocketMaxConnections 14000
WebSocketMaxMessageSize 67108864
{compression}
{tls}
"""

TLS = """\
SSLSessionCache "shmcb:{root}/ssl_scache(512000)"
SSLEngine On
SSLCertificateFile "{pem}"
"""


class Httpd:
    name = "ours"
    description = ("mod_cppwebsocket with handlers/echo, WebSocketThreads 1, in httpd with the "
                   "event MPM and Debian's default modules")
    publish_path = "/bench/publish"

    def cannot(self, row, setting):
        if shutil.which(installed.PROGRAM) is None:
            return "there is no apache2 here (apt install apache2)"
        fan_out = ["handlers/bench/members_wsh.so"] if row.needs.fan_out else []
        for needed in ["mod_cppwebsocket.so", "handlers/echo_wsh.so", *fan_out]:
            if not (setting.build / needed).exists():
                return f"{needed} is missing: build the preset \"release\" first"
        if row.connections // row.needs.children + 100 > setting.descriptors:
            return f"a process may have only {setting.descriptors} descriptors here"
        return None

    def start(self, setting, cores, needs):
        self._root = Path(tempfile.mkdtemp(prefix="cppwebsocket-bench-"))
        self._root.chmod(0o755)
        (self._root / "htdocs").mkdir()
        (self._root / "htdocs" / "small.html").write_text("<!doctype html>" + "small " * 170)
        self._log = Log(self._root / "error.log")
        # All workers were busy, and a connection waited for one; of several children a full one refuses,
        # and the client asks another.
        self._log.announced = ["AH00484"] + ["CWS0014"] * (needs.children > 1)
        self.port = processes.free_port()
        self.path = "/echo_blocking" if needs.blocking else "/echo"
        if needs.fan_out:
            self.path = "/bench/members"
        configuration = self._root / "httpd.conf"
        configuration.write_text(self._configuration(setting, needs))
        self._process = machine.start([installed.PROGRAM, "-f", configuration, "-DFOREGROUND"], cores,
                                      stdin=subprocess.DEVNULL)
        try:
            processes.wait_for_port(self.port, self._process)
        except RuntimeError as error:
            said = "\n".join(self._log.lines())
            machine.stop(self._process)
            shutil.rmtree(self._root)
            raise RuntimeError(f"{error}; httpd's error log says: {said}") from error

    def _configuration(self, setting, needs):
        compression = ""
        if needs.compress:
            takeover = "on" if needs.compress == "takeover" else "off"
            compression = f"WebSocketCompression On context-takeover={takeover}"
            if needs.window_bits:
                compression += f" window-bits={needs.window_bits}"
        return CONFIGURATION.format(
            root=self._root, port=self.port, module=setting.build / "mod_cppwebsocket.so",
            handlers=setting.build / "handlers", threads=needs.threads, children=needs.children,
            workers=25 * needs.children, compression=compression, user=installed.user_directives(),
            load_modules=installed.load_modules(DEBIAN_MODULES + [*tls.MODULES] * needs.tls),
            tls=TLS.format(root=self._root, pem=setting.pem) if needs.tls else "")

    def processes(self):
        # Not the parent: it only watches the children.
        return processes.children_of(self._process.pid)

    def stop(self):
        machine.stop(self._process)
        complaints = self._log.faults()
        shutil.rmtree(self._root)
        if complaints:
            raise RuntimeError("httpd's error log says: " + "\n".join(complaints[:3]))
