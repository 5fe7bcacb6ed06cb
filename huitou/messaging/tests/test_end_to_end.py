"""The whole way of each channel: asked for, governed, sent to a server with the provider's rules, reported back."""

from __future__ import annotations

import json
from datetime import timedelta
from email.message import EmailMessage
from urllib.parse import urlencode

import pytest
from django.test import Client

from huitou.core.clock import FixedClock, SystemClock
from huitou.customers.models import Identifier, Person
from huitou.customers.queries import may_contact
from huitou.messaging.accounts import callback_url, create_account
from huitou.messaging.following import plan_fallbacks, poll_accounts
from huitou.messaging.models import Attempt, ChannelAccount, Touch
from huitou.messaging.outbox import send_due
from huitou.messaging.services import SERVICE, Content, Words, request_touches
from huitou.messaging.tests.providers.aliyun import KEY_ID, KEY_SECRET, SIGN, Aliyun, reply_push
from huitou.messaging.tests.providers.hook import SECRET as HOOK_SECRET
from huitou.messaging.tests.providers.hook import Hook, signed
from huitou.messaging.tests.providers.mail import MailServer
from huitou.messaging.tests.providers.server import RESET_AFTER
from huitou.messaging.tests.providers.wecom import AES_KEY, COMPANY, SECRET, TOKEN, Callback, WeCom
from huitou.messaging.tests.stage import NOON, agree, ask
from huitou.sources.models import InboxEvent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback", "accounts")]
CLOCK = FixedClock(NOON)
CONTENT = Content(
    {"zh": Words(title="好久不见", text="看看新品 {link}", link="https://shop.example.com/new")}, template="SMS_6"
)
TEMPLATES = {"SMS_6": ("看看新品 brand.example/l/${link} 拒收请回复R", True)}


def at(**later: float) -> FixedClock:
    return FixedClock(NOON + timedelta(**later))


def a_customer(*channels: str) -> int:
    person = Person.objects.create(created_at=NOON)
    number = f"+8613900{person.pk:06}"
    for kind, space, value in (
        ("phone", "", number),
        ("external_userid", COMPANY, f"wm-{person.pk}"),
        ("email", "", f"c{person.pk}@mail.example"),
    ):
        Identifier.objects.create(kind=kind, namespace=space, value=value, person=person)
    for channel in channels:
        agree(person.pk, channel)
        agree(person.pk, channel, SERVICE)
    return person.pk


def wecom_account(provider: WeCom) -> ChannelAccount:
    told = {"corp_id": COMPANY, "secret": SECRET, "callback_token": TOKEN, "encoding_aes_key": AES_KEY}
    return create_account(kind="wecom", name="WeCom", settings=told | {"address": provider.address}, clock=CLOCK)


def sms_account(provider: Aliyun) -> ChannelAccount:
    told = {"access_key_id": KEY_ID, "access_key_secret": KEY_SECRET, "sign_name": SIGN, "address": provider.address}
    return create_account(kind="sms_aliyun", name="SMS", settings=told, clock=CLOCK)


def path_of(account: ChannelAccount, **query: str) -> str:
    path = "/" + callback_url(account).split("/", 3)[3]
    return f"{path}?{urlencode(query)}" if query else path


def names() -> list[str]:
    """Of what waits to be taken in; the same message twice is one event then."""
    told = [json.loads(bytes(event.payload)) for event in InboxEvent.objects.all()]
    return sorted({one["messageId"]: one["event"] for one in told}.values())


def test_wecom_from_request_to_result(client: Client) -> None:
    """A task that the member confirms; the poll tells each customer's fate; the click is an event."""
    with WeCom() as provider:
        wecom_account(provider)
        customers = [a_customer("wecom") for _ in range(3)]
        ids = request_touches([ask(f"k{n}", c, channels=("wecom",)) for n, c in enumerate(customers)], clock=CLOCK)
        assert send_due(clock=CLOCK).accepted == 3
        assert send_due(clock=CLOCK).judged == 0
        assert {touch.state for touch in Touch.objects.filter(pk__in=ids)} == {"sent"}
        assert poll_accounts(clock=CLOCK) == 0
        lost = f"wm-{customers[2]}"
        provider.friends[lost] = []
        for task in provider.tasks.values():
            provider.confirm(task.msgid, "member-1")
        assert poll_accounts(clock=at(minutes=3)) == 3
        states = {touch.person_id: touch.state for touch in Touch.objects.all()}
        assert states == {customers[0]: "delivered", customers[1]: "delivered", customers[2]: "failed"}
        assert names() == ["Message Delivered"] * 2 + ["Message Failed"] + ["Message Sent"] * 3
        assert poll_accounts(clock=at(minutes=6)) == 0
        assert set(provider.created.values()) == {1}


