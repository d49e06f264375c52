"""Where an outcome may be sent: rules against a URL that points into our own network.

https to public addresses; http to loopback only, and only when it is written as loopback. Private
networks where the setting allows them. Never link-local (cloud metadata), multicast or reserved.
A name counts by what it resolves to, and the request goes to the very address that was checked.
"""

import asyncio
import ipaddress
import socket
from ipaddress import IPv4Address, IPv6Address

import httpx

from telephony.errors import DeliveryRefused

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_Address = IPv4Address | IPv6Address


def outcome_url(text: str) -> httpx.URL:
    """The URL, if its form is one that outcomes may be sent to. Raises DeliveryRefused."""
    try:
        url = httpx.URL(text)
        host = url.host
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise DeliveryRefused(f"not a URL: {error}") from None
    if url.scheme not in ("https", "http") or not host:
        raise DeliveryRefused("not a web address; write https://host/path")
    if url.port is not None and not 0 < url.port < 65_536:
        raise DeliveryRefused(f"there is no port {url.port}")
    if url.scheme == "http" and not _is_written_as_loopback(host):
        raise DeliveryRefused("http is for loopback only; use https")
    literal = _literal(host)
    if literal is not None:  # a private one is for `addresses_of`, which knows the setting
        _check(host, literal, allow_private=True)
    return url


async def addresses_of(url: httpx.URL, *, allow_private: bool) -> list[str]:
    """The addresses of the URL's host, IPv4 first. Raises DeliveryRefused, OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(
        url.host, url.port or (443 if url.scheme == "https" else 80), type=socket.SOCK_STREAM
    )
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    for address in addresses:  # all of them: a name with one bad address is a trap
        _check(url.host, address, allow_private=allow_private)
    return [str(address) for address in sorted(set(addresses), key=lambda one: one.version)]


def is_ip_literal(host: str) -> bool:
    return _literal(host) is not None


def _check(host: str, address: _Address, *, allow_private: bool) -> None:
    target = _embedded(address)
    if target.is_loopback:
        if _is_written_as_loopback(host):
            return
        raise DeliveryRefused(f"{host} leads to this machine")
    if target.is_link_local or target.is_multicast or target.is_reserved or target.is_unspecified:
        raise DeliveryRefused(f"{host} leads to {target}, which is no server's address")
    if not target.is_global and not allow_private:
        raise DeliveryRefused(
            f"{host} leads to the private address {target}; private addresses must"
            " be allowed in the settings"
        )


def _embedded(address: _Address) -> _Address:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_written_as_loopback(host: str) -> bool:
    literal = _literal(host)
    return host == "localhost" or (literal is not None and literal.is_loopback)


def _literal(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
