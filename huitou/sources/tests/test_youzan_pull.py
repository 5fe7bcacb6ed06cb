"""Orders of 有赞 by its interface, against a server that keeps its limits and refuses often; facts end as it tells."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings as django_settings
from django.db import connection as database
from procrastinate.contrib.django.models import ProcrastinateJob
from psycopg.conninfo import make_conninfo

from huitou.accounts.models import AuditEntry
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.customers.models import Identifier
from huitou.customers.personal import erase_customer
from huitou.orders.queueing import refresh_state
from huitou.sources.connections.pulling import Pulled, pull_connection
from huitou.sources.connections.services import (
    change_connection,
    create_connection,
    pause_connection,
    request_pull,
)
from huitou.sources.connections.transport import OutsideHttp
from huitou.sources.connectors.kinds.youzan import calling
from huitou.sources.models import Connection, ImportRun
from huitou.sources.services import resume_imports
from huitou.sources.tasks import pull_connection_job, pull_due_job
from huitou.sources.tests.test_services import facts
from huitou.sources.tests.youzan_server import CLIENT, FORM, SECRET, SHOP, Youzan, serve

pytestmark = pytest.mark.django_db(transaction=True)
LOCAL = ZoneInfo("Asia/Shanghai")
START = datetime(2025, 3, 10, 4, tzinfo=UTC)


class Turning:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Youzan]:
    made = Youzan()
    with serve(made) as base:
        monkeypatch.setattr(calling, "BASE", base)
        yield made


@pytest.fixture
def clock() -> Turning:
    return Turning()


def connect(clock: Turning, **more: str) -> Connection:
    given = {"client_id": CLIENT, "client_secret": SECRET, "grant_id": SHOP, "since": "2025-03-01", **more}
    return create_connection(kind="youzan", name="yz", settings=given, clock=clock)


def pull(made: Connection, clock: Turning, waits: list[float] | None = None) -> Pulled:
    """What the worker does, once it is due."""
    http = OutsideHttp(limit=1 << 20, loopback=True)
    return pull_connection(made.pk, clock=clock, http=http, wait=(waits if waits is not None else []).append)


def later(clock: Turning, **length: int) -> None:
    clock.at += timedelta(**length)


def local(at: datetime) -> str:
    return at.astimezone(LOCAL).strftime(FORM)


def told(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    """By order: kind, product, amount and state of its lines, as the lake has them now."""
    orders: dict[str, list[tuple[Any, ...]]] = {}
    for row in facts(home):
        orders.setdefault(row["order_id"], []).append((row["kind"], row["sku"], row["amount_minor"], row["status"]))
    return orders


PAID = [("sale", "SKU-1", 2000, "paid"), ("sale", "2", 1000, "paid")]


def test_orders_come_in_and_follow_what_becomes_of_them(shop: Youzan, clock: Turning, home: Home) -> None:
    """Paid, unpaid, then partly refunded by the refund's own amounts, then wholly; a repeat changes nothing."""
    shop.put("E1", "2025-03-01 10:00:00")
    shop.put("E2", "2025-03-02 10:00:00", order_info={"status": "WAIT_BUYER_PAY", "pay_time": ""})
    made = connect(clock)
    assert pull(made, clock).rows == 4
    assert told(home) == {"E1": PAID, "E2": [(*line[:3], "unpaid") for line in PAID]}
    made.refresh_from_db()
    assert (made.last_ok_at, made.failures, made.error_code) == (clock.now(), 0, "")
    assert made.due_at == clock.now() + timedelta(minutes=30)
    assert pull(made, clock).imports == (), "it is not due yet"
    later(clock, hours=1)
    shop.put("E1", local(clock.now() - timedelta(minutes=20)), order_info={"refund_state": 2})
    shop.refunds["E1"] = [
        {"refund_id": "R1", "refund_fee": "5.00", "refund_state": 60, "oids": [{"oid": "E11"}]},
        {"refund_id": "R2", "refund_fee": "3.00", "refund_state": 50, "oids": [{"oid": "E12"}]},
    ]
    shop.put("E2", local(clock.now() - timedelta(minutes=20)), order_info={
        "status": "TRADE_SUCCESS", "pay_time": "2025-03-10 12:30:00"})  # fmt: skip
    assert pull(made, clock).rows == 4
    assert told(home) == {
        "E1": [
            ("sale", "SKU-1", 2000, "partly_refunded"),
            ("refund", "SKU-1", 500, "completed"),
            ("sale", "2", 1000, "paid"),
        ],
        "E2": [("sale", "SKU-1", 2000, "completed"), ("sale", "2", 1000, "completed")],
    }
    later(clock, hours=1)
    shop.put("E1", local(clock.now() - timedelta(minutes=5)), order_info={"refund_state": 12, "status": "TRADE_CLOSED"})
    pull(made, clock)
    whole = [("sale", "SKU-1", 2000, "refunded"), ("refund", "SKU-1", 2000, "completed")]
    assert told(home)["E1"] == [*whole, ("sale", "2", 1000, "refunded"), ("refund", "2", 1000, "completed")]
    before = told(home)
    later(clock, minutes=31)
    pull(made, clock)
    assert told(home) == before


