"""WeCom: what became of tasks, reminders, callbacks; every answer checked against the server's own account of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from huitou.core.clock import FixedClock
from huitou.messaging.channel import (
    DELIVERED,
    FAILED,
    Address,
    CallbackRequest,
    CallbackResult,
    Config,
    NotTakenBackError,
    Sent,
)
from huitou.messaging.channels.wecom import CHANNEL
from huitou.messaging.tests.providers.server import GARBAGE, RESET_BEFORE
from huitou.messaging.tests.providers.wecom import (
    AES_KEY,
    COMPANY,
    SECRET,
    TOKEN,
    Callback,
    WeCom,
    encrypt,
    make_callback,
    signed_query,
)
from huitou.messaging.tests.sample import NOON, account, message
from huitou.messaging.wire import NoAnswerError

pytestmark = pytest.mark.usefixtures("loopback")
NAMES = ("wm-ann", "wm-bob", "wm-cat", "wm-dan", "wm-eve")


@pytest.fixture
def provider() -> Iterator[WeCom]:
    with WeCom({"wm-ann": ["li"], "wm-bob": ["li"], "wm-cat": ["wang"], "wm-dan": ["li"], "wm-eve": ["li"]}) as running:
        yield running


def of(provider: WeCom, **given: str) -> Config:
    told = {"callback_token": TOKEN, "encoding_aes_key": AES_KEY}
    return account({"corp_id": COMPANY, "secret": SECRET, "address": provider.address} | told | given)


def send_all(provider: WeCom, text: str = "想念您") -> list[Sent]:
    told = [message(Address("external_userid", COMPANY, name), text=text) for name in NAMES]
    outcomes = CHANNEL.send(of(provider), told, NOON)
    return [
        Sent(one.touch_id, outcome.provider_ref, NOON.now(), one.to)
        for one, outcome in zip(told, outcomes, strict=True)
    ]


def poll(
    provider: WeCom, sent: list[Sent], config: Config | None = None, after: timedelta = timedelta(0)
) -> dict[str, str]:
    assert CHANNEL.poll is not None
    receipts = CHANNEL.poll(config or of(provider), sent, FixedClock(NOON.now() + after))
    return {receipt.to.value: receipt.code or receipt.status for receipt in receipts if receipt.to}


def test_who_did_not_confirm_has_no_result_yet(provider: WeCom) -> None:
    """Two members, five customers, results by pages of two: each customer is told once."""
    sent = send_all(provider)
    assert poll(provider, sent) == {}
    provider.confirm(sent[0].provider_ref, "li")
    assert poll(provider, sent) == dict.fromkeys(("wm-ann", "wm-bob", "wm-dan", "wm-eve"), DELIVERED)
    provider.confirm(sent[0].provider_ref, "wang")
    assert len(poll(provider, sent)) == 5


def test_lost_friends_and_full_quotas_are_failures_with_a_reason(provider: WeCom) -> None:
    provider.rule = "day"
    first, second = send_all(provider), send_all(provider, "再来一条")
    provider.friends["wm-ann"] = []
    provider.confirm(first[1].provider_ref, "li")
    assert poll(provider, first) == {
        "wm-ann": "not_friend",
        "wm-bob": DELIVERED,
        "wm-dan": DELIVERED,
        "wm-eve": DELIVERED,
    }
    provider.confirm(second[1].provider_ref, "li")
    assert poll(provider, second)["wm-bob"] == "quota_reached"
    assert CHANNEL.poll is not None
    failed = [one for one in CHANNEL.poll(of(provider), second, NOON) if one.status == FAILED]
    assert {one.provider_ref for one in failed} == {second[0].provider_ref}


@pytest.mark.parametrize("rule", ["month", "week", "day"])
def test_the_quota_that_is_told_is_the_one_that_the_server_keeps(provider: WeCom, rule: str) -> None:
    """Send one more than the quota says: exactly the last one is refused."""
    provider.rule = rule
    (quota,) = CHANNEL.quotas({"customer_limit": rule}, provider.today)
    for number in range(quota.limit + 1):
        sent = send_all(provider, f"第{number}条")
        provider.confirm(sent[0].provider_ref, "wang")
        expected = DELIVERED if number < quota.limit else "quota_reached"
        assert poll(provider, [sent[2]]) == {"wm-cat": expected}


def test_a_poll_that_breaks_keeps_what_it_has(provider: WeCom) -> None:
    first, second = send_all(provider), send_all(provider, "再来一条")
    for sent in (first, second):
        provider.confirm(sent[0].provider_ref, "li")
    provider.plan.append(RESET_BEFORE)
    assert poll(provider, first) == {}
    provider.plan.append(GARBAGE)
    assert poll(provider, first) == {}
    gone = [Sent(1, "msg-unknown", NOON.now(), first[0].to)]
    assert len(poll(provider, gone + second)) == 4, "a task that is not known any more does not stop the others"


def test_members_who_wait_are_reminded_three_times_and_no_more(provider: WeCom) -> None:
    config, sent = of(provider, remind_hours="2"), send_all(provider)
    task = provider.tasks[sent[0].provider_ref]
    for minutes in range(0, 26 * 60, 10):
        poll(provider, sent, config, timedelta(minutes=minutes))
    assert len(task.reminded_at) == 3
    other = send_all(provider, "另一条")
    for member in ("li", "wang"):
        provider.confirm(other[0].provider_ref, member)
    poll(provider, other, config, timedelta(hours=2))
    assert provider.tasks[other[0].provider_ref].reminded_at == []


def test_a_forgotten_memory_never_passes_what_the_provider_takes(provider: WeCom) -> None:
    """Processes come and go: each begins with an empty memory, and WeCom's own limit holds."""
    sent = send_all(provider)
    for minutes in range(0, 8 * 60, 10):
        poll(provider, sent, of(provider, remind_hours="2"), timedelta(minutes=minutes))
    reminded = provider.tasks[sent[0].provider_ref].reminded_at
    assert len(reminded) == 3
    assert all(earlier <= later for earlier, later in pairwise(reminded))