def test_an_added_friend_is_welcomed_within_the_time_and_once(client: Client) -> None:
    """The callback, three times as a provider may; one event, one welcome, one consent to be answered."""
    with WeCom() as provider:
        account = wecom_account(provider)
        ChannelAccount.objects.filter(pk=account.pk).update(welcome=Content({"zh": Words(text="欢迎你")}).to_json())
        for _time in range(3):
            callback = provider.callback("add_external_contact", "wm-new", created=int(NOON.timestamp()), code="CODE-1")
            answer = client.post(path_of(account, **callback.query), callback.body, content_type="text/xml")
            assert (answer.status_code, answer.content) == (200, b"success")
        assert send_due(clock=CLOCK).accepted == 1
        assert provider.welcomed == {"CODE-1": 1}
        assert names() == ["Friend Added", "Message Sent"]
        assert provider.counts["externalcontact/add_msg_template"] == 0


def test_a_welcome_after_its_time_is_not_sent(client: Client) -> None:
    with WeCom() as provider:
        account = wecom_account(provider)
        ChannelAccount.objects.filter(pk=account.pk).update(welcome=Content({"zh": Words(text="欢迎你")}).to_json())
        callback = provider.callback("add_external_contact", "wm-new", created=int(NOON.timestamp()), code="CODE-2")
        client.post(path_of(account, **callback.query), callback.body, content_type="text/xml")
        send_due(clock=at(seconds=30))
        assert not provider.welcomed
        assert Touch.objects.get().state == "expired"


def test_sms_from_request_to_report_and_reply(client: Client) -> None:
    with Aliyun(TEMPLATES) as provider:
        account = sms_account(provider)
        customer = a_customer("sms")
        [touch_id] = request_touches([ask("k", customer, channels=("sms_aliyun",), content=CONTENT)], clock=CLOCK)
        assert send_due(clock=CLOCK).accepted == 1
        (sent,) = provider.messages
        assert sent.out_id == str(touch_id)
        report = provider.report(sent)
        for _time in range(2):
            answer = client.post(path_of(account), report, content_type="application/json")
            assert json.loads(answer.content)["code"] == 0
        assert Touch.objects.get().state == "delivered"
        assert Attempt.objects.get().cost_minor == 5
        stop = reply_push(sent.phone, "R", NOON.timestamp() - 60)
        assert client.post(path_of(account), stop, content_type="application/json").status_code == 200
        assert not may_contact(customer, "sms", "marketing", NOON + timedelta(hours=1))
        [second] = request_touches(
            [ask("k2", customer, channels=("sms_aliyun",), content=CONTENT, not_after=NOON + timedelta(days=9))],
            clock=CLOCK,
        )
        send_due(clock=at(days=2))
        assert Touch.objects.get(pk=second).reason == "no_consent"
        assert len(provider.messages) == 1
        assert names() == ["Message Delivered", "Message Sent", "Message Unsubscribed"]


def test_a_lost_answer_to_an_sms_is_settled_by_its_report(client: Client) -> None:
    with Aliyun(TEMPLATES) as provider:
        account = sms_account(provider)
        provider.plan.extend(["fine", RESET_AFTER])
        request_touches([ask("k", a_customer("sms"), channels=("sms_aliyun",), content=CONTENT)], clock=CLOCK)
        assert send_due(clock=CLOCK).unknown == 1
        for hours in (1, 24, 48):
            send_due(clock=at(hours=hours))
        assert len(provider.messages) == 1
        client.post(path_of(account), provider.report(provider.messages[0]), content_type="application/json")
        assert Touch.objects.get().state == "delivered"


def test_an_sms_never_leaves_outside_of_the_providers_hours() -> None:
    """20:30 in Shanghai: it waits until nine."""
    with Aliyun(TEMPLATES) as provider:
        sms_account(provider)
        request_touches([ask("k", a_customer("sms"), channels=("sms_aliyun",), content=CONTENT)], clock=CLOCK)
        provider.hour = 20
        send_due(clock=at(hours=8.5))
        assert Touch.objects.get().state == "waiting"
        send_due(clock=at(hours=20.9))
        assert provider.counts["SendSms"] == 0
        provider.hour = 9
        assert send_due(clock=at(hours=21.1)).accepted == 1


