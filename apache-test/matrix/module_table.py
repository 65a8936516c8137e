"""The modules of the matrix, each with what switches it on."""
import base64
import platform
from dataclasses import dataclass, field

from harness import installed

PAGE = ("/index.html", 200, b"It works")
GUARDED = ("/page.html", 200, b"guarded")
BASIC = {"Authorization": "Basic " + base64.b64encode(b"ada:lovelace").decode()}
USERS = {"htdocs/page.html": "guarded", "users": "ada:{SHA}MJgvYgf2tRctgBqviyzN0HpBdyY=\n", "groups": "friends: ada\n"}
ASKED = 'AuthType Basic\nAuthName "x"\n'


@dataclass(frozen=True)
class Entry:
    name: str
    config: str = ""               # as in Httpd
    modules: tuple = ()            # httpd's own
    others: dict = field(default_factory=dict)  # installed.load_others
    package: str = ""              # whose version it is, if it is not httpd's
    needs: tuple = ()              # more of them
    headers: dict = field(default_factory=dict)  # of each request
    files: dict = field(default_factory=dict)
    htaccess: str = ""
    page: tuple = PAGE             # path, status, a part of the body
    mpm: str = "event"
    in_hosts: bool = False         # its lines are not inherited by virtual hosts
    wss: bool = True
    child: bool = False            # has an application at /app
    log: str = "CWS0060"           # loud lines that may come


def stock(name, config="", *more, **options):
    return Entry(f"mod_{name}", config, (*more, name), **options)


def debian(name, config="", *, file=None, package=None, **options):
    package = package or f"libapache2-mod-{name.replace('_', '-')}"
    return Entry(f"mod_{name}", config, others={name: file or f"mod_{name}.so"}, package=package, **options)


def everywhere(lines):
    return f"<Location />\n{lines}\n</Location>\n"


def guarded(lines):
    """But not what tells that httpd runs."""
    return f'<LocationMatch "^/(echo|publish|subscribe|page)">\n{ASKED}{lines}\n</LocationMatch>\n'


def filtered(name):
    return everywhere(f"SetOutputFilter {name}")


PERL = installed.UNPACKED / f"usr/lib/{platform.machine()}-linux-gnu/perl5/5.36"
APP_WSGI = """import os
def application(environ, start_response):
    if environ['PATH_INFO'] == '/fail':
        raise RuntimeError('asked for')
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [str(os.getpid()).encode()]
"""
APP_PERL = """<Perl>
package App;
use Apache2::RequestRec ();
use Apache2::RequestIO ();
sub handler {
  my $r = shift;
  die "asked for" if $r->uri =~ /fail/;
  $r->content_type('text/plain');
  $r->print($$);
  return 0;
}
1;
</Perl>
"""
APP_PHP = """<?php
if (str_contains($_SERVER['REQUEST_URI'], 'fail')) { http_response_code(500); throw new Exception('asked for'); }
echo getmypid();
"""
LUA = "function all(r)\n  r.notes['seen'] = 'yes'\n  return apache2.DECLINED\nend\n"

