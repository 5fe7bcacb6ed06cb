"""The way out: what is definite and what is unknown when a provider breaks, and where one must not go."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import pytest

from huitou.core.clock import FixedClock
from huitou.messaging.tests.providers.server import (
    EMPTY,
    GARBAGE,
    HALF,
    RESET_AFTER,
    RESET_BEFORE,
    SLOW,
    Answered,
    Asked,
    Provider,
)
from huitou.messaging.wire import NoAnswerError, NotSentError, Reply, Wire, look_up, retry_seconds


class Echo(Provider):
    def answer(self, asked: Asked) -> Answered:
        return Answered(200, asked.headers["host"].encode() + b" " + asked.body)


@pytest.mark.parametrize("broken", [RESET_BEFORE, RESET_AFTER, HALF, SLOW])
def test_after_bytes_were_sent_no_answer_means_that_nobody_knows(broken: str) -> None:
    """Whether the other side did the work or not: from here both look the same."""
    with Echo() as provider:
        provider.plan.append(broken)
        with pytest.raises(NoAnswerError):
            Wire(loopback=True, answer_seconds=0.5).post(provider.address + "/x", b"{}", {})
        assert sum(provider.counts.values()) == 1, "one try, whatever came of it"


def test_answers_of_gateways_come_back_as_they_are() -> None:
    with Echo() as provider:
        provider.plan.extend([GARBAGE, EMPTY])
        way_out = Wire(loopback=True)
        assert way_out.post(provider.address, b"{}", {}).status == 502
        assert way_out.post(provider.address, b"{}", {}).body == b""
        assert (
            way_out.post(provider.address, b"{}", {}).body == provider.address.removeprefix("http://").encode() + b" {}"
        )


def test_where_nobody_listens_nothing_was_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NotSentError) as caught:
        Wire(loopback=True).post(f"http://127.0.0.1:{port}/", b"{}", {})
    assert not caught.value.permanent
    with pytest.raises(NotSentError) as caught:
        Wire(loopback=True).get("http://nobody.invalid/")
    assert str(caught.value) == "name_unknown"


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:80/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.100.100.200/latest/meta-data/",
        "https://0.0.0.0/",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706433/",
        "https://user:secret@example.com/",
        "ftp://example.com/",
        "http://example.com/",
        "https://example.com:99999/",
        "https:///nohost",
        "https://[broken/",
    ],
)
def test_this_machine_and_secrets_of_clouds_are_not_called(address: str) -> None:
    with pytest.raises(NotSentError) as caught:
        Wire().post(address, b"{}", {})
    assert caught.value.permanent


def test_a_name_with_one_bad_address_among_good_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who answers with several addresses could lead the second call to another than the one that was looked at."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("93.184.216.34", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kw: found)
    with pytest.raises(NotSentError):
        look_up("rebinding.example", 443)


def test_redirections_are_not_followed() -> None:
    class Away(Provider):
        def answer(self, asked: Asked) -> Answered:
            return Answered(307, b"", {"Location": self.address + "/elsewhere"})

    with Away() as provider:
        assert Wire(loopback=True).post(provider.address, b"{}", {}).status == 307
        assert len(provider.asked) == 1


def test_an_endless_answer_is_cut() -> None:
    class Endless(Provider):
        def answer(self, asked: Asked) -> Answered:
            return Answered(200, b"x" * (5 << 20))

    with Endless() as provider, pytest.raises(NoAnswerError, match="answer_too_large"):
        Wire(loopback=True).get(provider.address)


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with Echo() as provider:
        assert Wire(loopback=True).get(provider.address).status == 200


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        ("999999999999", 86400),
        ("Mon, 02 Mar 2026 04:01:00 GMT", 60),
        ("Mon, 02 Mar 2020 04:01:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms(said: str, seconds: int | None) -> None:
    clock = FixedClock(datetime(2026, 3, 2, 4, tzinfo=UTC))
    assert retry_seconds(Reply(429, {"retry-after": said}), clock) == seconds
