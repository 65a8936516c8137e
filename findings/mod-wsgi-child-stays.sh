#!/bin/bash
# A child of httpd in which Debian 12's mod_wsgi has run an application does not end by itself.
#
# Guessed: at SIGTERM a child ends once its requests are done, with a Python in it as without.
# Seen: mod_wsgi 4.9.4 with Python 3.11 runs an application in an interpreter of its own
# (WSGIApplicationGroup %{RESOURCE}, the default), on a thread of the event MPM. When the child stops, it
# hangs where that interpreter is ended: AH00045 each two seconds, and httpd kills it after ten. So each stop
# takes that long, and at a graceful restart the child keeps its place. A child that was never asked ends at
# once, as does one with WSGIApplicationGroup %{GLOBAL}.
#
# Needs Debian 12 with apache2-bin, libpython3.11, python3 and apt; fails if what was seen has changed.
set -euo pipefail
package=libapache2-mod-wsgi-py3=4.9.4-1+b2
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download -qq "$package" 2>/dev/null
dpkg-deb -x ./*.deb files
cat >app.wsgi <<'END'
def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'here']
END
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
modules=/usr/lib/apache2/modules
cat >httpd.conf <<END
ServerRoot $folder
ServerName localhost
Listen 127.0.0.1:$port
PidFile $folder/pid
ErrorLog $folder/error.log
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule wsgi_module $folder/files$modules/mod_wsgi.so
WSGIScriptAlias / $folder/app.wsgi
StartServers 1
END
((EUID)) || printf 'User www-data\nGroup www-data\n' >>httpd.conf
cp httpd.conf global.conf
echo 'WSGIApplicationGroup %{GLOBAL}' >>global.conf

ask() { # ASKED: connects, and asks if it is yes
  python3 - "$port" "$1" <<'END' 2>/dev/null
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10) as s:
    if sys.argv[2] == "yes":
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        print(s.makefile("rb").read().endswith(b"here"))
END
}
stop() { # FILE ASKED: the seconds that httpd takes to stop
  /usr/sbin/apache2 -DFOREGROUND -f "$folder/$1" >/dev/null 2>&1 &
  httpd=$!
  trap 'kill -TERM "$httpd" 2>/dev/null || true' EXIT
  local asked=''
  for ((try = 0; try < 100; ++try)); do
    asked=$(ask "$2") && break
    sleep 0.1
  done
  [[ $2 == no || $asked == True ]] || echo "the application did not answer" >&2
  sleep 0.5
  local begin=$SECONDS
  kill -TERM "$httpd"
  wait "$httpd" || true
  echo $((SECONDS - begin))
}
never=$(stop httpd.conf no)
asked=$(stop httpd.conf yes)
global=$(stop global.conf yes)
/usr/sbin/apache2 -v | head -n 1
echo "seconds to stop: never asked $never, asked $asked, asked with %{GLOBAL} $global"
((never < 4 && asked >= 9 && global < 4)) || { echo "changed" >&2; exit 1; }
