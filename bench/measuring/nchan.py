"""nginx with nchan, which sends to many and does not echo."""
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness import processes

from . import machine

CONFIGURATION = """\
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
daemon off;
worker_processes 1;
pid {root}/nginx.pid;
error_log {root}/error.log warn;
events {{ worker_connections 18000; }}
http {{
  access_log off;
  client_body_temp_path {root}/body;
  proxy_temp_path {root}/proxy;
  fastcgi_temp_path {root}/fastcgi;
  uwsgi_temp_path {root}/uwsgi;
  scgi_temp_path {root}/scgi;
  nchan_max_reserved_memory 256M;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /members {{
      nchan_subscriber websocket;
      nchan_channel_id all;
      nchan_subscriber_first_message newest;
    }}
    location = /publish {{
      nchan_publisher websocket;
      nchan_channel_id all;
      nchan_message_buffer_length 64;
    }}
  }}
}}
"""


class Nchan:
    name = "nchan"
    path = "/members"
    publish_path = "/publish"

    def __init__(self, version, nginx_version):
        self.description = f"nchan {version} in nginx {nginx_version}, one worker"

    def cannot(self, row, setting):
        if shutil.which("nginx", path="/usr/sbin:/usr/bin") is None:
            return "it is not here; scripts/setup bench"
        return None if row.needs.fan_out else "it only sends to many"

    def start(self, setting, cores, needs):
        self._root = Path(tempfile.mkdtemp(prefix="cppwebsocket-bench-"))
        self._root.chmod(0o755)
        self.port = processes.free_port()
        configuration = self._root / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(root=self._root, port=self.port))
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin")
        command = [nginx, "-c", configuration, "-e", self._root / "error.log"]
        self._process = machine.start(command, cores, stdin=subprocess.DEVNULL)
        processes.wait_for_port(self.port, self._process)

    def processes(self):
        return processes.children_of(self._process.pid)

    def stop(self):
        machine.stop(self._process)
        shutil.rmtree(self._root)
