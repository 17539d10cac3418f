"""Caches for the tests of the four faces, and a certificate for those that need TLS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from wirecache import Cache, DiskStore


@pytest.fixture(scope="session")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiskStore]:
    """One disk store for all tests, emptied after each: a new database waits for the disk (15 to 50 ms)."""
    store = DiskStore(tmp_path_factory.mktemp("store"))
    yield store
    store.close()


@pytest.fixture
def make_cache(disk: DiskStore) -> Iterator[Callable[..., Cache]]:
    """Caches on one and the same disk store, unless the test says otherwise."""
    made = [Cache(disk)]

    def make(**options: Any) -> Cache:
        made.append(Cache(**{"store": disk, **options}))
        return made[-1]

    yield make
    for cache in made[1:]:
        cache.flush() if cache.store is disk else cache.close()
    made[0].clear()


@pytest.fixture
def cache(make_cache: Callable[..., Cache]) -> Cache:
    """A cache on an empty disk store."""
    return make_cache()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for the loopback address, with its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "wirecache tests")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    signed = builder.add_extension(address, critical=False).add_extension(x509.BasicConstraints(True, None), critical=True)
    pem = signed.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "loopback.pem"
    path.write_bytes(private + pem)
    return path
