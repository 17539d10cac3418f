"""A proxy that takes TLS off a connection, with a certificate of its own for 127.0.0.1."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.listener import Listener

__all__ = ["TlsProxy"]


class TlsProxy:
    """What comes to ``port`` over TLS goes on to ``upstream`` without; who trusts ``certificate`` trusts it."""

    def __init__(self, upstream: int, folder: Path) -> None:
        self._upstream = upstream
        self.certificate = folder / "certificate.pem"
        self.certificate.write_bytes(_certificate_and_key())
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(self.certificate)
        self._listener = Listener(self._serve)
        self.port = self._listener.port

    def __enter__(self) -> TlsProxy:
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.close()

    def _serve(self, plain: socket.socket) -> None:
        """One thread a connection is enough: Redis answers what it is asked, and nothing else."""
        with plain, socket.create_connection(("127.0.0.1", self._upstream)) as upstream:
            try:
                with self._context.wrap_socket(plain, server_side=True) as client:
                    answering = threading.Thread(target=_copy, args=(upstream, client), daemon=True)
                    answering.start()
                    _copy(client, upstream)
                    answering.join()
            except OSError:  # it was distrusted
                pass


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def _certificate_and_key() -> bytes:
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "wirecache tests")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    signed = builder.add_extension(address, critical=False).add_extension(x509.BasicConstraints(True, None), critical=True)
    certificate = signed.sign(key, SHA256()).public_bytes(Encoding.PEM)
    return certificate + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
