"""Where a callback may go: the guard against addresses that lead into our own network.

Names are resolved here, every address is judged, and the connection goes to the judged addresses and no others: a name that answers
differently the next moment gains nothing. The judgement is made again on the socket about to be opened, which catches addresses written
as such. What the operator allows (`GOVCHAT_CALLBACK_ALLOW`) passes; plain HTTP goes nowhere else.
"""

import re
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from govchat.errors import DomainError

Network = IPv4Network | IPv6Network

# Public by number, private by nature: the host agent of Azure, and the block of protocol assignments, metadata of Oracle's cloud within.
NOT_PUBLIC = (ip_network("168.63.129.16/32"), ip_network("192.0.0.0/24"))
NAT64 = ip_network("64:ff9b::/96")
# No public name ends in a number; resolvers read 127.1, 0177.0.0.1, 2130706433 and 0x7f000001 as addresses.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class CallbackUrlInvalid(DomainError):
    """The address can't be one of a callback."""

    status = 422
    code = "callback_url_invalid"
    title = "Callbacks can't go to this address"


class AddressRefused(OSError):
    """A name or an address leads where callbacks may not go."""


def networks(allowed: Sequence[str]) -> tuple[Network, ...]:
    """The operator's list; raises ValueError for what is no network."""
    return tuple(ip_network(each) for each in allowed)


def may_go(address: str, allowed: Sequence[Network], *, public: bool = True) -> bool:
    """Whether a connection to `address` may be opened: allowed by the operator, or public where that is enough."""
    inner = _innermost(ip_address(address.partition("%")[0]))
    if any(inner.version == each.version and inner in each for each in allowed):
        return True
    return (
        public
        and inner.is_global
        and not (inner.is_multicast or inner.is_reserved or inner.is_unspecified)
        and not any(inner.version == each.version and inner in each for each in NOT_PUBLIC)
    )


def _innermost(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for (mapped, 6to4, Teredo, NAT64), else itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped or address.sixtofour:
            return address.ipv4_mapped or address.sixtofour or address
        if address.teredo:
            return address.teredo[1]
        if address in NAT64:
            return IPv4Address(address.packed[-4:])
    return address


def check_url(url: str, allowed: Sequence[Network]) -> str:
    """`url` as it will be called; raises `CallbackUrlInvalid` for what can be told without asking the network."""
    if not (url.isascii() and url.isprintable()) or " " in url:
        raise CallbackUrlInvalid("the URL holds blanks or letters outside ASCII: write it percent-encoded")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise CallbackUrlInvalid("the URL can't be read: expected https://host/path") from None
    if parts.scheme not in (("https", "http") if allowed else ("https",)) or not host or port == 0:
        raise CallbackUrlInvalid(
            f'URL of scheme "{parts.scheme[:20]}" and host "{host[:80]}": expected https://host/path'
        )
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise CallbackUrlInvalid(
            "the URL holds a user name, a password or a fragment: leave them out, requests are signed"
        )
    try:
        ip_address(host)
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2]
        if _NUMBER.fullmatch(last) or (last in ("localhost", "") and not allowed):
            raise CallbackUrlInvalid(
                f'host "{host[:80]}" is this machine, or a number for an address: write a public name, or an address like 203.0.113.7'
            ) from None
        return url
    if not may_go(host, allowed, public=parts.scheme == "https"):
        raise CallbackUrlInvalid(
            f'address "{host}" is not public: use a public one, or have the operator add its network to GOVCHAT_CALLBACK_ALLOW'
        )
    return url


class Guard(AbstractResolver):
    """Resolver and socket maker of one client session. `public` is False for plain HTTP: allowed networks only."""

    def __init__(self, allowed: Sequence[Network], *, public: bool, resolver: AbstractResolver | None = None) -> None:
        self._allowed = allowed
        self._public = public
        self._resolver = resolver or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name, when callbacks may go to every one of them."""
        found = await self._resolver.resolve(host, port, family)
        for each in found:
            self._judge(each["host"])
        return found

    def socket(self, told: tuple[Any, ...]) -> socket.socket:
        """A socket for an address that is about to be connected to."""
        family, kind, protocol, _, address = told
        self._judge(str(address[0]))
        return socket.socket(family=family, type=kind, proto=protocol)

    async def close(self) -> None:
        """Let the resolver go."""
        await self._resolver.close()

    def _judge(self, address: str) -> None:
        if not may_go(address, self._allowed, public=self._public):
            raise AddressRefused("the address is not public and not allowed by GOVCHAT_CALLBACK_ALLOW")