def test_a_buyer_is_known_by_the_shops_own_number_and_never_by_what_is_sealed_or_masked(
    shop: Youzan, clock: Turning
) -> None:
    shop.put("E1", "2025-03-01 10:00:00")
    shop.put("E2", "2025-03-01 10:00:00", buyer_info={"yz_open_id": "yz-E1"})
    shop.put("E3", "2025-03-01 10:00:00", buyer_info={"yz_open_id": "", "buyer_phone": "138****1234"})
    pull(connect(clock), clock)
    assert [(i.kind, i.namespace, i.value) for i in Identifier.objects.all()] == [("buyer_id", "youzan:yz", "yz-E1")]


def test_many_pages_and_refusals_at_every_third_call_leave_every_order_once(
    shop: Youzan, clock: Turning, home: Home
) -> None:
    """Tokens that end in the middle, limits, errors of theirs and answers that are no JSON are waited out."""
    expected = set()
    for i in range(180):
        shop.put(f"E{i:03}", local(datetime(2025, 3, 1, 4, tzinfo=UTC) + timedelta(minutes=i)))
        expected.add(f"E{i:03}")
    shop.moody = True
    waits: list[float] = []
    done = pull(connect(clock), clock, waits)
    assert (done.error, done.rows) == ("", 360)
    assert set(told(home)) == expected
    assert 2.0 in waits, "what Retry-After says"
    assert shop.tokens_made > 1


@pytest.mark.parametrize("tells_total", [True, False])
def test_orders_that_change_while_the_pages_are_read_are_not_skipped(
    shop: Youzan, clock: Turning, home: Home, tells_total: bool
) -> None:
    """Before the second page one of the first is changed: it leaves the window, and another slips onto page one."""
    shop.tells_total = tells_total
    for i in range(120):
        shop.put(f"E{i:03}", local(datetime(2025, 3, 1, 4, tzinfo=UTC) + timedelta(minutes=i)))
    moved = iter(["E119", "E118", "E117"])

    def disturb(there: Youzan, body: dict[str, Any]) -> None:
        if body["page_no"] == 2 and (tid := next(moved, None)):
            there.put(tid, local(clock.now()), order_info={"status": "TRADE_SUCCESS"})

    shop.before_page = disturb
    made = connect(clock)
    pull(made, clock)
    assert set(told(home)) >= {f"E{i:03}" for i in range(117)}
    later(clock, hours=1)
    pull(made, clock)
    assert set(told(home)) == {f"E{i:03}" for i in range(120)}
    assert {status for *_, status in told(home)["E119"]} == {"completed"}


def test_a_page_that_is_short_is_not_the_last_where_the_number_says_so(
    shop: Youzan, clock: Turning, home: Home
) -> None:
    """One order of the first page is kept back by the interface: the other pages are read all the same."""
    for i in range(120):
        shop.put(f"E{i:03}", local(datetime(2025, 3, 1, 4, tzinfo=UTC) + timedelta(minutes=i)))
    shop.kept_back = {"E119"}
    pull(connect(clock), clock)
    assert set(told(home)) == {f"E{i:03}" for i in range(119)}


