#!/bin/bash
# mod_http2 joins the Set-Cookie fields of a response that is written to the connection.
#
# Guessed: a head that a handler writes by itself, as a CGI program whose name begins with nph- does, comes to
# an HTTP/2 client as it does to one of HTTP/1.1: with each Set-Cookie a field of its own.
# Seen with httpd 2.4.71: mod_http2 reads such a head into a table that joins fields of one name with commas.
# RFC 9110, 5.3, says that Set-Cookie cannot be joined; browsers take the second cookie for a part of the
# first one's last attribute. Responses that httpd makes of headers_out keep them apart.
#
# Needs Debian 12's apache2-bin and python3-h2; listens on loopback only; fails if what was seen has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${httpd-}" 2>/dev/null || true; wait; rm -rf -- "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
modules=/usr/lib/apache2/modules
{
  echo "ServerRoot $folder
ServerName localhost
Listen 127.0.0.1:$port
PidFile $folder/pid
DefaultRuntimeDir $folder
ErrorLog $folder/error.log
Protocols h2c http/1.1"
  for each in mpm_event authz_core alias cgid http2; do
    echo "LoadModule ${each}_module $modules/mod_$each.so"
  done
  ((EUID)) || printf 'User www-data\nGroup www-data\n'
  echo "ScriptAlias /cgi/ $folder/"
} >httpd.conf
printf '#!/bin/sh\nprintf "HTTP/1.1 200 OK\\r\\n"\n' >nph-raw
printf '#!/bin/sh\n' >cooked
for each in nph-raw cooked; do
  printf 'printf "Content-Type: text/plain\\r\\nSet-Cookie: a=1; Path=/\\r\\nSet-Cookie: b=2\\r\\n\\r\\n"\n' >>"$each"
  chmod 755 "$each"
done
/usr/sbin/apache2 -DFOREGROUND -f "$folder/httpd.conf" >/dev/null 2>&1 &
httpd=$!
cookies() { # PATH: the Set-Cookie fields of the answer over HTTP/2
  /usr/bin/python3 - "$port" "$1" <<'END'
import socket, sys, time
import h2.config, h2.connection, h2.events
for _ in range(100):
    try:
        s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
        break
    except OSError:
        time.sleep(0.1)
c = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
c.initiate_connection()
c.send_headers(1, [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", sys.argv[2])],
               end_stream=True)
s.sendall(c.data_to_send())
while True:
    for event in c.receive_data(s.recv(65535)):
        if isinstance(event, h2.events.ResponseReceived):
            print(" | ".join(value for name, value in event.headers if name == "set-cookie"))
            sys.exit()
    s.sendall(c.data_to_send())
END
}
/usr/sbin/apache2 -v | head -n 1
of_httpd=$(cookies /cgi/cooked)
of_program=$(cookies /cgi/nph-raw)
echo "made by httpd: $of_httpd"
echo "written by the program: $of_program"
[[ $of_httpd == 'a=1; Path=/ | b=2' ]] || { echo "changed: of httpd's own" >&2; exit 1; }
[[ $of_program == 'a=1; Path=/, b=2' ]] || { echo "changed: of one that was written" >&2; exit 1; }
