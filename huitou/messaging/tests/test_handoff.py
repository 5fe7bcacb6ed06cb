"""Hand-off lists: governed when they are made, and their reports however they are written."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from huitou.core.clock import FixedClock
from huitou.customers.models import Identifier
from huitou.messaging.accounts import create_account
from huitou.messaging.handoff import NothingToListError, export_list, list_header, list_rows, listed
from huitou.messaging.handoff_report import ReportUnreadableError, import_report
from huitou.messaging.models import ChannelAccount, Touch
from huitou.messaging.outbox import send_due
from huitou.messaging.report_words import read_status
from huitou.messaging.services import request_touches
from huitou.messaging.tests.stage import NOON, Recorder, agree, ask, make_customer

pytestmark = pytest.mark.django_db
CLOCK = FixedClock(NOON)


@pytest.fixture
def account(accounts: dict[str, ChannelAccount], recorder: Recorder) -> ChannelAccount:
    return create_account(kind="list_handoff", name="名单", settings={"consent_channel": "text"}, clock=CLOCK)


def ready(count: int, **more: object) -> list[int]:
    customers = [make_customer() for _ in range(count)]
    ids = request_touches(
        [ask(f"a{n}", c, channels=("list_handoff",), **more) for n, c in enumerate(customers)], clock=CLOCK
    )
    send_due(clock=CLOCK)
    return ids


def test_what_is_due_waits_for_a_list_and_is_governed_when_it_is_made(account: ChannelAccount) -> None:
    ids = ready(3)
    assert {t.reason for t in Touch.objects.all()} == {"ready_for_list"}
    left_out = Touch.objects.get(pk=ids[1]).person_id
    agree(left_out, "text", granted=False)
    made = export_list(account_id=account.pk, clock=CLOCK)
    assert (made.judged, made.listed) == (3, 2)
    assert [t.state for t in Touch.objects.order_by("pk")] == ["sent", "refused", "sent"]
    rows = list(list_rows(made.handoff.pk, clock=CLOCK))
    assert [row[0] for row in rows] == [ids[0], ids[2]]
    assert all(len(row) == len(list_header()) for row in rows)
    phone = Identifier.objects.get(person_id=Touch.objects.get(pk=ids[0]).person_id, kind="phone").value
    assert rows[0][2] == phone.removeprefix("+86")
    with pytest.raises(NothingToListError):
        export_list(account_id=account.pk, clock=CLOCK)
    agree(Touch.objects.get(pk=ids[0]).person_id, "text", granted=False)
    assert len(list(list_rows(made.handoff.pk, clock=CLOCK))) == 1, "who withdrew since is left out"


def test_caps_hold_for_lists_too(account: ChannelAccount) -> None:
    [touch_id] = ready(1)
    customer = Touch.objects.get(pk=touch_id).person_id
    request_touches([ask("b", customer)], clock=CLOCK)
    send_due(clock=CLOCK)
    with pytest.raises(NothingToListError):
        export_list(account_id=account.pk, clock=CLOCK)
    assert Touch.objects.get(pk=touch_id).reason == "cap_day"
    tomorrow = FixedClock(NOON + timedelta(days=1))
    send_due(clock=tomorrow)
    assert export_list(account_id=account.pk, clock=tomorrow).listed == 1


def test_consent_that_the_other_tool_keeps_still_stops_at_a_withdrawal(account: ChannelAccount) -> None:
    ChannelAccount.objects.filter(pk=account.pk).update(
        settings={"consent_channel": "text", "consent_basis": "elsewhere"}
    )
    silent, against = make_customer(channels=()), make_customer(channels=())
    agree(against, "text", granted=False)
    request_touches([ask(f"c{c}", c, channels=("list_handoff",)) for c in (silent, against)], clock=CLOCK)
    send_due(clock=CLOCK)
    assert export_list(account_id=account.pk, clock=CLOCK).listed == 1
    assert Touch.objects.get(person_id=against).reason == "no_consent"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_messy_report_is_taken_row_by_row(account: ChannelAccount, tmp_path: Path, encoding: str) -> None:
    ids = ready(5)
    made = export_list(account_id=account.pk, clock=CLOCK).handoff
    phones = [
        Identifier.objects.get(person_id=Touch.objects.get(pk=touch).person_id, kind="phone").value for touch in ids
    ]
    path = tmp_path / "回执.csv"
    path.write_text(
        "短信发送明细,,,\n"
        "接收号码,发送状态,送达时间,失败原因\n"
        f"{phones[0]},发送成功,2026/03/04 12:05,\n"
        f"'{phones[1]},发送失败（空号）,2026-03-04 12:06:00,MK:0001\n"
        f"+86 {phones[2].removeprefix('+86')},已点击,2026年3月4日 12:07,\n"
        f"{phones[3]},飞走了,2026-03-04 12:00,\n"
        f"{phones[4]},成功,昨天,\n"
        "13000000000,成功,2026-03-04 12:00,\n"
        ",,,\n",
        encoding=encoding,
    )
    report = import_report(handoff_id=made.pk, path=path, clock=CLOCK)
    assert (report.rows, report.matched, report.rejected, report.unmatched) == (6, 3, 3, 1)
    assert [p["row"] for p in report.problems] == [6, 7, 8]
    states = [Touch.objects.get(pk=touch).state for touch in ids]
    assert states == ["delivered", "failed", "clicked", "sent", "sent"]
    again = import_report(handoff_id=made.pk, path=path, clock=CLOCK)
    assert (again.matched, again.new) == (3, 0)


@pytest.mark.parametrize(
    ("cell", "status"),
    [
        ("未点击", "sent"),
        ("尚未打开", "sent"),
        ("Not opened", "sent"),
        ("unread", "sent"),
        ("已送达，未读", "delivered"),
        ("已读未回复", "read"),
        ("未成功", "failed"),
        ("未发送成功", "failed"),
        ("无人接听", "failed"),
        ("未接", "failed"),
        ("没有送达", None),
        ("待发送", None),
        ("unsubscribed", "unsubscribed"),
        ("已送达，用户投诉", "complained"),
        ("Marked as spam", "complained"),
        ("已读未投诉", "read"),
        ("已点击", "clicked"),
        ("发送失败（空号）", "failed"),
    ],
)
def test_what_did_not_happen_is_not_read_as_having_happened(cell: str, status: str | None) -> None:
    """Words for a deed stand inside the words that deny it; what is left unclear is told, not guessed."""
    assert read_status(cell) == status


def test_a_report_that_names_nobody_is_refused(account: ChannelAccount, tmp_path: Path) -> None:
    ready(1)
    made = export_list(account_id=account.pk, clock=CLOCK).handoff
    path = tmp_path / "r.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ReportUnreadableError):
        import_report(handoff_id=made.pk, path=path, clock=CLOCK)


def test_phones_leave_as_other_tools_dial_them_and_come_back_so() -> None:
    """Neither a plus nor the apostrophe that keeps a spreadsheet from running it; abroad with the country's number."""
    assert listed("phone", "+8613912340001") == "13912340001"
    assert listed("phone", "+12125550100") == "12125550100"
    assert listed("email", "+a@b.cn") == "+a@b.cn"
