"""TLS before a server that speaks none, and the authority that answers for it: made for the occasion, known to nobody else."""

from __future__ import annotations

import ipaddress
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from worker.adapters.system_clock import SystemClock

BUFFER = 64 * 1024
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Tls:
    """A port that speaks TLS; ``authority`` is the file of the certificate to trust."""

    port: int
    authority: Path


@contextmanager
def tls_before(port: int, folder: Path) -> Iterator[Tls]:
    """TLS on a port of the loopback before another one there; certificate and key go to ``folder``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = _certify(folder)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")

    class Forward(socketserver.BaseRequestHandler):
        request: socket.socket

        def handle(self) -> None:
            # A client that does not trust us goes away in the middle of the handshake.
            with (
                suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as inside,
                socket.create_connection((LOOPBACK, port)) as upstream,
            ):
                threading.Thread(target=_pump, args=(upstream, inside), daemon=True).start()
                _pump(inside, upstream)

    with socketserver.ThreadingTCPServer((LOOPBACK, 0), Forward) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield Tls(server.server_address[1], authority)
        finally:
            server.shutdown()


def _certify(folder: Path) -> Path:
    """A certificate for the loopback, signed by itself; returns its file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "valkey")])
    now = SystemClock().now()
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    address = x509.IPAddress(ipaddress.ip_address(LOOPBACK))
    builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.key").write_bytes(secret)
    (folder / "server.pem").write_bytes(builder.sign(key, SHA256()).public_bytes(Encoding.PEM))
    return folder / "server.pem"


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Copy until either side is gone, and tell the other."""
    with suppress(OSError):
        while chunk := source.recv(BUFFER):
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
