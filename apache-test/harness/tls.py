"""Certificates for tests, the lines that make an httpd speak TLS, and a TLS client socket."""
import functools
import ssl
import subprocess
import tempfile
from pathlib import Path

MODULES = ("socache_shmcb", "ssl")
SESSION_CACHE = 'SSLSessionCache "shmcb:{root}/run/tls_sessions(512000)"\n'


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def make_certificate(folder, name, *, names=("localhost",), issuer=None):
    """NAME.crt and NAME.key in `folder`. Without an issuer it is one, and signs itself. Its subject
    is NAME but for the server's: mod_ssl compares that with the ServerName, 127.0.0.1. What RFC 5280 wants
    of key identifiers and usage is there: Python 3.13 looks for it."""
    subject = "127.0.0.1" if name == "server" else name
    key, request, certificate = (folder / f"{name}.{kind}" for kind in ("key", "csr", "crt"))
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    if issuer is None:
        openssl("req", "-x509", "-new", "-key", key, "-subj", f"/CN={subject}", "-days", 2, "-out",
                certificate, "-addext", "keyUsage=critical,digitalSignature,keyCertSign,cRLSign")
        return
    openssl("req", "-new", "-key", key, "-subj", f"/O=Tests/CN={subject}", "-out", request)
    extensions = folder / f"{name}.ext"
    extensions.write_text("authorityKeyIdentifier=keyid\nsubjectAltName=" + ",".join(
        f"{'IP' if each[0].isdigit() else 'DNS'}:{each}" for each in names))
    openssl("x509", "-req", "-in", request, "-CA", folder / f"{issuer}.crt", "-CAkey",
            folder / f"{issuer}.key", "-CAcreateserial", "-days", 2, "-extfile", extensions,
            "-out", certificate)


class Certificates:
    """ca; server, other.test: for the server; alice: a client; mallory: signed by nobody we know."""

    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="cppwebsocket-tls-")
        self.folder = Path(self.temporary.name)
        self.folder.chmod(0o755)
        make_certificate(self.folder, "ca")
        make_certificate(self.folder, "server", names=("localhost", "127.0.0.1"), issuer="ca")
        make_certificate(self.folder, "other.test", names=("other.test",), issuer="ca")
        make_certificate(self.folder, "alice", issuer="ca")
        make_certificate(self.folder, "mallory")

    def path(self, name):
        return str(self.folder / name)


@functools.lru_cache
def certificates():
    return Certificates()


def config(more="", *, name="server", engine="On"):
    """TLS for the whole server (or inside a <VirtualHost>). `more`: further directives."""
    own = certificates()
    return f"""
SSLEngine {engine}
SSLCertificateFile "{own.path(name + '.crt')}"
SSLCertificateKeyFile "{own.path(name + '.key')}"
SSLCACertificateFile "{own.path('ca.crt')}"
{more}
"""


def client_context(version=None, certificate=None):
    """Of a client that trusts the tests' CA. `version`: ssl.TLSVersion, the only one it speaks."""
    own = certificates()
    context = ssl.create_default_context(cafile=own.path("ca.crt"))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if certificate is not None:
        context.load_cert_chain(own.path(certificate + ".crt"), own.path(certificate + ".key"))
    return context


def wrap(plain, context=None, name="localhost", session=None):
    """A TLS client on a connected socket."""
    context = context or client_context()
    context.check_hostname = name is not None
    return context.wrap_socket(plain, server_hostname=name, session=session)


class MemoryTls:
    """A TLS client whose ciphertext goes through our hands, to be cut and joined at will."""

    def __init__(self, plain, context=None, name="localhost"):
        self.plain = plain
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (context or client_context()).wrap_bio(self.incoming, self.outgoing,
                                                          server_hostname=name)
        self.notified = False  # the server has said close_notify
        self.run(self.tls.do_handshake)

    def run(self, step, *arguments):
        while True:
            try:
                result = step(*arguments)
                self.flush()
                return result
            except ssl.SSLWantReadError:
                self.flush()
                self.incoming.write(self.receive())

    def receive(self):
        got = self.plain.recv(65536)
        if not got:
            self.incoming.write_eof()
        return got

    def flush(self):
        if pending := self.outgoing.read():
            self.plain.sendall(pending)

    def records(self, *payloads):
        """The ciphertext of one record for each payload."""
        for payload in payloads:
            self.tls.write(payload)
        return self.outgoing.read()

    # --- what Connection needs of a socket -------------------------------------------------------

    def sendall(self, payload):
        self.plain.sendall(self.records(bytes(payload)))

    def recv(self, size):
        try:
            got = self.run(self.tls.read, size)
            self.notified = not got
            return got
        except ssl.SSLEOFError:
            return b""

    def recv_into(self, view):
        got = self.recv(len(view))
        view[:len(got)] = got
        return len(got)

    def settimeout(self, seconds):
        self.plain.settimeout(seconds)

    def setsockopt(self, *arguments):
        self.plain.setsockopt(*arguments)

    def close(self):
        self.plain.close()
