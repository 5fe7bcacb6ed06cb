"""Webhooks: signed as the open specification says, one message once, and what each status means."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huitou.messaging import wire
from huitou.messaging.channel import ACCEPTED, REFUSED, UNKNOWN, Address, CallbackRequest, CallbackResult, Config
from huitou.messaging.channels.webhook import CHANNEL, WebhookSettingsError
from huitou.messaging.channels.webhook.signing import BadSignatureError, sign, verify
from huitou.messaging.tests.providers.hook import SECRET, Hook, signed
from huitou.messaging.tests.providers.server import BREAKS, FINE, GARBAGE, RESET_BEFORE, SLOW
from huitou.messaging.tests.sample import NOON, account, message

pytestmark = pytest.mark.usefixtures("loopback")
ANN = Address("phone", "", "+8613912345678")


@pytest.fixture
def provider() -> Iterator[Hook]:
    with Hook() as running:
        yield running


def of(provider: Hook, **given: str) -> Config:
    return account({"url": provider.address + "/in?shop=7", "secret": SECRET} | given)


def test_the_published_example_has_the_published_signature() -> None:
    """The specification's own example of a signed payload."""
    assert sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    ) == ("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")


def test_a_message_says_who_and_what(provider: Hook) -> None:
    others = (Address("openid", "wx1", "o-1"),)
    told = message(ANN, link="https://brand.example/s/1", others=others, extra={"coupon": "A1"})
    (outcome,) = CHANNEL.send(of(provider), [told], NOON)
    assert (outcome.kind, outcome.provider_ref) == (ACCEPTED, f"hook-{told.key}")
    (body,) = provider.bodies
    assert body["to"] == {"kind": "phone", "namespace": "", "value": "+8613912345678"}
    assert body["others"] == [{"kind": "openid", "namespace": "wx1", "value": "o-1"}]
    assert (body["text"], body["extra"]) == ("想念您", {"coupon": "A1"})
    assert provider.asked[0].query == {"shop": "7"}


@pytest.mark.parametrize(
    ("status", "headers", "kind", "permanent", "wait"),
    [
        (204, {}, ACCEPTED, False, None),
        (301, {"Location": "http://127.0.0.1:1/"}, REFUSED, True, None),
        (400, {}, REFUSED, True, None),
        (404, {}, REFUSED, True, None),
        (410, {}, REFUSED, True, None),
        (403, {}, REFUSED, False, timedelta(minutes=30)),
        (429, {"Retry-After": "90"}, REFUSED, False, timedelta(seconds=90)),
        (429, {}, REFUSED, False, timedelta(minutes=1)),
        (503, {"Retry-After": "0"}, REFUSED, False, timedelta(seconds=1)),
        (500, {}, UNKNOWN, False, None),
        (502, {}, UNKNOWN, False, None),
        (504, {}, UNKNOWN, False, None),
    ],
)
def test_statuses_mean_what_can_be_done(
    provider: Hook, status: int, headers: dict[str, str], kind: str, permanent: bool, wait: timedelta | None
) -> None:
    provider.statuses.append((status, headers))
    (outcome,) = CHANNEL.send(of(provider), [message(ANN)], NOON)
    assert (outcome.kind, outcome.permanent, outcome.retry_after) == (kind, permanent, wait)
    assert len(provider.asked) == 1


@pytest.mark.parametrize("broken", [RESET_BEFORE, "reset_after", "half", SLOW, GARBAGE])
def test_a_lost_answer_is_unknown(provider: Hook, broken: str) -> None:
    provider.plan.append(broken)
    (outcome,) = CHANNEL.send(of(provider), [message(ANN)], NOON)
    assert outcome.kind == UNKNOWN
    assert sum(provider.taken.values()) <= 1


def test_an_empty_good_answer_is_taken_under_our_own_key(provider: Hook) -> None:
    provider.plan.append("empty")
    told = message(ANN)
    assert CHANNEL.send(of(provider), [told], NOON)[0].provider_ref == told.key


def test_where_nobody_listens_it_may_be_tried_again() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = account({"url": f"http://127.0.0.1:{port}/", "secret": SECRET})
    (outcome,) = CHANNEL.send(config, [message(ANN)], NOON)
    assert (outcome.kind, outcome.code, outcome.permanent) == (REFUSED, "unreachable", False)