def test_a_window_with_more_pages_than_can_be_asked_for_is_read_in_narrower_ones(
    shop: Youzan, clock: Turning, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huitou.sources.connectors.kinds.youzan.MOST_PAGES", 2)
    for i in range(260):
        shop.put(f"E{i:03}", local(datetime(2025, 3, 1, 4, tzinfo=UTC) + timedelta(minutes=i)))
    pull(connect(clock), clock)
    assert set(told(home)) == {f"E{i:03}" for i in range(260)}
    assert ImportRun.objects.count() > 2
    windows = [(body["start_update"], body["end_update"]) for path, body in shop.calls if "sold" in path]
    assert all(start < end for start, end in windows)


def test_an_order_that_the_list_tells_late_is_found_in_the_overlap(shop: Youzan, clock: Turning, home: Home) -> None:
    made = connect(clock)
    pull(made, clock)
    changed = local(clock.now() - timedelta(minutes=5))
    later(clock, minutes=31)
    shop.put("E1", changed)
    pull(made, clock)
    assert set(told(home)) == {"E1"}


def test_a_revoked_authorization_stops_it_with_words_until_somebody_mends_it(
    shop: Youzan, clock: Turning, home: Home
) -> None:
    shop.put("E1", "2025-03-01 10:00:00")
    made = connect(clock)
    shop.authorized = False
    assert pull(made, clock).error == "credentials_refused"
    made.refresh_from_db()
    assert (made.state, made.error_code) == ("stopped", "credentials_refused")
    assert "40001" in made.error_detail
    assert SECRET not in str(vars(made))
    assert SECRET not in str(list(AuditEntry.objects.values()))
    assert AuditEntry.objects.filter(action="connection.stopped").count() == 1
    calls = len(shop.calls)
    later(clock, days=1)
    pull(made, clock)
    assert len(shop.calls) == calls, "it does not knock on a closed door"
    shop.authorized = True
    change_connection(connection_id=made.pk, settings={"client_secret": SECRET + "x"}, clock=clock)
    assert pull(made, clock).error == "credentials_refused"
    change_connection(connection_id=made.pk, settings={"client_secret": SECRET}, clock=clock)
    assert pull(made, clock).rows == 2
    assert told(home) == {"E1": PAID}


def test_a_token_that_is_refused_again_after_renewal_is_permanent_and_a_missing_right_too(
    shop: Youzan, clock: Turning
) -> None:
    made = connect(clock)
    over: Any = (200, {}, {"gw_err_resp": {"err_code": 4203, "err_msg": "token 失效"}})
    good: Any = (200, {}, {"success": True, "data": {"access_token": "t", "expires": 4_102_444_800_000}})
    shop.script = [good, over, good, over]
    assert pull(made, clock).error == "credentials_refused"
    request_pull(connection_id=made.pk, clock=clock)
    shop.may_read = False
    assert pull(made, clock).error == "forbidden"
    made.refresh_from_db()
    assert made.state == "stopped"


def test_passing_faults_are_tried_again_later_each_time_and_the_cursor_stays(shop: Youzan, clock: Turning) -> None:
    made = connect(clock)
    delays = []
    for _turn in range(4):
        shop.script = [(503, {}, "busy")] * 4
        assert pull(made, clock).error == "outside_error"
        made.refresh_from_db()
        delays.append((made.due_at - clock.now()).total_seconds() / 60)
        clock.at = made.due_at
    assert delays == [2, 4, 8, 16]
    assert (made.state, made.cursor) == ("active", {})
    assert pull(made, clock).error == ""
    made.refresh_from_db()
    assert (made.failures, made.error_code) == (0, "")


def test_an_answer_of_another_form_is_no_empty_list(shop: Youzan, clock: Turning) -> None:
    """A shop without changes and an interface that has changed must never look the same."""
    made = connect(clock)
    shop.issue()
    shop.script = [
        (200, {}, {"success": True, "data": {"access_token": shop.token, "expires": 4_102_444_800_000}}),
        (200, {}, {"success": True, "code": 200, "data": {"orders": []}}),
    ]
    assert pull(made, clock).error == "request_refused"
    made.refresh_from_db()
    assert made.cursor == {}


def test_orders_in_a_state_that_nobody_knows_are_not_passed_over(shop: Youzan, clock: Turning) -> None:
    shop.put("E1", "2025-03-01 10:00:00", order_info={"status": "WAIT_BUYER_PAY", "pay_time": ""})
    made = connect(clock)
    assert pull(made, clock).error == ""
    made.refresh_from_db()
    later(clock, hours=1)
    shop.put("E2", local(clock.now() - timedelta(minutes=5)), order_info={"status": "TRADE_NEW_STATE"})
    assert pull(made, clock).error == "nothing_accepted"
    cursor = made.cursor
    made.refresh_from_db()
    assert (made.cursor, made.state) == (cursor, "active")


def test_what_was_changed_meanwhile_is_not_moved_by_an_older_pull(shop: Youzan, clock: Turning) -> None:
    shop.put("E1", "2025-03-01 10:00:00")
    made = connect(clock)

    def pause(_there: Youzan, _body: dict[str, Any]) -> None:
        pause_connection(connection_id=made.pk, clock=clock)
        database.close()  # the server's thread has one of its own

    shop.before_page = pause
    pull(made, clock)
    made.refresh_from_db()
    assert (made.state, made.cursor, made.last_ok_at) == ("paused", {}, None)
    assert ImportRun.objects.count() == 0


def test_from_a_day_on_everything_is_pulled_again(shop: Youzan, clock: Turning, home: Home) -> None:
    shop.put("E1", "2025-03-01 10:00:00")
    made = connect(clock)
    pull(made, clock)
    later(clock, hours=1)
    request_pull(connection_id=made.pk, since=datetime(2025, 2, 27, 16, tzinfo=UTC), clock=clock)
    before = len(shop.calls)
    pull(made, clock)
    asked = [body["start_update"] for path, body in shop.calls[before:] if "sold" in path]
    assert min(asked) == "2025-02-28 00:00:00"
    assert told(home) == {"E1": PAID}


POINTS = (
    "pull.page",
    "pull.registered",
    # The seams of any import, which has tests of kills of its own.
    pytest.param("import.prepared", marks=pytest.mark.soak),
    pytest.param("lake.appended", marks=pytest.mark.soak),
    "import.done",
    "pull.imported",
    "pull.moved",
)
_PROGRAM = """
import sys
from datetime import datetime
from huitou.core.boot import boot
boot()
from huitou.core.clock import FixedClock
from huitou.sources.connections.pulling import pull_connection
from huitou.sources.connections.transport import OutsideHttp
from huitou.sources.connectors.kinds.youzan import calling
calling.BASE = sys.argv[1]
clock = FixedClock(datetime.fromisoformat(sys.argv[2]))
pull_connection(int(sys.argv[3]), clock=clock, http=OutsideHttp(limit=1 << 20, loopback=True))
"""


def pull_in_a_process(shop: Youzan, clock: Turning, made: Connection, home: Home, kill_at: str) -> int:
    settings = database.settings_dict
    url = make_conninfo(
        dbname=settings["NAME"], user=settings["USER"], password=settings["PASSWORD"], host=settings["HOST"],
        port=settings["PORT"],
    )  # fmt: skip
    environment = {
        **os.environ, "HUITOU_HOME": str(home.root), "HUITOU_DATABASE_URL": url, "HUITOU_TEST_KILL_AT": kill_at,
        "HUITOU_SECRET_KEY": django_settings.SECRET_KEY,
    }  # fmt: skip
    words = [sys.executable, "-c", _PROGRAM, shop.base, clock.now().isoformat(), str(made.pk)]
    return subprocess.run(words, env=environment, stderr=subprocess.DEVNULL, timeout=120, check=False).returncode


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(point: str, shop: Youzan, clock: Turning, home: Home) -> None:
    """kill -9, then the order changes at the shop: whoever is first afterwards, the newer state is the last word."""
    shop.put("E1", "2025-03-01 10:00:00")
    shop.put("E2", "2025-03-09 10:00:00")
    made = connect(clock)
    assert pull_in_a_process(shop, clock, made, home, point) == -signal.SIGKILL
    later(clock, minutes=5)
    shop.put("E1", local(clock.now() - timedelta(minutes=2)), order_info={"refund_state": 12})
    assert pull(made, clock).error == ""
    assert resume_imports(clock=FixedClock(clock.now())) == []
    found = told(home)
    assert set(found) == {"E1", "E2"}
    assert found["E2"] == PAID
    assert {status for kind, *_, status in found["E1"] if kind == "sale"} == {"refunded"}
    made.refresh_from_db()
    assert (made.pending_id, made.error_code) == (None, "")
    kept = {path.name for path in (home.uploads / f"connection-{made.pk}").iterdir()}
    assert kept == {Path(run.file_path).name for run in ImportRun.objects.all()}


def test_the_worker_pulls_what_is_due_and_the_figures_follow(
    shop: Youzan, clock: Turning, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The schedule, the job, the refresh that it asks for; and that nothing is left of the progress."""
    monkeypatch.setattr(
        "huitou.sources.connections.pulling.OutsideHttp", lambda limit: OutsideHttp(limit=limit, loopback=True)
    )
    shop.put("E1", "2025-03-01 10:00:00")
    made = connect(clock)
    pull_due_job.func(timestamp=0)
    job = ProcrastinateJob.objects.get(task_name=pull_connection_job.name)
    pull_connection_job.func(**job.args)
    assert told(home) == {"E1": PAID}
    assert refresh_state().queued
    assert not list((home.root / "progress").glob(f"connection-{made.pk}*"))


def test_erasing_a_buyer_reaches_the_pulled_file(shop: Youzan, clock: Turning, home: Home) -> None:
    shop.put("E1", "2025-03-01 10:00:00")
    pull(connect(clock), clock)
    kept = [path for path in home.uploads.rglob("*") if path.is_file()]
    assert any(b"yz-E1" in path.read_bytes() for path in kept)
    erase_customer(person_id=Identifier.objects.get().person_id, clock=clock)
    left = [path for path in home.root.rglob("*") if path.is_file() and b"yz-E1" in path.read_bytes()]
    assert left == []