@pytest.mark.parametrize("clicked", [False, True])
def test_wecom_then_sms_to_those_who_did_not_click(client: Client, clicked: bool) -> None:
    """One content for both: WeCom says its text, SMS its template, each with a short link of its own."""
    with WeCom() as wecom, Aliyun(TEMPLATES) as sms:
        wecom_account(wecom)
        sms_account(sms)
        told = ask(
            "k",
            a_customer("wecom", "sms"),
            channels=("wecom", "sms_aliyun"),
            content=CONTENT,
            fallback_after=timedelta(hours=22),
        )
        request_touches([told], clock=CLOCK)
        assert send_due(clock=CLOCK).accepted == 1
        (task,) = wecom.tasks.values()
        wecom.confirm(task.msgid, next(iter(task.by_member)))
        assert poll_accounts(clock=at(minutes=3)) == 1
        link = next(word for word in task.content.split() if "/l/" in word)
        if clicked:
            assert client.get("/" + link.split("/", 3)[3]).status_code == 302
        assert plan_fallbacks(clock=at(hours=22)) == (0 if clicked else 1)
        send_due(clock=at(hours=23))
        assert len(sms.messages) == (0 if clicked else 1)
        if not clicked:
            code = sms.messages[0].text.split("/l/")[1].split(" ")[0]
            assert code != link.rpartition("/")[2]
            assert client.get(f"/l/{code}").status_code == 302
            assert Touch.objects.get(channel="sms_aliyun").state == "clicked"


def test_a_mail_from_request_to_one_click_unsubscribe(client: Client) -> None:
    with MailServer() as server:
        told = {"host": "127.0.0.1", "port": str(server.port), "security": "plain", "sender": "news@brand.example"}
        create_account(kind="email", name="Mail", settings=told, clock=CLOCK)
        customer = a_customer("email")
        request_touches([ask("k", customer, channels=("email",), content=CONTENT)], clock=CLOCK)
        assert send_due(clock=CLOCK).accepted == 1
        (mail,) = server.mails
        assert isinstance(mail, EmailMessage)
        address = str(mail["List-Unsubscribe"]).strip("<>")
        one_click = client.post("/" + address.split("/", 3)[3], {"List-Unsubscribe": "One-Click"})
        assert one_click.status_code == 200
        assert not may_contact(customer, "email", "marketing", SystemClock().now())
        assert Attempt.objects.get().provider_ref == mail["Message-ID"]


def test_a_webhook_from_request_to_signed_receipt(client: Client) -> None:
    with Hook() as provider:
        told = {"url": provider.address, "secret": HOOK_SECRET, "consent_channel": "app_push"}
        account = create_account(kind="webhook", name="Push", settings=told, clock=CLOCK)
        request_touches([ask("k", a_customer("app_push"), channels=("webhook",))], clock=CLOCK)
        assert send_due(clock=CLOCK).accepted == 1
        (reference,) = Attempt.objects.values_list("provider_ref", flat=True)
        body = json.dumps({"receipts": [{"ref": reference, "status": "read", "at": NOON.isoformat()}]}).encode()
        headers = signed(body)
        for _time in range(2):
            assert client.post(path_of(account), body, "application/json", headers=headers).status_code == 200
        assert Touch.objects.get().state == "read"
        assert names() == ["Message Read", "Message Sent"]


def test_callbacks_that_prove_nothing_change_nothing(client: Client) -> None:
    """Wrong address, wrong signature, changed bodies, huge bodies, other methods: refused, and nothing is kept."""
    with WeCom() as provider:
        account = wecom_account(provider)
        good = provider.callback("add_external_contact", "wm-new", created=int(NOON.timestamp()))
        bad = [
            Callback(good.query | {"msg_signature": "0" * 40}, good.body),
            Callback({}, good.body),
            Callback(good.query, good.body.replace(b"Encrypt", b"Other")),
            Callback(good.query, b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + good.body),
            Callback(good.query, b""),
        ]
        for each in bad:
            answer = client.post(path_of(account, **each.query), each.body, content_type="text/xml")
            assert answer.status_code == 403
        huge = client.post(path_of(account, **good.query), b"x" * (2 << 20), content_type="text/xml")
        assert huge.status_code == 413
        assert client.put(path_of(account, **good.query), good.body).status_code == 405
        assert client.post("/callbacks/nobody", good.body, content_type="text/xml").status_code == 404
        assert not InboxEvent.objects.exists()
        assert not Identifier.objects.filter(kind="external_userid").exists()


def test_repeated_and_reordered_callbacks_change_nothing(client: Client) -> None:
    with Aliyun(TEMPLATES) as provider:
        account = sms_account(provider)
        request_touches([ask("k", a_customer("sms"), channels=("sms_aliyun",), content=CONTENT)], clock=CLOCK)
        send_due(clock=CLOCK)
        sent = provider.messages[0]
        pushes = [
            provider.report(sent),
            provider.report(sent, code="UNDELIV"),
            reply_push(sent.phone, "R", 1_000_000_000),
        ]
        for body in (*pushes, *pushes, *reversed(pushes)):
            assert client.post(path_of(account), body, content_type="application/json").status_code == 200
        assert Touch.objects.get().state == "delivered", "it arrived; who says otherwise later is not believed"
        assert names() == sorted({*names()}), "each is told once"
