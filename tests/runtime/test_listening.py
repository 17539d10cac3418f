from __future__ import annotations

import socket

import pytest

from wirecache._runtime.listening import Address, address_of, bind, is_loopback


def test_a_free_port_is_taken_and_who_connects_early_waits() -> None:
    with bind("127.0.0.1", 0) as bound:
        host, port = address_of(bound)
        assert (host, is_loopback(bound)) == ("127.0.0.1", True)
        with socket.create_connection((host, port), timeout=5):
            pass


def test_an_address_in_use_is_an_error() -> None:
    with bind("127.0.0.1", 0) as bound, pytest.raises(OSError, match="in use"):
        bind("127.0.0.1", address_of(bound).port)


def test_a_socket_on_all_addresses_is_reached_by_loopback() -> None:
    with bind("0.0.0.0", 0) as bound:
        assert (address_of(bound).host, is_loopback(bound)) == ("127.0.0.1", False)


def test_the_url_of_an_address() -> None:
    assert (Address("::1", 80).url, Address("cache.corp", 8100).url) == ("http://[::1]:80", "http://cache.corp:8100")
