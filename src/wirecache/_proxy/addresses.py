"""Protection of private networks, to which only hosts named by whoever started the proxy may lead.

The address is checked when the connection is made, before a byte is sent, so that a name cannot be resolved twice to different
addresses.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

__all__ = ["PrivateAddressError", "is_address", "is_private", "public_only"]

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits


class PrivateAddressError(Exception):
    """The host has an address that is not public."""


def is_address(text: str) -> bool:
    """Return whether the text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_private(text: str) -> bool:
    """Return whether the address is not one of the public internet: loopback, private, link-local, reserved, multicast."""
    address = _embedded(ip_address(text.partition("%")[0]))
    return not address.is_global or address.is_multicast


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that is embedded in an IPv6 address, or the address itself."""
    if not isinstance(address, IPv6Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def public_only(host: str) -> Callable[[str, dict[str, Any]], Awaitable[None]]:
    """Return an extension ``trace`` for httpcore that ends a connection to this host if its address is private.

    A connection to another host leads to a proxy of the environment, which resolves names itself.
    """
    to_host = True

    async def trace(event: str, info: dict[str, Any]) -> None:
        nonlocal to_host
        if event == "connection.connect_tcp.started":
            to_host = info.get("host") in (host, host.encode())
        elif event == "connection.connect_tcp.complete" and to_host:
            stream = info["return_value"]
            address = stream.get_extra_info("server_addr")
            if address is None or is_private(address[0]):
                await stream.aclose()
                raise PrivateAddressError(host)

    return trace
