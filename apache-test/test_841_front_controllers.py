"""Beside an application that answers whatever is no file: its rules, as they ship, in .htaccess."""
import json

import pytest

from harness.event_stream import EventStream, request
from harness.raw import upgrade_request

FILES_STAY = "RewriteCond %{REQUEST_FILENAME} !-f\nRewriteCond %{REQUEST_FILENAME} !-d\n"
AUTHORIZATION = "RewriteRule .* - [E=HTTP_AUTHORIZATION:%{HTTP:Authorization}]\n"
APPLICATIONS = {
    "wordpress": f"{AUTHORIZATION}RewriteBase /\nRewriteRule ^index\\.php$ - [L]\n{FILES_STAY}"
                 "RewriteRule . /index.php [L]",
    "laravel": f"Options -MultiViews -Indexes\n{AUTHORIZATION}"
               "RewriteCond %{REQUEST_FILENAME} !-d\nRewriteCond %{REQUEST_URI} (.+)/$\n"
               f"RewriteRule ^ %1 [L,R=301]\n{FILES_STAY}RewriteRule ^ index.php [L]",
    "symfony": "DirectoryIndex index.php\n"
               "RewriteCond %{REQUEST_URI}::$0 ^(/.+)/(.*)::\\2$\nRewriteRule .* - [E=BASE:%1]\n"
               'RewriteCond %{ENV:REDIRECT_STATUS} =""\n'
               "RewriteRule ^index\\.php(?:/(.*)|$) %{ENV:BASE}/$1 [R=301,L]\n"
               "RewriteCond %{REQUEST_FILENAME} -f\nRewriteRule ^ - [L]\n"
               "RewriteRule ^ %{ENV:BASE}/index.php [L]",
    "drupal": 'RewriteRule "/\\.|^\\.(?!well-known/)" - [F]\n' + FILES_STAY +
              "RewriteCond %{REQUEST_URI} !=/favicon.ico\nRewriteRule ^ index.php [L]",
    "drupal 7": f"{FILES_STAY}RewriteRule ^(.*)$ index.php?q=$1 [L,QSA]",
    "codeigniter": f"{FILES_STAY}RewriteRule ^(.*)$ index.php/$1 [L]",
    "a public folder": "RewriteCond %{REQUEST_URI} !^/public/\nRewriteRule ^(.*)$ public/$1 [L]",
    "mod_dir": "FallbackResource /index.php",
    "a node server": f"{FILES_STAY}RewriteRule ^(.*)$ http://127.0.0.1:{{port}}/index.php?at=$1 [P,L]",
}

CONFIG = """
  <Directory "{root}/htdocs">
    AllowOverride All
    AcceptPathInfo On
  </Directory>
  <Location /publish>
    SetHandler websocket-publish
    WebSocketChannelHistory 100
  </Location>
  <Location /subscribe>
    SetHandler websocket-subscribe
    WebSocketChannelHistory 100
  </Location>
  <Location /secret/subscribe>
    SetHandler websocket-subscribe
    WebSocketChannel news
    Require all denied
  </Location>
  <Location /subscribe/closed>
    Require all denied
  </Location>"""


class Beside:
    OPTIONS = {"modules": ("proxy", "proxy_http")}
    CONFIG = CONFIG

    def rules(self, httpd, text):
        (httpd.root / "htdocs/index.php").write_text("the site")
        (httpd.root / "htdocs/.htaccess").write_text(
            "RewriteEngine On\n" + text.replace("{port}", str(httpd.port)))

    def post(self, httpd, path, text):
        with httpd.connect() as connection:
            return connection.ask(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{httpd.port}\r\n"
                                  f"Content-Length: {len(text)}\r\n\r\n{text}".encode())

    def stream(self, httpd, path):
        connection = httpd.connect()
        connection.send(request(path, f"127.0.0.1:{httpd.port}"))
        connection.response = connection.read_response(head_only=True)
        return EventStream(connection)