def take_back(provider: WeCom, reference: str, config: Config | None = None) -> set[str]:
    assert CHANNEL.take_back is not None
    return {address.value for address in CHANNEL.take_back(config or of(provider), reference, NOON)}


def test_a_task_can_be_stopped_and_reaches_nobody_afterwards(provider: WeCom) -> None:
    sent = send_all(provider)
    assert take_back(provider, sent[0].provider_ref) == set()
    assert not provider.confirm(sent[0].provider_ref, "li")
    assert provider.heard == []


def test_whose_member_had_confirmed_is_told_and_the_others_are_stopped(provider: WeCom) -> None:
    sent = send_all(provider)
    provider.confirm(sent[0].provider_ref, "li")
    assert take_back(provider, sent[0].provider_ref) == {"wm-ann", "wm-bob", "wm-dan", "wm-eve"}
    assert not provider.confirm(sent[0].provider_ref, "wang")
    assert "wm-cat" not in provider.heard


def test_what_every_member_has_confirmed_cannot_be_stopped(provider: WeCom) -> None:
    sent = send_all(provider)
    for member in ("li", "wang"):
        provider.confirm(sent[0].provider_ref, member)
    with pytest.raises(NotTakenBackError):
        take_back(provider, sent[0].provider_ref)


def test_an_answer_that_is_lost_after_the_stop_is_asked_for_again_and_the_stop_is_not(provider: WeCom) -> None:
    sent, config = send_all(provider), of(provider)
    provider.plan.extend(["fine", RESET_BEFORE])
    with pytest.raises(NoAnswerError):
        take_back(provider, sent[0].provider_ref, config)
    assert take_back(provider, sent[0].provider_ref, config) == set()
    assert provider.counts["externalcontact/cancel_groupmsg_send"] == 1


def ask(provider: WeCom, callback: Callback, *, method: str = "POST", **given: str) -> CallbackResult:
    assert CHANNEL.read_callback is not None
    request = CallbackRequest(method, {}, {**callback.query, **given}, callback.body)
    return CHANNEL.read_callback(of(provider), request, NOON)


def test_the_address_is_proved_by_the_echo(provider: WeCom) -> None:
    sealed = encrypt(b"7171717171")
    result = ask(provider, Callback(signed_query(sealed), b""), method="GET", echostr=sealed)
    assert (result.status, result.body) == (200, b"7171717171")
    assert ask(provider, Callback(signed_query(sealed), b""), method="GET", echostr=encrypt(b"x")).status == 403
    assert ask(provider, Callback({}, b""), method="GET").status == 403


