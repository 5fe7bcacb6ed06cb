"""WeCom: tokens, mass messages and welcomes against a server that keeps the documented limits and refuses often."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huitou.messaging import wire
from huitou.messaging.channel import ACCEPTED, REFUSED, UNKNOWN, Address, Config, Outgoing
from huitou.messaging.channels import wecom
from huitou.messaging.channels.wecom import CHANNEL
from huitou.messaging.channels.wecom.client import Client
from huitou.messaging.tests.providers.server import BREAKS, FINE, RESET_AFTER, SLOW
from huitou.messaging.tests.providers.wecom import AES_KEY, COMPANY, SECRET, TOKEN, WeCom
from huitou.messaging.tests.sample import NOON, account, message
from huitou.messaging.wire import Wire

pytestmark = pytest.mark.usefixtures("loopback")


@pytest.fixture
def provider() -> Iterator[WeCom]:
    with WeCom({"wm-ann": ["li"], "wm-bob": ["li", "wang"], "wm-cat": ["wang"]}) as running:
        yield running


def of(provider: WeCom, **given: str) -> Config:
    return account({"corp_id": COMPANY, "secret": SECRET, "address": provider.address, **given})


def to(customer: str) -> Address:
    return Address("external_userid", COMPANY, customer)


def test_customers_who_are_told_the_same_share_one_task(provider: WeCom) -> None:
    """Each task has to be confirmed by a member, so there are as few as can be; the last member to talk gets it."""
    told = [message(to(name), text="新品到了") for name in ("wm-ann", "wm-bob", "wm-cat")]
    told.append(message(to("wm-ann"), text="生日快乐"))
    outcomes = CHANNEL.send(of(provider), told, NOON)
    assert [outcome.kind for outcome in outcomes] == [ACCEPTED] * 4
    assert {outcome.awaits for outcome in outcomes} == {"member"}
    assert len({outcome.provider_ref for outcome in outcomes}) == 2
    first = provider.tasks[outcomes[0].provider_ref]
    assert first.by_member == {"li": ["wm-ann", "wm-bob"], "wang": ["wm-cat"]}


def test_a_step_may_name_the_member(provider: WeCom) -> None:
    told = [message(to(name), extra={"sender": "wang"}) for name in ("wm-ann", "wm-bob")]
    ann, bob = CHANNEL.send(of(provider), told, NOON)
    assert (ann.kind, ann.code, ann.permanent) == (REFUSED, "fail_list", True)
    assert provider.tasks[bob.provider_ref].by_member == {"wang": ["wm-bob"]}


def test_strangers_are_refused_for_good_and_the_others_go(provider: WeCom) -> None:
    told = [message(to(name)) for name in ("wm-ann", "wm-nobody")]
    ann, nobody = CHANNEL.send(of(provider), told, NOON)
    assert ann.kind == ACCEPTED
    assert (nobody.kind, nobody.permanent) == (REFUSED, True)
    alone = CHANNEL.send(of(provider), [message(to("wm-nobody"))], NOON)[0]
    assert (alone.kind, alone.code, alone.permanent) == (REFUSED, "41048", True)


def test_nobody_gets_two_of_one_task(provider: WeCom) -> None:
    """The results of a task are told by customer, so two messages to one need two tasks."""
    outcomes = CHANNEL.send(of(provider), [message(to("wm-ann")), message(to("wm-ann"))], NOON)
    assert len({outcome.provider_ref for outcome in outcomes}) == 2


def test_content_that_wecom_would_not_take_is_not_sent(provider: WeCom) -> None:
    long = message(to("wm-ann"), text="字" * 1334)
    other = message(Address("external_userid", "ww-other", "wm-ann"))
    empty = message(to("wm-ann"), text="")
    codes = [outcome.code for outcome in CHANNEL.send(of(provider), [long, other, empty], NOON)]
    assert codes == ["text_too_long", "other_company", "no_content"]
    assert provider.counts["externalcontact/add_msg_template"] == 0


def test_a_link_goes_in_the_text_or_as_a_card(provider: WeCom) -> None:
    link = "https://brand.example/s/abc"
    CHANNEL.send(of(provider), [message(to("wm-ann"), text=f"看看 {link}", link=link)], NOON)
    CHANNEL.send(of(provider), [message(to("wm-ann"), text="看看", title="上" * 100, link=link)], NOON)
    first, second = (asked.body.decode() for asked in provider.asked if "add_msg" in asked.path)
    assert "attachments" not in first
    assert "attachments" in second
    assert "上" * 42 in second
    assert "上" * 43 not in second


def test_one_token_serves_all_and_is_renewed_by_one(provider: WeCom) -> None:
    """Twenty threads find the token refused at once: one takes a new one, nothing is lost and nothing sent twice."""
    config = of(provider)
    assert CHANNEL.send(config, [message(to("wm-ann"))], NOON)[0].kind == ACCEPTED
    provider.tokens.clear()
    with ThreadPoolExecutor(20) as pool:
        told = [message(to("wm-ann"), text=f"第{number}条") for number in range(20)]
        outcomes = list(pool.map(lambda one: CHANNEL.send(config, [one], NOON)[0], told))
    assert {outcome.kind for outcome in outcomes} == {ACCEPTED}
    assert provider.counts["gettoken"] == 2
    assert set(provider.created.values()) == {1}


def test_an_expired_token_is_renewed_once_and_then_given_up(provider: WeCom) -> None:
    provider.refusals = [42001, 42001]
    outcome = CHANNEL.send(of(provider), [message(to("wm-ann"))], NOON)[0]
    assert (outcome.kind, outcome.code, outcome.account_trouble, outcome.permanent) == (REFUSED, "42001", True, False)
    assert not provider.created


@pytest.mark.parametrize(
    ("code", "permanent", "trouble", "wait"),
    [
        (-1, False, False, timedelta(minutes=1)),
        (45009, False, False, timedelta(hours=1)),
        (45033, False, False, timedelta(minutes=1)),
        (40001, False, True, timedelta(minutes=30)),
        (60020, False, True, timedelta(minutes=30)),
        (48002, False, True, timedelta(minutes=30)),
        (40096, True, False, None),
        (84061, True, False, None),
        (40058, True, False, None),
        (999999, True, False, None),
    ],
)
def test_codes_mean_what_can_be_done(
    provider: WeCom, code: int, permanent: bool, trouble: bool, wait: timedelta | None
) -> None:
    provider.refusals = [code]
    outcome = CHANNEL.send(of(provider), [message(to("wm-ann"))], NOON)[0]
    assert (outcome.kind, outcome.code) == (REFUSED, str(code))
    assert (outcome.permanent, outcome.account_trouble, outcome.retry_after) == (permanent, trouble, wait)
    assert not provider.created


def test_trouble_with_the_account_stops_the_rest_of_the_batch(provider: WeCom) -> None:
    provider.refusals = [60020]
    outcomes = CHANNEL.send(of(provider), [message(to("wm-ann"), text=f"{n}") for n in range(5)], NOON)
    assert {outcome.code for outcome in outcomes} == {"60020"}
    assert provider.counts["externalcontact/add_msg_template"] == 1


def test_a_lost_answer_to_the_token_sends_nothing(provider: WeCom) -> None:
    provider.plan.append(RESET_AFTER)
    outcome = CHANNEL.send(of(provider), [message(to("wm-ann"))], NOON)[0]
    assert (outcome.kind, outcome.code, outcome.permanent) == (REFUSED, "token_unavailable", False)


@pytest.mark.parametrize("broken", [*BREAKS, SLOW])
def test_a_lost_answer_to_the_task_is_unknown(provider: WeCom, broken: str) -> None:
    provider.plan.extend([FINE, broken])
    outcomes = CHANNEL.send(of(provider), [message(to("wm-ann")), message(to("wm-bob"))], NOON)
    assert [outcome.kind for outcome in outcomes] == [UNKNOWN, UNKNOWN]
    assert provider.counts["externalcontact/add_msg_template"] <= 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    plan=st.lists(st.sampled_from([FINE, FINE, *BREAKS]), max_size=8),
    refusals=st.lists(st.sampled_from([0, 0, -1, 42001, 40014, 45009, 41048]), max_size=6),
    names=st.lists(st.sampled_from(["wm-ann", "wm-bob", "wm-cat", "wm-nobody"]), min_size=1, max_size=6),
)
def test_no_message_is_created_twice_however_it_breaks(plan: list[str], refusals: list[int], names: list[str]) -> None:
    """The one who calls retries definite refusals, as the outbox does, and nothing else; the server counts."""
    with WeCom({"wm-ann": ["li"], "wm-bob": ["li"], "wm-cat": ["wang"]}) as provider:
        provider.plan.extend(plan)
        provider.refusals = list(refusals)
        waiting = [message(to(name), text=f"{place} {name}") for place, name in enumerate(names)]
        done: dict[str, list[Outgoing]] = {ACCEPTED: [], UNKNOWN: [], REFUSED: []}
        for _attempt in range(25):
            outcomes = CHANNEL.send(of(provider), waiting, NOON)
            assert len(outcomes) == len(waiting)
            later = []
            for one, outcome in zip(waiting, outcomes, strict=True):
                if outcome.kind == REFUSED and not outcome.permanent:
                    later.append(one)
                else:
                    done[outcome.kind].append(one)
            waiting = later
            if not waiting:
                break
        assert not waiting
        assert all(count == 1 for count in provider.created.values())
        made = {key.partition(":")[2] for key in provider.created}
        assert {one.text for one in done[ACCEPTED]} <= made <= {one.text for one in done[ACCEPTED] + done[UNKNOWN]}


def test_the_welcome_is_sent_once_with_the_code(provider: WeCom) -> None:
    provider.welcome_codes["code-1"] = provider.now()
    told = [message(to("wm-ann"), reply_token="code-1"), message(to("wm-bob"))]
    welcome, mass = CHANNEL.send(of(provider), told, NOON)
    assert (welcome.kind, welcome.awaits) == (ACCEPTED, "")
    assert mass.awaits == "member"
    again = CHANNEL.send(of(provider), [message(to("wm-ann"), reply_token="code-1")], NOON)[0]
    assert (again.kind, again.code, again.permanent) == (REFUSED, "41051", True)
    assert provider.welcomed == {"code-1": 1}


def test_a_welcome_that_is_late_or_refused_is_never_tried_again(provider: WeCom) -> None:
    provider.welcome_codes["code-2"] = provider.now() - 21
    late = CHANNEL.send(of(provider), [message(to("wm-ann"), reply_token="code-2")], NOON)[0]
    assert (late.code, late.permanent) == ("41050", True)
    provider.refusals = [41096]
    busy = CHANNEL.send(of(provider), [message(to("wm-ann"), reply_token="code-2")], NOON)[0]
    assert (busy.code, busy.permanent) == ("41096", True)
    provider.plan.append(RESET_AFTER)
    lost = CHANNEL.send(of(provider), [message(to("wm-ann"), reply_token="code-2")], NOON)[0]
    assert lost.kind == UNKNOWN


def test_a_task_holds_no_more_than_wecom_takes() -> None:
    with WeCom() as provider:
        told = [message(to(f"wm-{number}"), text="一样") for number in range(10_001)]
        outcomes = CHANNEL.send(of(provider), told, NOON)
        assert {outcome.kind for outcome in outcomes} == {ACCEPTED}
        assert sorted(sum(map(len, task.by_member.values())) for task in provider.tasks.values()) == [1, 10_000]


@pytest.mark.parametrize(
    ("rule", "day", "expected"),
    [
        ("month", date(2026, 2, 10), ("month", 28)),
        ("month", date(2028, 2, 10), ("month", 29)),
        ("", date(2026, 4, 1), ("month", 30)),
        ("week", date(2026, 4, 1), ("week", 7)),
        ("day", date(2026, 4, 1), ("day", 1)),
    ],
)
def test_quotas_follow_the_rule_that_is_set(rule: str, day: date, expected: tuple[str, int]) -> None:
    (quota,) = CHANNEL.quotas({"customer_limit": rule}, day)
    assert (quota.period, quota.limit, quota.per) == (*expected, "customer")


def test_the_button_tells_whether_company_and_secret_fit(provider: WeCom) -> None:
    assert CHANNEL.check is not None
    assert CHANNEL.check(of(provider), NOON).ok
    wrong = CHANNEL.check(of(provider, secret="other"), NOON)
    assert not wrong.ok
    assert "40001" in str(wrong.message)
    provider.plan.append(RESET_AFTER)
    assert not CHANNEL.check(of(provider), NOON).ok


def test_settings_are_looked_at() -> None:
    good = {"callback_token": TOKEN, "encoding_aes_key": AES_KEY, "remind_hours": "3"}
    CHANNEL.check_settings(good)
    for change in ({"encoding_aes_key": ""}, {"encoding_aes_key": "short"}, {"remind_hours": "24"}):
        with pytest.raises(wecom.WeComSettingsError):
            CHANNEL.check_settings(good | change)


def test_errors_quote_neither_token_nor_secret(provider: WeCom) -> None:
    provider.refusals = [45009]
    said = CHANNEL.send(of(provider), [message(to("wm-ann"))], NOON)[0]
    token = next(iter(provider.tokens))
    assert token not in repr(said)
    assert SECRET not in repr(said)
    client = Client(COMPANY, SECRET, Wire(), "https://127.0.0.1")
    with pytest.raises(wire.NotSentError) as caught:
        client.ask("x", {})
    assert SECRET not in repr(caught.value)