def test_this_machine_is_not_called_outside_of_tests(monkeypatch: pytest.MonkeyPatch, provider: Hook) -> None:
    monkeypatch.setattr(wire, "LOOPBACK", False)
    (outcome,) = CHANNEL.send(of(provider), [message(ANN)], NOON)
    assert (outcome.code, outcome.permanent, outcome.account_trouble) == ("address_refused", True, True)
    assert not provider.asked


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    plan=st.lists(st.sampled_from([FINE, FINE, *BREAKS]), max_size=10),
    statuses=st.lists(st.sampled_from([429, 503, 404, 500]), max_size=5),
    count=st.integers(1, 8),
)
def test_nothing_is_taken_twice_however_it_breaks(plan: list[str], statuses: list[int], count: int) -> None:
    with Hook() as provider:
        provider.plan.extend(plan)
        provider.statuses.extend((status, {}) for status in statuses)
        waiting = [message(ANN) for _ in range(count)]
        keys = {one.key for one in waiting}
        accepted: set[str] = set()
        while waiting:
            pairs = list(zip(waiting, CHANNEL.send(of(provider), waiting, NOON), strict=True))
            accepted |= {one.key for one, outcome in pairs if outcome.kind == ACCEPTED}
            waiting = [one for one, outcome in pairs if outcome.kind == REFUSED and not outcome.permanent]
        assert set(provider.taken.values()) <= {1}
        assert accepted <= set(provider.taken) <= keys


def push(body: bytes, headers: dict[str, str]) -> CallbackResult:
    assert CHANNEL.read_callback is not None
    config = account({"url": "https://x.example", "secret": SECRET})
    return CHANNEL.read_callback(config, CallbackRequest("POST", headers, {}, body), NOON)


RECEIPTS = json.dumps({"receipts": [{"ref": "r-1", "status": "read", "at": "2026-03-02T12:00:00+08:00"}]}).encode()


def test_signed_receipts_are_taken() -> None:
    result = push(RECEIPTS, signed(RECEIPTS))
    (receipt,) = result.receipts
    assert (receipt.provider_ref, receipt.status, receipt.at) == ("r-1", "read", datetime(2026, 3, 2, 4, tzinfo=UTC))
    both = signed(RECEIPTS)
    both["webhook-signature"] = "v1,old " + both["webhook-signature"]
    assert push(RECEIPTS, both).status == 200, "several signatures while a secret is changed"


def test_receipts_that_prove_nothing_are_refused() -> None:
    good = signed(RECEIPTS)
    bad = [
        {},
        good | {"webhook-signature": ""},
        good | {"webhook-id": "other"},
        good | {"webhook-timestamp": "soon"},
        signed(RECEIPTS, at=time.time() - 400),
        signed(RECEIPTS, at=time.time() + 400),
        signed(RECEIPTS, secret="whsec_" + "A" * 40),
        signed(RECEIPTS + b" "),
    ]
    assert [push(RECEIPTS, headers).status for headers in bad] == [403] * len(bad)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "receipts"),
        (b"[" * 100_000, "receipts"),
        (b'{"receipts": 1}', "list"),
        (b'{"receipts": [1]}', "[0]"),
        (b'{"receipts": [{"ref": ""}]}', "[0].ref"),
        (b'{"receipts": [{"ref": "r", "status": "eaten"}]}', "[0].status"),
        (b'{"receipts": [{"ref": "r", "status": "read", "at": "soon"}]}', "[0].at"),
        (b'{"receipts": [{"ref": "r", "status": "read", "at": "2026-03-02T12:00:00"}]}', "time zone"),
        (json.dumps({"receipts": [{}] * 1001}).encode(), "1000"),
    ],
)
def test_receipts_of_another_shape_are_refused_with_the_place(body: bytes, where: str) -> None:
    result = push(body, signed(body))
    assert result.status == 400
    assert where in result.body.decode()


def test_the_button_sends_a_message_that_names_nobody(provider: Hook) -> None:
    assert CHANNEL.check is not None
    assert CHANNEL.check(of(provider), NOON).ok
    assert provider.bodies == [{"type": "test", "account": "test"}]
    provider.statuses.append((500, {}))
    assert "500" in str(CHANNEL.check(of(provider), NOON).message)
    assert not CHANNEL.check(of(provider, secret="whsec_" + "A" * 40), NOON).ok


def test_settings_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LOOPBACK", False)
    good = {"url": "https://tools.example.com/in", "secret": SECRET}
    CHANNEL.check_settings(good)
    for change in (
        {"url": "http://tools.example.com"},
        {"url": "tools"},
        {"url": "https://a:b@tools.example.com"},
        {"secret": ""},
        {"secret": "whsec_c2hvcnQ="},
        {"secret": "not base64 at all, however long it is"},
    ):
        with pytest.raises(WebhookSettingsError):
            CHANNEL.check_settings(good | change)


def test_an_empty_secret_verifies_nothing() -> None:
    with pytest.raises(BadSignatureError):
        verify("", {"webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "v1,"}, b"", NOON.now())
