"""What the tests' httpd is configured with: as Debian ships it."""

# Debian's default set, and three that tests need.
MODULES = ("access_compat alias auth_basic authn_core authn_file authz_core authz_host authz_user "
           "autoindex deflate dir env filter mime negotiation reqtimeout setenvif status "
           "headers rewrite remoteip").split()

# Debian's mpm_*.conf.
MPM = {
    "event": "StartServers 2\nMinSpareThreads 25\nMaxSpareThreads 75\nThreadLimit 64\n"
             "ThreadsPerChild 25\nMaxRequestWorkers 150\nMaxConnectionsPerChild 0",
    "worker": "StartServers 2\nMinSpareThreads 25\nMaxSpareThreads 75\nThreadLimit 64\n"
              "ThreadsPerChild 25\nMaxRequestWorkers 150\nMaxConnectionsPerChild 0",
    "prefork": "StartServers 5\nMinSpareServers 5\nMaxSpareServers 10\nMaxRequestWorkers 150\n"
               "MaxConnectionsPerChild 0",
}
# One child that everything lands in: for limits, and for looking at its memory and descriptors.
ONE_CHILD = {
    "event": "ServerLimit 1\nStartServers 1\nMinSpareThreads 1\nMaxSpareThreads 50\n"
             "ThreadLimit 25\nThreadsPerChild 25\nMaxRequestWorkers 25",
    "prefork": "ServerLimit 1\nStartServers 1\nMinSpareServers 1\nMaxSpareServers 1\n"
               "MaxRequestWorkers 1",
}
ONE_CHILD["worker"] = ONE_CHILD["event"]
# Few children: few links to wait for, and each has much of the channels' memory.
FEW = {
    "event": "ServerLimit 2\nStartServers 2\nMinSpareThreads 1\nMaxSpareThreads 50\n"
             "ThreadLimit 25\nThreadsPerChild 25\nMaxRequestWorkers 50",
    "prefork": "ServerLimit 10\nStartServers 2\nMinSpareServers 1\nMaxSpareServers 2\n"
               "MaxRequestWorkers 10",
}
FEW["worker"] = FEW["event"]
# At least three children, which may come and go.
THREE = {
    "event": "StartServers 3\nServerLimit 12\nThreadsPerChild 8\nThreadLimit 8\n"
             "MaxRequestWorkers 32\nMinSpareThreads 16\nMaxSpareThreads 32",
    "prefork": "StartServers 3\nServerLimit 24\nMinSpareServers 3\nMaxSpareServers 8\n"
               "MaxRequestWorkers 24",
}
THREE["worker"] = THREE["event"]

# As Debian has it.
PAGES = """\
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
"""

CONFIG = """\
ServerRoot "{root}"
DefaultRuntimeDir "{root}/run"
PidFile "{root}/run/httpd.pid"
CoreDumpDirectory "{root}/cores"
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
{user}
{modules}
LoadModule cppwebsocket_module "{module}"
{mpm}
Timeout 60
KeepAlive On
MaxKeepAliveRequests 100
KeepAliveTimeout 5
HostnameLookups Off
GracefulShutdownTimeout 10
<IfModule reqtimeout_module>
  RequestReadTimeout header=20-40,minrate=500
  RequestReadTimeout body=10,minrate=500
</IfModule>
ErrorLog "{root}/logs/error.log"
LogLevel info cppwebsocket:debug
LogFormat "%h %l %u %t \\"%r\\" %>s %O %D" common
CustomLog "{root}/logs/access.log" common
TypesConfig "{root}/mime.types"
AddOutputFilterByType DEFLATE text/html text/plain text/css
DirectoryIndex index.html
AccessFileName .htaccess
""" + PAGES + """\
WebSocketHandlerRoot "{root}/handlers"
WebSocketHandlerCopies "{root}/copies"
WebSocketDrainTimeout 500ms
{config}
"""

# The end points of channels, without a history.
END_POINTS = """
<Location "/publish">
  SetHandler websocket-publish
</Location>
<Location "/subscribe">
  SetHandler websocket-subscribe
</Location>
"""