@pytest.mark.parametrize("name", APPLICATIONS)
class TestApplications(Beside):
    @staticmethod
    def site(name):
        return 404 if name == "a public folder" else 200

    def test_cws_841_handlers_and_end_points_are_like_files(self, httpd, name):
        self.rules(httpd, APPLICATIONS[name])
        assert httpd.get("/some/page").status == self.site(name)
        with httpd.open("/probe?a=b") as ws:
            assert json.loads(ws.ask_text("properties"))["query"] == "a=b"
            ws.close()
        channel = name.replace(" ", "-")
        assert self.post(httpd, f"/publish/{channel}", "one").body.startswith(b'{"channel":')
        with self.stream(httpd, f"/subscribe/{channel}?history=1") as stream, \
                httpd.open(f"/subscribe/{channel}?history=1") as ws:
            assert stream.texts(1) == ["one"] and ws.read_text() == "one"
            self.post(httpd, f"/publish/{channel}", "two")
            assert stream.texts(1) == ["two"] and ws.read_text() == "two"
        history = httpd.get(f"/publish/{channel}?limit=1")
        assert b'"two"' in history.body and b'"one"' not in history.body

    def test_cws_842_what_is_not_ours_is_the_applications(self, httpd, name):
        self.rules(httpd, APPLICATIONS[name])
        assert httpd.ask("/no_handler").status == self.site(name)
        assert httpd.get("/echo").status == self.site(name)  # asks for no WebSocket

    def test_cws_843_access_control_comes_first(self, httpd, name):
        self.rules(httpd, APPLICATIONS[name])
        httpd.allow_log("AH01630")
        assert httpd.ask("/subscribe/closed").status == 403


class TestRules(Beside):
    """What leads to one of ours, or refuses, means it."""

    def test_cws_844_a_rule_that_leads_to_a_handler(self, httpd):
        self.rules(httpd, "RewriteRule ^rooms/(\\w+)$ /probe?room=$1 [QSA,L]\n"
                          "RewriteRule ^echo$ /probe?room=echo [L]\n" + APPLICATIONS["wordpress"])
        for path, query in (("/rooms/kitchen?seat=2", "room=kitchen&seat=2"),
                            ("/echo", "room=echo")):
            with httpd.open(path) as ws:
                assert query in ws.ask_text("properties")
                ws.close()

    def test_cws_845_a_rule_that_leads_to_an_end_point(self, httpd):
        self.rules(httpd, "RewriteCond %{ENV:REDIRECT_STATUS} =\"\"\n"
                          "RewriteRule ^subscribe/mine$ /subscribe/of-ada [L]\n"
                          "RewriteRule ^notify$ /step [L]\nRewriteRule ^step$ /publish/of-ada [L]\n"
                          + APPLICATIONS["laravel"])
        with self.stream(httpd, "/subscribe/mine") as stream:
            stream.wait_id()
            assert b'"of-ada"' in self.post(httpd, "/notify", "hello").body
            assert stream.texts(1) == ["hello"]

    def test_cws_846_forbidden_gone_redirected(self, httpd):
        self.rules(httpd, "RewriteRule ^echo$ - [F]\nRewriteRule ^subscribe/gone$ - [G]\n"
                          "RewriteRule ^probe$ /elsewhere [R=302,L]\n"
                          "RewriteCond %{HTTPS} !=on\n"
                          "RewriteRule ^publish/ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]\n"
                          + APPLICATIONS["symfony"])
        assert httpd.ask("/echo").status == 403
        assert httpd.ask("/subscribe/gone").status == 410
        answer = httpd.ask("/probe")
        assert answer.status == 302 and answer.get("location").endswith("/elsewhere")
        answer = self.post(httpd, "/publish/x", "lost")
        assert answer.status == 301 and answer.get("location").startswith("https://")
        httpd.open("/echo_blocking").close()

    def test_cws_847_a_rule_that_leads_to_what_is_denied_does_not_open_it(self, httpd):
        self.rules(httpd, "RewriteRule ^subscribe/secret$ /secret/subscribe [L]\n"
                          "RewriteRule ^echo$ /subscribe/closed [L]")
        httpd.allow_log("AH01630")
        for path in ("/subscribe/secret", "/echo"):
            assert httpd.ask(path).status == 403
        assert self.stream(httpd, "/subscribe/secret").response.status == 403

    def test_cws_848_rules_without_end(self, httpd):
        self.rules(httpd, "RewriteRule ^echo$ /a [L]\nRewriteRule ^(a+)$ /a$1 [L]")
        with httpd.open("/echo") as ws:
            ws.close()

    def test_cws_849_an_error_document_at_a_handler_opens_nothing(self, httpd):
        self.rules(httpd, "ErrorDocument 403 /echo\nRewriteRule ^no$ - [F]\n"
                          + APPLICATIONS["wordpress"])
        with httpd.connect() as connection:
            assert connection.ask(upgrade_request("/no")).status == 403
