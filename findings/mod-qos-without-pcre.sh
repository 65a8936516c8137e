#!/bin/bash
# Debian 12's mod_qos cannot be loaded into Debian 12's httpd.
#
# Guessed: a module that Debian 12 builds and ships for its httpd is loaded by it.
# Seen: libapache2-mod-qos 11.63-1+b2 uses pcre_compile, pcre_exec and pcre_free of PCRE 1 and is linked
# with no PCRE at all: it counted on httpd's own, and httpd 2.4.71 is linked with PCRE 2. So enabling it
# stops httpd at its next start: "undefined symbol: pcre_free", status 1. `LoadFile` of libpcre.so.3
# before it mends that.
#
# Needs Debian 12 with apache2-bin, readelf and apt; fails if what was seen has changed.
set -euo pipefail
package=libapache2-mod-qos=11.63-1+b2
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
cd "$folder"
apt-get download -qq "$package" libpcre3 2>/dev/null
for each in *.deb; do dpkg-deb -x "$each" files; done
module=$folder/files/usr/lib/apache2/modules/mod_qos.so
pcre=$(find "$folder/files" -name 'libpcre.so.3' | head -n 1)

cat >httpd.conf <<END
ServerRoot $folder
ServerName localhost
Listen 127.0.0.1:1
ErrorLog $folder/error.log
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
END
check() { # FILE: httpd's verdict on it
  /usr/sbin/apache2 -t -f "$folder/$1" 2>&1 || echo "status $?"
}
{ cat httpd.conf && echo "LoadModule qos_module $module"; } >alone.conf
{ cat httpd.conf && echo "LoadFile $pcre" && echo "LoadModule qos_module $module"; } >beside.conf

/usr/sbin/apache2 -v | head -n 1
echo "linked with a PCRE: $(readelf -d "$module" | grep -c 'NEEDED.*pcre' || true)"
alone=$(check alone.conf)
beside=$(check beside.conf)
echo "alone:  ${alone//"$folder"/…}"
echo "beside: ${beside//"$folder"/…}"
[[ $alone == *"undefined symbol: pcre_free"*"status 1" ]] || { echo "changed: it loads alone" >&2; exit 1; }
[[ $beside == *"Syntax OK"* ]] || { echo "changed: it does not load with libpcre" >&2; exit 1; }
