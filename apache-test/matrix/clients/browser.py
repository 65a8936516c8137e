# usage: browser.py chromium|firefox|webkit URL [SUBPROTOCOLS]: the page below, in a browser without a
# driver. It comes from a server of our own, which it tells what it sees.
import http.server
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = b"""<!doctype html><script type="module">
const told = (line) => fetch('/told', { method: 'POST', body: line });
const [url, protocols] = JSON.parse(decodeURIComponent(location.search.slice(1)));
const ws = protocols ? new WebSocket(url, protocols.split(',')) : new WebSocket(url);
ws.binaryType = 'arraybuffer';
let opened = false;
ws.onopen = () => { opened = true; told(`open ${ws.protocol || '-'}`); };
ws.onmessage = ({ data }) => (data === 'close' ? ws.close(4002) : ws.send(data));
ws.onclose = ({ code }) => told(opened ? `closed ${code}` : 'refused -');
</script>"""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(PAGE)

    def do_POST(self):
        lines.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.answer(b"")

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main(browser, url, protocols=""):
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    quoted = f'["{url}","{protocols}"]'.replace("%", "%25").replace('"', "%22").replace("&", "%26")
    page = f"http://127.0.0.1:{server.server_port}/?{quoted}"
    with tempfile.TemporaryDirectory(prefix="cppwebsocket-browser-") as home:
        mini = next(iter(sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))), None)
        command = {
            "chromium": ["chromium", "--headless", "--no-sandbox", "--disable-gpu",
                         "--ignore-certificate-errors", f"--user-data-dir={home}/chromium", page],
            "firefox": ["firefox-esr", "--headless", "--no-remote", "--profile", home, page],
            "webkit": ["xvfb-run", "-a", "dbus-run-session", "--", str(mini), page],
        }[browser]
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
        environment.update(HOME=home, WEBKIT_DISABLE_COMPOSITING_MODE="1",
                           WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS="1")
        process = subprocess.Popen(command, env=environment, start_new_session=True,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not any(line.startswith(("closed", "refused")) for line in lines):
                server.handle_request()
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # its own session
            process.wait()
    print("\n".join(lines))


lines = []
main(*sys.argv[1:])
