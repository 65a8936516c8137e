"""Ours: a private httpd with mod_cppwebsocket and the example handlers."""
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import processes

# What "apt install apache2" enables and configures on Debian 12, for connections to be set up as
# they are there.
DEBIAN_MODULES = """mpm_event authn_core authn_file authz_core authz_host authz_user auth_basic
    access_compat alias autoindex deflate dir env filter mime negotiation reqtimeout setenvif
    status""".split()
TLS_MODULES = ["socache_shmcb", "ssl"]

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
DocumentRoot "{root}/htdocs"
<Directory />
  Options FollowSymLinks
  AllowOverride None
  Require all denied
</Directory>
<Directory "{root}/htdocs">
  Options Indexes FollowSymLinks
  AllowOverride None
  Require all granted
</Directory>
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
        if find_httpd() is None:
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
        self.port = processes.free_port()
        self._children = needs.children
        self.path = "/echo_blocking" if needs.blocking else "/echo"
        if needs.fan_out:
            self.path = "/bench/members"
        configuration = self._root / "httpd.conf"
        configuration.write_text(self._configuration(setting, needs))
        self._process = processes.start([find_httpd(), "-f", configuration, "-DFOREGROUND"], cores,
                                        stdin=subprocess.DEVNULL)
        try:
            processes.wait_for_port(self.port, self._process)
        except RuntimeError as error:
            said = self._log()
            processes.stop(self._process)
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
            workers=25 * needs.children, compression=compression, user=user_directives(),
            load_modules=load_modules(DEBIAN_MODULES + (TLS_MODULES if needs.tls else [])),
            tls=TLS.format(root=self._root, pem=setting.pem) if needs.tls else "")

    def _log(self):
        log = self._root / "error.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def processes(self):
        # Not the parent: it only watches the children.
        return processes.children_of(self._process.pid)

    def stop(self):
        processes.stop(self._process)
        # AH00484: all workers were busy, and a connection waited for one.
        complaints = [line for line in self._log().splitlines()
                      if ":notice]" not in line and "AH00484" not in line]
        if self._children > 1:  # a full child refuses, and the client asks another one
            complaints = [line for line in complaints if "CWS0014" not in line]
        shutil.rmtree(self._root)
        if complaints:
            raise RuntimeError("httpd's error log says: " + "\n".join(complaints[:3]))


def find_httpd():
    path = os.environ["PATH"] + ":/usr/sbin"
    return shutil.which("apache2", path=path) or shutil.which("httpd", path=path)


def load_modules(names):
    """LoadModule lines for those that are not compiled in."""
    compiled_in = subprocess.run([find_httpd(), "-l"], capture_output=True, text=True,
                                 check=True).stdout
    apxs = shutil.which("apxs") or shutil.which("apxs2")
    directory = "/usr/lib/apache2/modules"
    if apxs:
        directory = subprocess.run([apxs, "-q", "LIBEXECDIR"], capture_output=True, text=True,
                                   check=True).stdout.strip()
    return "\n".join(f'LoadModule {name}_module "{directory}/mod_{name}.so"'
                     for name in names if f"mod_{name}.c" not in compiled_in)


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