def test_an_added_customer_is_an_event_and_may_be_welcomed(provider: WeCom) -> None:
    created = int(NOON.now().timestamp())
    result = ask(provider, provider.callback("add_external_contact", "wm-new", created=created, code="CODE"))
    (event,), (reply,) = result.events, result.replies
    assert (event.name, event.who) == ("Friend Added", Address("external_userid", COMPANY, "wm-new"))
    assert event.properties == {"staff_id": "member-1", "entry_code": "door-7", "channel": "wecom", "by": "customer"}
    assert event.at == NOON.now()
    assert (reply.token, reply.expires_at) == ("CODE", NOON.now() + timedelta(seconds=20))
    assert result.body == b"success"


def test_a_repeated_callback_says_the_same(provider: WeCom) -> None:
    """Sent again it comes with another nonce, time and cipher text; what it means has the same id."""
    created = int(NOON.now().timestamp())
    first, second = (
        ask(provider, provider.callback("add_external_contact", "wm-new", created=created)) for _ in range(2)
    )
    assert first.events[0].message_id == second.events[0].message_id
    later = ask(provider, provider.callback("add_external_contact", "wm-new", created=created + 60))
    assert later.events[0].message_id != first.events[0].message_id


@pytest.mark.parametrize(("change", "by"), [("del_follow_user", "customer"), ("del_external_contact", "staff")])
def test_removed_friends_are_events_that_say_who_did_it(provider: WeCom, change: str, by: str) -> None:
    (event,) = ask(provider, provider.callback(change, "wm-ann", created=1_700_000_000)).events
    assert (event.name, event.properties["by"]) == ("Friend Removed", by)
    assert event.at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "document",
    [
        b"<xml><Event>change_external_chat</Event></xml>",
        b"<xml><Event>change_external_contact</Event><ChangeType>edit_external_contact</ChangeType></xml>",
        b"<xml><Event>change_external_contact</Event><ChangeType>add_external_contact</ChangeType>"
        b"<ExternalUserID>wm</ExternalUserID><CreateTime>soon</CreateTime></xml>",
        "<xml><Event>change_external_contact</Event><ChangeType>add_external_contact</ChangeType>"
        "<ExternalUserID>wm</ExternalUserID><CreateTime>٣٣</CreateTime></xml>".encode(),
    ],
)
def test_what_does_not_concern_us_is_taken_and_left(provider: WeCom, document: bytes) -> None:
    """Otherwise WeCom would send it three times more."""
    result = ask(provider, make_callback(document))
    assert (result.status, result.events, result.body) == (200, (), b"success")


def test_who_does_not_prove_to_be_wecom_is_refused(provider: WeCom) -> None:
    good = provider.callback("add_external_contact", "wm-new", created=1_700_000_000)
    assert ask(provider, good).status == 200
    bad = [
        Callback(good.query | {"msg_signature": "0" * 40}, good.body),
        Callback(good.query | {"msg_signature": "ä"}, good.body),
        Callback(good.query | {"nonce": "other"}, good.body),
        Callback({}, good.body),
        Callback(good.query, good.body.replace(b"<Encrypt><![CDATA[", b"<Encrypt><![CDATA[A")),
        Callback(good.query, b""),
        Callback(good.query, b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + good.body),
        Callback(good.query, b"x" * (2 << 20)),
        make_callback(b"<xml/>", token="other"),
        make_callback(b"<xml/>", company="ww-other"),
        make_callback(b"no xml"),
    ]
    assert [ask(provider, one).status for one in bad] == [403] * len(bad)


@pytest.mark.parametrize("age", [4000, -4000, 30 * 86400])
def test_a_copy_of_an_old_callback_is_refused(provider: WeCom, age: float) -> None:
    sealed = encrypt(b"<xml/>")
    body = f"<xml><Encrypt>{sealed}</Encrypt></xml>".encode()
    assert ask(provider, Callback(signed_query(sealed), body)).status == 200
    assert ask(provider, Callback(signed_query(sealed, age=age), body)).status == 403


def test_without_token_and_key_no_callback_is_believed(provider: WeCom) -> None:
    """An empty token would make a signature that anybody can write."""
    assert CHANNEL.read_callback is not None
    callback = make_callback(b"<xml/>", token="")
    config = of(provider, callback_token="", encoding_aes_key="")
    request = CallbackRequest("POST", {}, callback.query, callback.body)
    assert CHANNEL.read_callback(config, request, NOON).status == 403
