"""Short messages: what is signed, said, refused, billed and reported, against a server that checks it all itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huitou.core.clock import SystemClock
from huitou.messaging.channel import (
    ACCEPTED,
    DELIVERED,
    FAILED,
    REFUSED,
    UNKNOWN,
    Address,
    CallbackRequest,
    CallbackResult,
    Config,
    Outgoing,
    Sent,
)
from huitou.messaging.channels.sms_aliyun import CHANNEL, SmsSettingsError
from huitou.messaging.channels.sms_aliyun.reports import national
from huitou.messaging.channels.sms_aliyun.signing import encode_query, sign_request
from huitou.messaging.channels.sms_aliyun.wording import (
    WordingError,
    asks_to_stop,
    check_message,
    check_variables,
    count_parts,
)
from huitou.messaging.tests.providers.aliyun import KEY_ID, KEY_SECRET, SIGN, Aliyun, reply_push
from huitou.messaging.tests.providers.server import BREAKS, FINE, GARBAGE, RESET_AFTER, RESET_BEFORE
from huitou.messaging.tests.sample import NOON, account, message

pytestmark = pytest.mark.usefixtures("loopback")
TEMPLATE = "${name}，您的专属券还有${days}天到期，拒收请回复R"
TEMPLATES = {
    "SMS_1": (TEMPLATE, True),
    "SMS_2": ("您的订单已发货", False),
    "SMS_3": ("新品上市", True),
    "SMS_4": ("已发货，拒收请回复R", False),
    "SMS_5": ("字" * 500 + "拒收请回复R", True),
    "SMS_6": ("看看新品 brand.example/l/${link} 拒收请回复R", True),
}
PHONE = Address("phone", "", "+8613912345678")


@pytest.fixture
def provider() -> Iterator[Aliyun]:
    with Aliyun(TEMPLATES) as running:
        yield running


def of(provider: Aliyun, **given: str) -> Config:
    told = {"access_key_id": KEY_ID, "access_key_secret": KEY_SECRET, "sign_name": SIGN}
    return account(told | {"address": provider.address} | given)


def coupon(phone: str = PHONE.value, **given: Any) -> Outgoing:
    told = {"text": "券要到期了", "template": "SMS_1", "params": {"name": "王女士", "days": "3"}}
    return message(Address("phone", "", phone), **(told | given))


def test_the_published_example_has_the_published_signature() -> None:
    """The documents of the scheme print every input and the signature."""
    headers = sign_request(
        host="ecs.cn-shanghai.aliyuncs.com",
        action="RunInstances",
        version="2014-05-26",
        query=encode_query(
            {"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"}
        ),
        body=b"",
        moment=datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC),
        nonce="3156853299f313e23d1673dc12e1703d",
        key_id="YourAccessKeyId",
        key_secret="YourAccessKeySecret",
    )
    assert headers["Authorization"].endswith(
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_a_message_goes_out_with_number_signature_template_and_variables(provider: Aliyun) -> None:
    (outcome,) = CHANNEL.send(of(provider), [told := coupon()], NOON)
    (sent,) = provider.messages
    assert (outcome.kind, outcome.provider_ref, outcome.parts) == (ACCEPTED, sent.biz_id, 1)
    assert (sent.phone, sent.out_id) == ("13912345678", str(told.touch_id))
    assert sent.text == "王女士，您的专属券还有3天到期，拒收请回复R"


def test_what_counts_is_the_template_and_only_its_variables_go_along(provider: Aliyun) -> None:
    """Our own text may say anything, for WeCom perhaps: parts are those of the template. Others stay at home."""
    link = "https://brand.example/l/k3bRmT2qZ9x"
    told = [coupon(template="SMS_6", text="字" * 400, link=link, params={"link": link, "name": "王"})]
    told.append(coupon(template="SMS_2", purpose="service"))
    outcomes = CHANNEL.send(of(provider), told, NOON)
    assert [outcome.parts for outcome in outcomes] == [1, 1]
    asked = {
        one.query["TemplateCode"]: one.query.get("TemplateParam") for one in provider.asked if "OutId" in one.query
    }
    assert asked == {"SMS_6": '{"link": "k3bRmT2qZ9x"}', "SMS_2": None}
    assert "brand.example/l/k3bRmT2qZ9x" in next(one.text for one in provider.messages if "看看" in one.text)


def test_a_template_is_looked_up_once_and_a_bad_one_stops_no_other(provider: Aliyun) -> None:
    config = of(provider)
    outcomes = CHANNEL.send(config, [coupon(), coupon(template="SMS_9"), coupon()], NOON)
    assert [outcome.kind for outcome in outcomes] == [ACCEPTED, REFUSED, ACCEPTED]
    assert (outcomes[1].code, outcomes[1].permanent) == ("isv.SMS_TEMPLATE_ILLEGAL", True)
    CHANNEL.send(config, [coupon()], NOON)
    assert provider.counts["QuerySmsTemplate"] == 2


def test_a_template_that_cannot_be_looked_up_leaves_the_message_for_later(provider: Aliyun) -> None:
    provider.plan.append(RESET_AFTER)
    (outcome,) = CHANNEL.send(of(provider), [coupon()], NOON)
    assert (outcome.kind, outcome.permanent, outcome.retry_after) == (REFUSED, False, timedelta(minutes=1))
    provider.template_status = 0
    (outcome,) = CHANNEL.send(of(provider), [coupon()], NOON)
    assert (outcome.code, outcome.permanent) == ("template_not_approved", True)
    assert provider.counts["SendSms"] == 0


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=35))
def test_any_text_is_signed_as_the_server_reads_it(name: str) -> None:
    """Blanks, plus signs, stars, tildes, Chinese and emoji are percent-encoded alike on both sides."""
    with Aliyun(TEMPLATES) as provider:
        (outcome,) = CHANNEL.send(of(provider), [coupon(params={"name": name, "days": "3"})], NOON)
        assert outcome.code in {"", "variable_link", "variable_characters"}
        assert outcome.code or provider.messages[0].text.startswith(name)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"template": ""}, "template_missing"),
        ({"template": "SMS_3"}, "no_opt_out"),
        ({"template": "SMS_4", "purpose": "service"}, "opt_out_in_notice"),
        ({"template": "SMS_5"}, "too_long"),
        ({"template": "SMS_2"}, "template_for_notices"),
        ({"params": {"name": "王女士"}}, "variable_missing"),
        ({"params": {"name": "x" * 36, "days": "3"}}, "variable_length"),
        ({"params": {"name": "", "days": "3"}}, "variable_length"),
        ({"params": {"name": "https://a.cn/x", "days": "3"}}, "variable_link"),
        ({"params": {"name": "shop.example.com", "days": "3"}}, "variable_link"),
        ({"params": {"name": "【店】", "days": "3"}}, "variable_characters"),
        ({"params": {"name": "★", "days": "3"}}, "variable_characters"),
        ({"purpose": "service"}, "template_for_marketing"),
    ],
)
def test_what_breaks_the_rules_is_not_sent(provider: Aliyun, change: dict[str, Any], code: str) -> None:
    (outcome,) = CHANNEL.send(of(provider), [coupon(**change)], NOON)
    assert (outcome.kind, outcome.code, outcome.permanent) == (REFUSED, code, True)
    assert provider.counts["SendSms"] == 0


@pytest.mark.parametrize(
    ("code", "said", "permanent", "trouble", "wait"),
    [
        ("isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1", False, False, timedelta(minutes=1)),
        ("isv.BUSINESS_LIMIT_CONTROL", "触发小时级流控Permits:5", False, False, timedelta(hours=1)),
        ("isv.BUSINESS_LIMIT_CONTROL", "触发天级流控Permits:40", False, False, timedelta(days=1)),
        ("isv.DAY_LIMIT_CONTROL", "", False, False, timedelta(days=1)),
        ("isv.AMOUNT_NOT_ENOUGH", "", False, True, timedelta(hours=1)),
        ("isv.OUT_OF_SERVICE", "", False, True, timedelta(hours=1)),
        ("isp.RAM_PERMISSION_DENY", "", False, True, timedelta(hours=1)),
        ("Throttling.User", "", False, False, timedelta(minutes=1)),
        ("isv.MOBILE_NUMBER_ILLEGAL", "", True, False, None),
        ("isv.BLACK_KEY_CONTROL_LIMIT", "", True, False, None),
        ("isv.SMS_TEMPLATE_ILLEGAL", "", True, False, None),
        ("isv.NEVER_HEARD_OF", "", True, False, None),
    ],
)
def test_codes_mean_what_can_be_done(
    provider: Aliyun, code: str, said: str, permanent: bool, trouble: bool, wait: timedelta | None
) -> None:
    provider.refusals = [(code, said)]
    (outcome,) = CHANNEL.send(of(provider), [coupon()], NOON)
    assert (outcome.kind, outcome.code) == (REFUSED, code)
    assert (outcome.permanent, outcome.account_trouble, outcome.retry_after) == (permanent, trouble, wait)
    assert outcome.waits_alone == (code == "isv.BUSINESS_LIMIT_CONTROL"), "one number over its limit is no other's"
    assert not provider.messages


@pytest.mark.parametrize("code", ["isp.SYSTEM_ERROR", "SignatureNonceUsed"])
def test_an_inner_fault_of_the_provider_or_a_request_that_came_twice_is_unknown(provider: Aliyun, code: str) -> None:
    provider.refusals = [(code, "")]
    assert CHANNEL.send(of(provider), [coupon()], NOON)[0].kind == UNKNOWN


def test_one_number_over_its_limit_stops_no_other(provider: Aliyun) -> None:
    provider.per_minute = 1
    told = [coupon(), coupon(), *(coupon(f"+86138000000{n:02}") for n in range(30))]
    outcomes = CHANNEL.send(of(provider), told, NOON)
    assert sorted(outcome.kind for outcome in outcomes[:2]) == [ACCEPTED, REFUSED]
    assert {outcome.kind for outcome in outcomes[2:]} == {ACCEPTED}


def test_outside_of_its_hours_the_provider_refuses_marketing(provider: Aliyun) -> None:
    """The governor knows these hours, so that it does not come to this."""
    provider.hour = 20
    assert CHANNEL.send(of(provider), [coupon()], NOON)[0].kind == REFUSED
    assert CHANNEL.provider_hours is not None
    assert [at.hour for at in CHANNEL.provider_hours] == [8, 20]


@pytest.mark.parametrize("broken", BREAKS)
def test_a_lost_answer_is_unknown_and_the_report_still_finds_its_touch(provider: Aliyun, broken: str) -> None:
    provider.plan.extend([FINE, broken])
    (outcome,) = CHANNEL.send(of(provider), [told := coupon()], NOON)
    assert outcome.kind == UNKNOWN
    assert len(provider.messages) == (0 if broken in (RESET_BEFORE, GARBAGE) else 1)
    for sent in provider.messages:
        (receipt,) = push(provider, provider.report(sent)).receipts
        assert (receipt.touch_id, receipt.status) == (told.touch_id, DELIVERED)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    plan=st.lists(st.sampled_from([FINE, FINE, *BREAKS]), max_size=12),
    refusals=st.lists(
        st.sampled_from(["isv.BUSINESS_LIMIT_CONTROL", "Throttling", "isv.MOBILE_NUMBER_ILLEGAL"]), max_size=4
    ),
    count=st.integers(1, 12),
)
def test_nothing_is_sent_twice_however_it_breaks(plan: list[str], refusals: list[str], count: int) -> None:
    """Definite refusals are sent again as the outbox does, eight at once; the server counts by touch."""
    with Aliyun(TEMPLATES) as provider:
        provider.plan.extend(plan)
        provider.refusals = [(code, "") for code in refusals]
        waiting = [coupon(f"+86139{number:08}") for number in range(count)]
        accepted = set()
        while waiting:
            outcomes = CHANNEL.send(of(provider), waiting, NOON)
            pairs = list(zip(waiting, outcomes, strict=True))
            accepted |= {str(one.touch_id) for one, outcome in pairs if outcome.kind == ACCEPTED}
            waiting = [one for one, outcome in pairs if outcome.kind == REFUSED and not outcome.permanent]
        assert set(provider.sends.values()) <= {1}
        assert accepted <= set(provider.sends)


@pytest.mark.parametrize(
    ("characters", "parts"), [(1, 1), (65, 1), (66, 2), (129, 2), (130, 3), (196, 3), (197, 4), (495, 8)]
)
def test_parts_are_billed_by_length_with_the_signature(characters: int, parts: int) -> None:
    """【回头客】 takes five characters: 70 in all are one message, then 67 each."""
    assert count_parts("字" * characters, SIGN) == parts
    assert CHANNEL.cost_minor({"price_minor": "5"}, parts) == 5 * parts


@pytest.mark.parametrize("reply", ["R", "r", " T ", "td", "退订", "退订。", "拒收", "“R”", "Ｒ", "退 订！", "回复r"])
def test_replies_that_mean_no_more(reply: str) -> None:
    assert asks_to_stop(reply)


@pytest.mark.parametrize("reply", ["", "好的", "Really nice", "我要退货", "RT", "什么时候到货"])
def test_replies_that_mean_something_else(reply: str) -> None:
    assert not asks_to_stop(reply)


def push(provider: Aliyun, body: bytes, **given: str) -> CallbackResult:
    assert CHANNEL.read_callback is not None
    request = CallbackRequest("POST", {}, given, body)
    return CHANNEL.read_callback(of(provider), request, NOON)


def test_reports_and_replies_become_receipts(provider: Aliyun) -> None:
    CHANNEL.send(of(provider), [coupon()], NOON)
    (sent,) = provider.messages
    (good,) = push(provider, provider.report(sent)).receipts
    (bad,) = push(provider, provider.report(sent, code="MOBILE_IN_BLACK")).receipts
    assert (good.status, good.provider_ref, good.to) == (DELIVERED, sent.biz_id, PHONE)
    assert (bad.status, bad.code) == (FAILED, "MOBILE_IN_BLACK")
    at = time.mktime((2026, 3, 2, 12, 0, 0, 0, 0, 0))
    (stop,) = push(provider, reply_push("13912345678", "退订", at)).events
    assert (stop.who, stop.at, stop.consents) == (PHONE, datetime.fromtimestamp(at, tz=UTC), (("marketing", False),))
    assert push(provider, reply_push("13912345678", "退订", at)).events == (stop,), "pushed again it is the same"
    assert push(provider, reply_push("13912345678", "谢谢", at)).events == ()
    assert json.loads(push(provider, b"[]").body)["code"] == 0


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[1]", b"{", b"\xff", b"[" * 100_000])
def test_pushes_of_another_shape_are_refused(provider: Aliyun, body: bytes) -> None:
    assert push(provider, body).status == 400


def test_rows_without_what_is_needed_are_passed_over(provider: Aliyun) -> None:
    rows = [{"biz_id": "1"}, {"content": "R"}, {}, {"biz_id": "1", "report_time": "soon", "success": True}]
    assert push(provider, json.dumps(rows).encode()).receipts == ()


def test_details_are_asked_for_where_no_report_came(provider: Aliyun) -> None:
    assert CHANNEL.poll is not None
    told = [coupon(), coupon("+8613800000001"), coupon("+8613800000002")]
    outcomes = CHANNEL.send(of(provider), told, NOON)
    sent = [
        Sent(one.touch_id, outcome.provider_ref, SystemClock().now(), one.to)
        for one, outcome in zip(told, outcomes, strict=True)
    ]
    by_phone = {one.phone: one for one in provider.messages}
    by_phone["13912345678"].status = 3
    by_phone["13800000001"].status, by_phone["13800000001"].code = 2, "UNDELIV"
    found = {receipt.to: (receipt.status, receipt.code) for receipt in CHANNEL.poll(of(provider), sent, NOON)}
    assert found == {told[0].to: (DELIVERED, ""), told[1].to: (FAILED, "UNDELIV")}


def test_the_button_tells_what_is_wrong(provider: Aliyun) -> None:
    assert CHANNEL.check is not None
    assert CHANNEL.check(of(provider), NOON).ok
    for change in ({"access_key_secret": "x"}, {"access_key_id": "x"}, {"sign_name": "x"}):
        assert not CHANNEL.check(of(provider, **change), NOON).ok
    provider.plan.append(RESET_AFTER)
    assert not CHANNEL.check(of(provider), NOON).ok


def test_settings_are_looked_at() -> None:
    CHANNEL.check_settings({"sign_name": SIGN})
    with pytest.raises(SmsSettingsError):
        CHANNEL.check_settings({"sign_name": "【店】"})


def test_wording_names_the_variable() -> None:
    with pytest.raises(WordingError) as caught:
        check_variables({"days": "3", "name": "a\nb"})
    assert caught.value.where == "name"
    check_message("新品。拒收请回复R。", is_marketing=True)
    assert [national(phone) for phone in ("+8613912345678", "+85291234567")] == ["13912345678", "85291234567"]
