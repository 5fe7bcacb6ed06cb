"""Who really asks, where proxies stand in front: their word is taken only from addresses that the deployment names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.utils.translation import gettext_lazy as _

from huitou.core.errors import DomainError, fill_later

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class ProxyNetworkError(DomainError):
    """`HUITOU_TRUSTED_PROXIES` names something that is no address."""

    code = "proxy_network"


@dataclass(frozen=True)
class Caller:
    """Address and scheme of a request as its sender meant them."""

    address: str
    is_https: bool


def read_networks(text: str) -> tuple[Network, ...]:
    """The networks of a list such as `10.0.0.0/8, 192.168.1.5`.

    Raises ProxyNetworkError for an entry that is neither an address nor a network.
    """
    found = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(ip_network(entry, strict=False))
        except ValueError as error:
            message = _("HUITOU_TRUSTED_PROXIES: %(entry)s is no address; write 10.0.0.5 or 10.0.0.0/8.")
            raise ProxyNetworkError(fill_later(message, {"entry": entry})) from error
    return tuple(found)


def find_caller(
    peer: str, *, forwarded_for: str, forwarded_proto: str, is_https: bool, trusted: Sequence[Network]
) -> Caller:
    """Whose request it is. `peer` is who connected, the headers are what it says about whom it speaks for.

    The list is read from its end, which the nearest proxy wrote: the first address that is no trusted proxy is
    the caller. What stands before it could have been written by anybody.
    """
    address = _address(peer)
    if address is None or not _is_trusted(address, trusted):
        return Caller(peer, is_https)
    for entry in reversed([part for part in forwarded_for.split(",") if part.strip()]):
        named = _address(entry)
        if named is None:
            break
        address = named
        if not _is_trusted(address, trusted):
            break
    told = forwarded_proto.rpartition(",")[2].strip().lower()
    return Caller(str(address), told == "https" if told else is_https)


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted if network.version == address.version)


def _address(text: str) -> Address | None:
    """The address in `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
