"""The kinds of proxies: how the text of docs/proxies.md becomes each program's configuration, and how it is
started and has its configuration read again."""
import os
import re
import signal
import subprocess

from . import installed
from .processes import free_port
from .proxies import PAGE, PATHS, Proxy, replace


# A change: to the virtual host behind that believes a proxy's word about the scheme.
BY_ITS_WORD = (r"\b8080\b", "8082")


class Nginx(Proxy):
    name, package = "nginx", "nginx"
    section, tag, program = "nginx", "nginx", "nginx"

    def whole(self, block):
        user = "user www-data;" if os.geteuid() == 0 else ""
        temporary = "".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return f"""daemon off; {user} worker_processes 1; pid {self.folder}/pid; error_log stderr;
events {{}}
http {{ access_log off; {temporary}
{block}}}
"""

    def command(self):
        return [self.executable, "-e", "stderr", "-c", str(self.file)]


class Haproxy(Proxy):
    name, package = "HAProxy", "haproxy"
    section, tag, program = "HAProxy", "haproxy", "haproxy"
    reload_signal = signal.SIGUSR2

    def own_changes(self):
        return [(r":443\b", f"127.0.0.1:{self.port}")]

    def command(self):
        return [self.executable, "-W", "-db", "-f", str(self.file)]


class HaproxyH2Behind(Haproxy):
    name = "HAProxy, HTTP/2 behind"
    tag = "haproxy h2"


class Varnish(Proxy):
    name, package = "Varnish", "varnish"
    by_its_word = True
    section, tag, program, scheme = "Varnish", "vcl", "varnishd", "http"

    def own_changes(self):
        return []

    def command(self):
        options = replace(re.search(r"`varnishd ([^`]*)`", PAGE.read_text())[1], self.changes).split()
        self.proxied_port = free_port()
        return [self.executable, "-F", "-f", str(self.file), "-n", str(self.folder / "work"), "-s", "malloc,16m",
                "-a", f"127.0.0.1:{self.port}", "-a", f"127.0.0.1:{self.proxied_port},PROXY", *options]


    def reload(self):
        work = ["varnishadm", "-n", str(self.folder / "work")]
        for command in (["vcl.load", "again", str(self.file)], ["vcl.use", "again"]):
            subprocess.run([*work, *command], check=True, stdout=subprocess.DEVNULL, env={"PATH": PATHS})


class Caddy(Proxy):
    name, package = "Caddy", "caddy"
    section, tag, program = "Caddy", "caddyfile", "caddy"
    SHORT = []

    def own_changes(self):
        return []

    def whole(self, block):
        self.admin = free_port()
        return f"""{{
  admin 127.0.0.1:{self.admin}
  default_bind 127.0.0.1
  https_port {self.port}
  auto_https disable_redirects
  storage file_system {self.folder}/storage
}}
{block}"""

    def command(self):
        return ["env", f"HOME={self.folder}", self.executable, "run", "--config", str(self.file), "--adapter",
                "caddyfile"]

    def reload(self):
        subprocess.run([self.executable, "reload", "--force", "--config", str(self.file), "--adapter", "caddyfile"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Stunnel(Proxy):
    name, package = "stunnel", "stunnel4"
    section, tag, program = "stunnel", "ini", "stunnel4"

    def whole(self, block):
        return f"foreground = yes\npid =\nsyslog = no\n{block}"

    def command(self):
        return [self.executable, str(self.file)]


class HttpdInFront(Proxy):
    name, package = "httpd", "apache2-bin"
    section, tag, program = "httpd", "apache", installed.PROGRAM
    reload_signal = signal.SIGUSR1
    SHORT = [("ProxyTimeout 75", "Timeout 5\n  ProxyTimeout 5")]
    modules = ("mpm_event authn_core authz_core alias headers http2 log_config proxy proxy_http socache_shmcb "
               "ssl").split()

    def own_changes(self):
        return [(r"\*:443\b", f"127.0.0.1:{self.port}")]

    def whole(self, block):
        return f"""ServerRoot "{self.folder}"
DefaultRuntimeDir "{self.folder}"
PidFile "{self.folder}/pid"
ServerName localhost
Listen 127.0.0.1:{self.port}
ErrorLog "{self.folder}/error.log"
{installed.user_directives()}
{installed.load_modules(self.modules)}
{block}"""

    def command(self):
        return [self.executable, "-d", str(self.folder), "-f", str(self.file), "-DFOREGROUND"]


class Hitch(Proxy):
    name, package = "hitch", "hitch"
    section, tag, program = "Others", "hitch", "hitch"
    SHORT = []

    def own_changes(self):
        return [(r"\[\*\]:443", f"[127.0.0.1]:{self.port}")]

    def whole(self, block):
        return f'{block}user = "www-data"\ngroup = "www-data"\n' if os.geteuid() == 0 else block

    def command(self):
        return [self.executable, f"--config={self.file}"]


class VarnishBehindHitch(Hitch):
    name, package = "Varnish behind hitch", "varnish"
    by_its_word = True

    def start(self):
        self.varnish = Varnish(self.behind).start()
        return super().start()

    def own_changes(self):
        return [*super().own_changes(), (r"\b8081\b", str(self.varnish.proxied_port))]

    def reload(self):
        self.varnish.reload()
        super().reload()

    def close(self):
        super().close()
        self.varnish.close()


class Lighttpd(Proxy):
    name, package = "lighttpd", "lighttpd"
    section, tag, program = "Others", "lighttpd", "lighttpd"
    reload_signal = signal.SIGUSR1

    def own_changes(self):
        return [(r'":443"', f'"127.0.0.1:{self.port}"')]

    def whole(self, block):
        return f"""server.document-root = "{self.folder}"
server.bind = "127.0.0.1"
server.port = {free_port()}
{block}"""

    def command(self):
        return [self.executable, "-D", "-f", str(self.file)]


class Squid(Proxy):
    name, package = "squid", "squid"
    by_its_word = True
    section, tag, program, scheme = "Others", "squid", "squid", "http"

    def own_changes(self):
        return [(r"\b80\b", f"127.0.0.1:{self.port}")]

    def whole(self, block):
        for name in ("cache", "spool"):
            (self.folder / name).mkdir(exist_ok=True)
            (self.folder / name).chmod(0o777)
        return f"""{block}pid_filename {self.folder}/spool/pid
access_log none
cache_log {self.folder}/spool/cache.log
coredump_dir {self.folder}/spool
cache_effective_user www-data
shutdown_lifetime 1 second
"""

    def command(self):
        return [self.executable, "--foreground", "-n", f"test{self.port}", "-f", str(self.file)]
