"""Whose request it is: a proxy is believed if the deployment names it, and anybody else is not."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from huitou.core.middleware import TrustedProxies
from huitou.core.proxies import Caller, ProxyNetworkError, find_caller, read_networks

TRUSTED = read_networks("10.0.0.0/8, 2001:db8::5")


@pytest.mark.parametrize(
    ("peer", "header", "expected"),
    [
        ("203.0.113.9", "1.2.3.4", "203.0.113.9"),  # a stranger's word is nothing
        ("10.0.0.5", "", "10.0.0.5"),
        ("10.0.0.5", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.5", "6.6.6.6, 203.0.113.9", "203.0.113.9"),  # what the caller wrote itself stands first
        ("10.0.0.5", "203.0.113.9, 10.1.1.1", "203.0.113.9"),  # two proxies of ours
        ("10.0.0.5", "10.2.2.2, 10.1.1.1", "10.2.2.2"),
        ("10.0.0.5", "nonsense, 10.1.1.1", "10.1.1.1"),
        ("10.0.0.5", "203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::5]:80", "[2001:db8:1::9]:4711", "2001:db8:1::9"),
        ("::ffff:10.0.0.5", "203.0.113.9", "203.0.113.9"),
        ("", "203.0.113.9", ""),
    ],
)
def test_the_caller_is_the_first_address_from_the_end_that_is_no_trusted_proxy(
    peer: str, header: str, expected: str
) -> None:
    caller = find_caller(peer, forwarded_for=header, forwarded_proto="", is_https=False, trusted=TRUSTED)
    assert caller.address == expected


@pytest.mark.parametrize(
    ("peer", "told", "before", "expected"),
    [
        ("10.0.0.5", "https", False, True),
        ("10.0.0.5", "http", True, False),
        ("10.0.0.5", "", True, True),
        ("10.0.0.5", "http, https", False, True),
        ("203.0.113.9", "https", False, False),
    ],
)
def test_the_scheme_is_the_proxys_word_or_the_connections_own(
    peer: str, told: str, before: bool, expected: bool
) -> None:
    caller = find_caller(peer, forwarded_for="", forwarded_proto=told, is_https=before, trusted=TRUSTED)
    assert caller == Caller(caller.address, expected)


def test_a_setting_that_is_no_address_is_refused_with_an_example() -> None:
    with pytest.raises(ProxyNetworkError, match=r"10\.0\.0"):
        read_networks("10.0.0.0/8, my-proxy")


def test_django_sees_the_caller_and_nobody_sees_the_headers(rf: RequestFactory, settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = TRUSTED
    seen: list[HttpRequest] = []

    def keep(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse()

    headers = {
        "HTTP_X_FORWARDED_FOR": "203.0.113.9",
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_FORWARDED": "for=1.1.1.1",
    }
    TrustedProxies(keep)(rf.get("/", REMOTE_ADDR="10.0.0.5", **headers))  # type: ignore[arg-type]
    assert seen[0].is_secure()
    assert seen[0].META["REMOTE_ADDR"] == "203.0.113.9"
    assert not [name for name in seen[0].META if "FORWARDED" in name]
