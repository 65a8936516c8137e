#!/bin/bash
# libnats takes a server that wants a client certificate, and gets none, for one that answers nothing.
#
# Guessed: with TLS 1.3 the server's alert "certificate required" is what the failed connection says, as it is with
# openssl s_client, or at least something about TLS.
# Seen with libnats 3.4.1, nats-server 2.9.10 and OpenSSL 3.0: the client's half of the handshake is over before the server
# looks for the certificate, so TLS succeeds, libnats sends CONNECT and PING, and the connection ends. natsConnection_Connect
# returns 2, "Protocol Error", and nats_GetLastError says "Expected 'PONG', got ''". A password that is wrong has a
# message of its own; a certificate that is missing has none, and who reads "Protocol Error" looks for another version.
#
# Needs Debian 12 with gcc, libnats-dev, nats-server and openssl; listens on loopback only; fails if what was seen has changed.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server"; rm -rf -- "$folder"' EXIT
cd "$folder"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.crt 2>openssl.log
openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr 2>>openssl.log
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out server.crt \
  -extfile <(echo subjectAltName=DNS:localhost) 2>>openssl.log
cat >client.c <<'END'
#include <nats/nats.h>
#include <stdio.h>
int main(int count, char** words) {
  natsOptions* options = NULL;
  natsConnection* connection = NULL;
  natsOptions_Create(&options);
  natsOptions_SetURL(options, words[1]);
  natsOptions_SetSecure(options, true);
  natsOptions_LoadCATrustedCertificates(options, "ca.crt");
  natsOptions_SetExpectedHostname(options, "localhost");
  if (count > 2) natsOptions_LoadCertificatesChain(options, "server.crt", "server.key");
  natsStatus status = natsConnection_Connect(&connection, options);
  printf("%d, %s: %s\n", status, natsStatus_GetText(status), status ? nats_GetLastError(NULL) : "connected");
  natsConnection_Destroy(connection);
  natsOptions_Destroy(options);
  nats_Close();
  return 0;
}
END
gcc client.c -o client -lnats
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >server.conf <<END
listen: 127.0.0.1:$port
tls { cert_file: server.crt, key_file: server.key, ca_file: ca.crt, verify: true }
END
nats-server -c server.conf >server.log 2>&1 &
server=$!
for _ in {1..100}; do grep -q 'Server is ready' server.log && break || sleep 0.1; done

dpkg-query -W libnats3.4 nats-server | tr '\t' ' '
without=$(./client "tls://localhost:$port")
with=$(./client "tls://localhost:$port" own)
echo "without a certificate: $without"
echo "with one:              $with"
grep -o 'TLS handshake error.*' server.log | head -n 1 | sed 's/^/the server says:       /'
[[ $with == *connected ]] || { echo "changed: a certificate is not accepted" >&2; exit 1; }
[[ $without == *"Protocol Error"*"Expected 'PONG'"* ]] || { echo "changed: it says something else" >&2; exit 1; }
