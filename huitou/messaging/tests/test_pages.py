"""The pages say what waits and why, and do what their buttons say."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from huitou.accounts.models import Brand, User
from huitou.core.clock import FixedClock
from huitou.messaging.accounts import create_account
from huitou.messaging.models import ChannelAccount, HandoffList, Touch
from huitou.messaging.outbox import send_due
from huitou.messaging.rules import find_policy
from huitou.messaging.services import request_touches
from huitou.messaging.tests.stage import NOON, Recorder, ask, make_customer

pytestmark = pytest.mark.django_db
CLOCK = FixedClock(NOON)


@pytest.fixture
def admin(client: Client) -> Client:
    user = User.objects.create_superuser("boss", password="a long enough secret", role="admin", language="en")
    client.force_login(user)
    return client


def test_messages_stand_in_their_list_with_the_reason(
    admin: Client, accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    request_touches([ask("a", make_customer(channels=()))], clock=CLOCK)
    recorder.broken = True
    request_touches([ask("b", make_customer())], clock=CLOCK)
    send_due(clock=CLOCK)
    refused = admin.get("/messages/?group=refused&reason=no_consent").content.decode()
    assert "launch:1" in refused
    unknown = Touch.objects.get(key="b")
    assert f"/messages/{unknown.pk}/decision/" in admin.get("/messages/?group=unknown").content.decode()
    admin.post(f"/messages/{unknown.pk}/decision/", {"decision": "not_sent"})
    unknown.refresh_from_db()
    assert (unknown.state, unknown.reason) == ("failed", "operator_not_sent")


_CELL = re.compile(r"<t([dh])([^>]*)>")
_LABEL = re.compile(r'data-label="([^"]+)"')


def test_what_a_phone_shows_without_headings_carries_them(
    admin: Client, accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    """On a phone the headings are gone and each row is a card: a cell with a value says which column it is of."""
    create_account(kind="list_handoff", name="calls", settings={"consent_channel": "text"}, clock=CLOCK)
    request_touches([ask("a", make_customer(channels=())), ask("b", make_customer())], clock=CLOCK)
    send_due(clock=CLOCK)
    text = admin.get("/messages/?group=sent").content.decode()
    assert 'class="stacked"' in text
    headings = re.findall(r'<th scope="col"[^>]*>([^<]+)</th>', text)
    row = text[text.index("<tbody>") : text.index("</tr>", text.index("<tbody>"))]
    cells = [attributes for _kind, attributes in _CELL.findall(row)]
    assert len(cells) == len(headings)
    # Who it is for, and the state, need no word.
    assert [_LABEL.findall(cell) for cell in cells] == [[], [], *([heading] for heading in headings[2:])]
    # What is empty is left out on a phone, and a dash elsewhere.
    sent, next_look = cells[-2:]
    assert ("blank" in sent, "blank" in next_look) == (False, True)


def test_a_message_by_hand_is_planned_from_the_customers_page(
    admin: Client, accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    customer = make_customer()
    page = admin.get(f"/customers/{customer}/").content.decode()
    assert f"/messages/to/{customer}/" in page
    told = {"channel": "text/text", "purpose": "marketing", "text": "您好", "link": ""}
    assert admin.post(f"/messages/to/{customer}/", told).status_code == 302
    send_due(clock=CLOCK)
    assert [m.text for m in recorder.sent] == ["您好"]
    assert "您好" in admin.get(f"/customers/{customer}/").content.decode()


def test_a_list_is_made_downloaded_and_its_report_taken(
    admin: Client, accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    account = create_account(kind="list_handoff", name="calls", settings={"consent_channel": "text"}, clock=CLOCK)
    [touch_id] = request_touches([ask("a", make_customer(), channels=("list_handoff",))], clock=CLOCK)
    send_due(clock=CLOCK)
    admin.post("/messages/lists/new/", {"account": account.pk, "source": "launch:1"})
    made = HandoffList.objects.get()
    file = admin.post(f"/messages/lists/{made.pk}/file/")
    assert str(touch_id) in file.content.decode("utf-8-sig")
    report = SimpleUploadedFile("r.csv", f"触达编号,状态\n{touch_id},成功\n".encode())
    admin.post(f"/messages/lists/{made.pk}/report/", {"file": report})
    assert Touch.objects.get(pk=touch_id).state == "delivered"
    assert admin.get("/messages/").status_code == 200
    more = SimpleUploadedFile("r.csv", f"触达编号,状态\n{touch_id},成功\n{touch_id},飞走了\n".encode())
    admin.post(f"/messages/lists/{made.pk}/report/", {"file": more})
    later = admin.get("/messages/").content.decode()
    assert "飞走了" in later[later.index("<details>") :], "what was not understood stays with the list"


def test_a_channel_is_set_up_tested_and_paused_and_the_rules_are_changed(
    admin: Client, accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    assert admin.get("/settings/channels/").status_code == 200
    added = admin.post("/settings/channels/new/console_log/", {"name": "log", "s-consent_channel": "sms"})
    made = ChannelAccount.objects.get(name="log")
    assert added["Location"] == f"/settings/channels/{made.pk}/"
    admin.post(f"/settings/channels/{made.pk}/", {"action": "test"})
    admin.post(f"/settings/channels/{made.pk}/", {"action": "pause"})
    assert ChannelAccount.objects.get(name="log").state == "paused"
    page = admin.get("/settings/channels/")
    form = page.context["form"]
    told = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    told |= {"quiet-console_log": "22:00-8:00", "home-wecom": "mini_program，wecom, "}
    answer = admin.post("/settings/channels/", {**told, "cap_day": 2})
    assert answer.status_code == 302, answer.context and answer.context["form"].errors
    policy = find_policy()
    assert policy.cap_day == 2
    assert policy.quiet_hours["console_log"] == ["22:00", "08:00"]
    assert policy.home_channels == {"wecom": ["mini_program", "wecom"]}


@pytest.mark.parametrize(
    ("currency", "typed", "kept", "refused"), [("CNY", "0.05", "5", "0.045"), ("JPY", "5", "5", "0.5")]
)
def test_the_price_of_a_message_is_typed_and_shown_in_the_currencys_own_unit(
    admin: Client, accounts: dict[str, ChannelAccount], currency: str, typed: str, kept: str, refused: str
) -> None:
    Brand.objects.update(currency=currency)
    told = {"name": "calls", "s-consent_channel": "sms", "s-price_minor": typed}
    assert admin.post("/settings/channels/new/list_handoff/", told).status_code == 302
    made = ChannelAccount.objects.get(name="calls")
    assert made.settings["price_minor"] == kept
    page = admin.get(f"/settings/channels/{made.pk}/").content.decode()
    assert re.search(rf'name="s-price_minor" value="{typed}"', page)
    assert f"({currency})" in page or f"（{currency}）" in page
    changed = {"action": "save", "s-consent_channel": "sms"}
    for wrong in (refused, "-1", "1000000"):
        assert admin.post(f"/settings/channels/{made.pk}/", {**changed, "s-price_minor": wrong}).status_code == 422
    admin.post(f"/settings/channels/{made.pk}/", {**changed, "s-price_minor": "0"})
    made.refresh_from_db()
    assert made.settings["price_minor"] == "0"


def test_what_asked_for_a_message_is_told_in_words(admin: Client, accounts: dict[str, ChannelAccount]) -> None:
    admin.cookies["django_language"] = "en"
    boss = User.objects.get(username="boss")
    customer = make_customer()
    request_touches([ask("a", customer, source=f"manual:{boss.pk}"), ask("b", customer, source="other:9")], clock=CLOCK)
    page = admin.get("/messages/").content.decode()
    assert "by hand, boss" in page
    assert f"manual:{boss.pk}" not in page
    assert "other:9" in page
