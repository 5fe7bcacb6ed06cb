"""The way out to other systems: https only, to addresses that were looked at, with limits on size and time.

The name is resolved once and the connection goes to the address that was checked, so that a name cannot lead elsewhere
between the look and the call. Every redirection is looked at in the same way, and takes no credentials to another host.
"""

from __future__ import annotations

import json as json_format
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

from huitou.sources.connectors.connector import Answer
from huitou.sources.connectors.trouble import PullError

_SECONDS = 30.0
_DOWNLOAD_SECONDS = 1800.0
_ANSWER_BYTES = 32 << 20
_KEPT_OF_ERRORS = 2000
_REDIRECTIONS = 3
_CHUNK = 1 << 20
# Where clouds tell a machine its own secrets; the usual one is link-local and refused as such.
_OF_CLOUDS = frozenset(map(ip_address, ("100.100.100.200", "168.63.129.16", "fd00:ec2::254")))
_NAT64 = ip_network("64:ff9b::/96")


class OutsideHttp:
    """Asks outside systems. `loopback` lets it call this machine without https: for tests only."""

    def __init__(self, *, limit: int, loopback: bool = False) -> None:
        self._limit = limit
        self._loopback = loopback

    def ask(self, url: str, *, json: object) -> Answer:
        """Send a JSON body and read the whole answer."""
        body = json_format.dumps(json, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        with self._open("POST", urlsplit(url), headers, body) as response:
            found = response.read(_ANSWER_BYTES + 1)
            if len(found) > _ANSWER_BYTES:
                raise PullError("too_large", urlsplit(url).hostname or "")
            return Answer(response.status, _headers(response), found)

    def download(self, url: str, target: Path, *, headers: Mapping[str, str]) -> Answer:
        """Write the body of a good answer to `target`, following a few redirections."""
        given = dict(headers)
        for _ in range(_REDIRECTIONS + 1):
            parts = urlsplit(url)
            with self._open("GET", parts, given, None) as response:
                told = _headers(response)
                if response.status in (301, 302, 303, 307, 308) and told.get("location"):
                    url = urljoin(url, told["location"])
                    if urlsplit(url)[:2] != parts[:2]:
                        given.pop("Authorization", None)
                    continue
                if response.status != 200:
                    return Answer(response.status, told, response.read(_KEPT_OF_ERRORS))
                self._save(response, told, target)
                return Answer(200, told)
        raise PullError("address_refused", urlsplit(url).hostname or "")

    def _save(self, response: HTTPResponse, told: Mapping[str, str], target: Path) -> None:
        length = told.get("content-length", "")
        if length.isdigit() and int(length) > self._limit:
            raise PullError("too_large", f"{int(length) >> 20} MB")
        written, end = 0, time.monotonic() + _DOWNLOAD_SECONDS
        with target.open("wb") as file:
            target.chmod(0o600)
            while chunk := response.read(_CHUNK):
                written += len(chunk)
                if written > self._limit:
                    raise PullError("too_large", f"{self._limit >> 20} MB")
                if time.monotonic() > end:
                    raise PullError("unreachable", "30 min")
                file.write(chunk)
        if length.isdigit() and written != int(length):
            raise PullError("unreachable", f"{written}/{length}")

    @contextmanager
    def _open(
        self, method: str, parts: SplitResult, headers: Mapping[str, str], body: bytes | None
    ) -> Iterator[HTTPResponse]:
        host = parts.hostname or ""
        try:
            port = parts.port
        except ValueError as error:
            raise PullError("address_refused", host) from error
        if not host or parts.username or (parts.scheme != "https" and not (self._loopback and parts.scheme == "http")):
            raise PullError("address_refused", host)
        is_safe = parts.scheme == "https"
        try:
            address = self._look_up(host, port or (443 if is_safe else 80))
            connection = _Pinned(host, port, address, is_safe)
            try:
                path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                connection.request(method, path, body, {"User-Agent": "Huitou", **headers})
                yield connection.getresponse()
            finally:
                connection.close()
        except (OSError, HTTPException, UnicodeError) as error:
            # What these say may quote the address with a token in it; the kind tells enough.
            raise PullError("unreachable", f"{host}: {type(error).__name__}") from error

    def _look_up(self, host: str, port: int) -> str:
        found = {str(told[4][0]).split("%")[0] for told in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        for address in sorted(found):
            if is_refused(ip_address(address), loopback=self._loopback):
                raise PullError("address_refused", host)
        # What the resolver prefers comes first in its answer, but any of them was looked at.
        return sorted(found, key=lambda address: ":" in address)[0]


def is_refused(address: IPv4Address | IPv6Address, *, loopback: bool = False) -> bool:
    """Whether nothing of an outside system can be there: this machine, its link, or where a cloud tells secrets."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_refused(inner, loopback=loopback)
    if address.is_loopback:
        return not loopback
    return (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
        or address in _OF_CLOUDS
        or (address.version == 4 and int(address) >> 24 == 0)
    )


def _headers(response: HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}


class _Pinned(HTTPConnection):
    """A connection to the address that was looked at, under the name that was asked for."""

    def __init__(self, host: str, port: int | None, address: str, is_safe: bool) -> None:
        self.default_port = 443 if is_safe else 80
        super().__init__(host, port, timeout=_SECONDS)
        self._address = address
        self._is_safe = is_safe

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)
        if self._is_safe:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)