ENTRIES = (
    stock("access_compat", everywhere("Order allow,deny\nAllow from all")),
    stock("actions", "Action x-none /nowhere\n"),
    stock("allowmethods", everywhere("AllowMethods GET POST")),
    stock("asis", everywhere("AddHandler send-as-is asis")),
    stock("auth_basic", guarded('AuthUserFile "{root}/users"\nRequire valid-user'), page=GUARDED, headers=BASIC,
          files=USERS),
    stock("auth_form", guarded('AuthFormProvider file\nAuthType form\nAuthUserFile "{root}/users"\n'
                               "Session On\nSessionCookieName sid path=/\nRequire valid-user"),
          "session", "session_cookie", "request", files=USERS, page=GUARDED,
          headers={"Cookie": "sid=x-user=ada&x-pw=lovelace"}),
    stock("authn_anon", guarded("AuthBasicProvider anon\nAnonymous *\nRequire valid-user"), page=GUARDED,
          headers=BASIC, files=USERS),
    stock("authn_socache", "AuthnCacheSOCache shmcb\n" + guarded(
        'AuthBasicProvider socache file\nAuthUserFile "{root}/users"\nAuthnCacheProvideFor file\n'
        "Require valid-user"), "socache_shmcb", page=GUARDED, headers=BASIC, files=USERS),
    stock("authz_groupfile", guarded('AuthUserFile "{root}/users"\nAuthGroupFile "{root}/groups"\n'
                                        "Require group friends"), page=GUARDED, headers=BASIC, files=USERS),
    stock("brotli", filtered("BROTLI_COMPRESS")),
    stock("bucketeer", filtered("BUCKETEER")),
    stock("buffer", everywhere("SetInputFilter BUFFER\nSetOutputFilter BUFFER")),
    stock("cache_disk", 'CacheEnable disk /\nCacheRoot "{root}/cache"\nCacheIgnoreNoLastMod On\n', "cache",
          in_hosts=True),
    stock("cache_socache", "CacheEnable socache /\nCacheSocache shmcb\nCacheIgnoreNoLastMod On\n", "cache",
          "socache_shmcb", in_hosts=True),
    stock("cern_meta", everywhere("MetaFiles On")),
    stock("charset_lite", everywhere("CharsetSourceEnc ISO-8859-1\nCharsetDefault UTF-8")),
    stock("dav_fs", 'DavLockDB "{root}/run/locks"\n' + everywhere("Dav On"), "dav", "dav_lock"),
    stock("deflate", everywhere("SetInputFilter DEFLATE\nSetOutputFilter DEFLATE")),
    stock("dumpio", "DumpIOInput On\nDumpIOOutput On\nLogLevel dumpio:trace7\n", in_hosts=True),
    stock("expires", 'ExpiresActive On\nExpiresDefault "access plus 1 hour"\n'),
    stock("ext_filter", "ExtFilterDefine same mode=output cmd=\"/bin/cat\"\n" + filtered("same")),
    stock("headers", "Header always set X-A b\nHeader edit* Set-Cookie a b\nRequestHeader set X-C d\n"),
    stock("http2", "Protocols h2 h2c http/1.1\n", in_hosts=True),
    stock("include", everywhere("Options +Includes\nSetOutputFilter INCLUDES")),
    stock("info", "<Location /server-info>\nSetHandler server-info\n</Location>\n",
          page=("/server-info", 200, b"mod_cppwebsocket")),
    stock("log_debug", everywhere('LogMessage "seen" hook=all')),
    stock("log_forensic", 'ForensicLog "{root}/logs/forensic"\n', in_hosts=True),
    stock("lua", everywhere("LuaHookFixups {root}/hook.lua all"), files={"hook.lua": LUA}),
    stock("macro", "<Macro M>\nSetEnv A b\n</Macro>\nUse M\n"),
    stock("md", "MDStoreDir \"{root}/store\"\n", "socache_shmcb", "ssl"),
    stock("mime_magic", 'MimeMagicFile "{root}/magic"\n', files={"magic": "0 string x text/plain\n"}),
    stock("negotiation", everywhere("Options +MultiViews")),
    stock("proxy_http", "ProxyPass /app http://127.0.0.1:{port}/index.html\nProxyPass /index.html !\n"
          "ProxyPass / http://127.0.0.1:9/\n", "proxy",
          page=("/app", 200, b"It works"), in_hosts=True),
    stock("proxy_wstunnel", "ProxyPass /tunnel ws://127.0.0.1:{port}/echo\n", "proxy"),
    stock("ratelimit", everywhere("SetOutputFilter RATE_LIMIT\nSetEnv rate-limit 4")),
    stock("reflector", everywhere("AddOutputFilterByType DEFLATE text/html")),
    stock("remoteip", "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1\n", in_hosts=True,
          headers={"X-Forwarded-For": "192.0.2.7"}),
    stock("reqtimeout", "RequestReadTimeout header=1,minrate=500 body=1,minrate=500\n", in_hosts=True),
    stock("rewrite", htaccess="RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule . /index.html [L]\n",
          config='<Directory "{root}/htdocs">\nAllowOverride All\n</Directory>\n',
          page=("/no/such/file", 200, b"It works")),
    stock("sed", everywhere("SetOutputFilter Sed\nOutputSed s/works/serves/"), page=("/index.html", 200, b"It serves")),
    stock("session_crypto", everywhere("Session On\nSessionCookieName sid path=/\nSessionCryptoPassphrase secret\n"
                                       "SessionMaxAge 100"), "session", "session_cookie"),
    stock("speling", "CheckSpelling On\n"),
    stock("substitute", everywhere("SetOutputFilter SUBSTITUTE\nSubstitute s/works/serves/"),
          page=("/index.html", 200, b"It serves")),
    stock("unique_id"),
    stock("userdir", "UserDir pages\n", in_hosts=True),
    stock("usertrack", "CookieTracking On\n"),
    stock("vhost_alias", 'VirtualDocumentRoot "{root}/htdocs"\n', in_hosts=True),
    stock("xml2enc", filtered("xml2enc;proxy-html") + "ProxyHTMLEnable On\n", "proxy_html", "proxy"),
    debian("auth_pubtkt", everywhere("TKTAuthLoginURL /login")),
    debian("auth_tkt", "TKTAuthSecret secret\n" + everywhere(
        "AuthType None\nTKTAuthGuestLogin On\nTKTAuthLoginURL /login\nRequire all granted")),
    debian("authnz_external", "DefineExternalAuth yes pipe /bin/true\n" + guarded(
        "AuthBasicProvider external\nAuthExternal yes\nRequire valid-user"), page=GUARDED, headers=BASIC, files=USERS,
           in_hosts=True),
    debian("authz_unixgroup", guarded('AuthUserFile "{root}/users"\nRequire valid-user'), page=GUARDED, headers=BASIC,
           files=USERS),
    debian("bw", "BandwidthModule On\nForceBandWidthModule On\nBandwidth all 10485760\n", in_hosts=True),
    debian("evasive20", "DOSPageCount 100\nDOSSiteCount 1000\nDOSLogDir {root}/run\n",
           package="libapache2-mod-evasive"),
    debian("fcgid", everywhere("AddHandler fcgid-script .fcgi")),
    debian("log_slow", 'LogSlowEnabled On\nLogSlowLongRequestTime 0\nLogSlowFileName "{root}/logs/slow"\n',
           in_hosts=True),
    Entry("mpm_itk", "", others={"mpm_itk": "mpm_itk.so"}, package="libapache2-mpm-itk", mpm="prefork"),
    debian("perl", f"PerlSwitches -I{PERL}\n{APP_PERL}<Location /app>\nSetHandler modperl\nPerlResponseHandler App\n"
           "</Location>\n", package="libapache2-mod-perl2", child=True, log="asked for"),
    debian("php", 'Alias /app "{root}/app.php"\n<Directory "{root}">\nRequire all granted\n</Directory>\n'
           '<FilesMatch "\\.php$">\nSetHandler application/x-httpd-php\n</FilesMatch>\n', file="libphp8.2.so",
           package="libapache2-mod-php8.2", mpm="prefork", files={"app.php": APP_PHP}, child=True,
           log="asked for|PHP "),
    debian("qos", "QS_SrvMinDataRate 1000\nQS_ClientEntries 1000\nQS_SrvMaxConnPerIP 50\n", needs=("libpcre3",)),
    debian("removeip"),
    debian("rpaf", "RPAFenable On\nRPAFproxy_ips 127.0.0.1\n", headers={"X-Forwarded-For": "192.0.2.7"},
           in_hosts=True),
    debian("security2", 'SecRuleEngine On\nSecRequestBodyAccess On\nSecResponseBodyAccess On\nSecDataDir "{root}/run"\n'
           'SecTmpDir "{root}/run"\nSecRule ARGS "@contains attack" "id:1,phase:2,deny"\n', modules=("unique_id",)),
    debian("upload_progress", everywhere("TrackUploads On")),
    debian("uwsgi", "<Location /uwsgi>\nSetHandler uwsgi-handler\n</Location>\n"),
    debian("wsgi", 'WSGIApplicationGroup %{GLOBAL}\nWSGIScriptAlias /app "{root}/app.wsgi"\n'  # see findings/
           '<Directory "{root}">\nRequire all granted\n</Directory>\n',
           package="libapache2-mod-wsgi-py3", files={"app.wsgi": APP_WSGI}, child=True, log="wsgi:error"),
    debian("xforward", everywhere("XForward On")),
    debian("xsendfile", everywhere("XSendFile On")),
)
