"""Imports end to end: a file in, facts in the lake and people and products in PostgreSQL, however often it comes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import translation

from huitou.accounts.models import AuditEntry
from huitou.analytics.engines import DuckEngine, Lake
from huitou.analytics.tables import FCT_ORDER_LINES
from huitou.catalog.models import Product
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.customers.models import Identifier, Milestone, Person
from huitou.customers.services import resolve_person_ids
from huitou.sources import services
from huitou.sources.job_progress import read_state
from huitou.sources.models import ImportRun
from huitou.sources.queueing import queue_import
from huitou.sources.services import (
    FileMissingError,
    ImportOptions,
    NothingAcceptedError,
    dry_run,
    preview_file,
    resume_imports,
    run_import,
    start_import,
)
from huitou.sources.tasks import import_job_name, run_import_job
from huitou.sources.tests.reading import write

HEADER = "order_id,sku,product_name,quantity,unit_price,paid_at,customer_id,status\n"
CLOCK = FixedClock(datetime(2024, 6, 1, tzinfo=UTC))


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Messages are compared in the language they are written in."""
    with translation.override("en"):
        yield


def bring(path: Path, kind: str = "orders", **options: Any) -> ImportRun:
    run = start_import(path=path, kind=kind, options=ImportOptions.from_json(options), clock=CLOCK)
    return run_import(run.pk, clock=CLOCK)


def facts(home: Home) -> list[dict[str, Any]]:
    """The lines that count: of each order the latest report."""
    engine = DuckEngine(Lake(home.lake_url), scratch=home.root / "scratch")
    try:
        rows = engine.to_pyarrow(engine.table(FCT_ORDER_LINES.name)).to_pylist()
    finally:
        engine.close()
    latest: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row["source"], row["order_id"])
        latest[key] = max(latest.get(key, 0), row["batch_id"])
    kept = [row for row in rows if latest[row["source"], row["order_id"]] == row["batch_id"]]
    return sorted(kept, key=lambda row: (row["order_id"], row["line_no"]))


def told(home: Home) -> list[tuple[Any, ...]]:
    people = dict(Identifier.objects.values_list("person_id", "value"))
    names = ("order_id", "line_no", "kind", "sku", "quantity", "amount_minor", "status", "refund_of", "month")
    return [(*(row[n] for n in names), people.get(row["person_id"])) for row in facts(home)]


@pytest.mark.django_db(transaction=True)
def test_an_order_file_becomes_facts_people_and_products(tmp_path: Path, home: Home) -> None:
    """Lines of one order stand scattered; times cross a month in UTC; a refunded row becomes a sale and its refund."""
    text = HEADER + (
        "A1,s1,Soap,2,1.50,2024-03-01 07:59:59,c1,交易成功\nA2,s2,,1,9,2024-03-02 10:00:00,,交易成功\n"
        "A1,s2,Cream,1,9,2024-03-01 07:59:59,c1,已退款\nA3,s1,,1,1.5,2024-03-03 10:00:00,c2,部分退款\n"
    )
    run = bring(write(tmp_path / "o.csv", text))
    assert (run.state, run.rows, run.accepted, run.orders, run.customers) == ("done", 4, 4, 3, 2)
    assert told(home) == [
        ("A1", 1, "sale", "s1", Decimal(2), 300, "completed", None, "2024-02", "c1"),
        ("A1", 2, "sale", "s2", Decimal(1), 900, "refunded", None, "2024-02", "c1"),
        ("A1", 3, "refund", "s2", Decimal(1), 900, "completed", "A1", "2024-02", "c1"),
        ("A2", 1, "sale", "s2", Decimal(1), 900, "completed", None, "2024-03", None),
        ("A3", 1, "sale", "s1", Decimal(1), 150, "partly_refunded", None, "2024-03", "c2"),
    ]
    assert dict(Product.objects.values_list("sku", "name")) == {"s1": "Soap", "s2": "Cream"}
    assert [w["code"] for w in run.warnings] == ["refund_without_amount"]
    assert AuditEntry.objects.get(action="import.orders").count == 4
    assert not list(home.staging.iterdir())


@pytest.mark.django_db(transaction=True)
def test_partly_refunded_rows_lose_only_what_went_back(tmp_path: Path, home: Home) -> None:
    """The refund is an amount without pieces, on its own day, of its own order."""
    header = "order_id,sku,quantity,unit_price,paid_at,customer_id,status,refund_amount,refunded_at\n"
    text = header + "A1,s,2,10,2024-03-01,c1,部分退款,5,2024-04-02\nA2,s,2,10,2024-03-01,c1,部分退款,20,2024-04-02\n"
    bring(write(tmp_path / "o.csv", text))
    assert [row[2:8] for row in told(home)] == [
        ("sale", "s", Decimal(2), 2000, "partly_refunded", None),
        ("refund", "s", Decimal(0), 500, "completed", "A1"),
        ("sale", "s", Decimal(2), 2000, "refunded", None),
        ("refund", "s", Decimal(2), 2000, "completed", "A2"),
    ]
    assert facts(home)[1]["occurred_at"] == datetime(2024, 4, 1, 16, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
def test_the_same_file_and_overlapping_exports_change_nothing(tmp_path: Path, home: Home) -> None:
    """Equal lines inside one file stay; the file again, renamed, and an export that overlaps it, add nothing."""
    first = HEADER + "A1,s,,1,1,2024-03-01,c1,\n" * 2 + "A2,s,,1,1,2024-03-02,c1,\n"
    path = write(tmp_path / "o.csv", first)
    run = bring(path)
    before = told(home)
    assert len(before) == 3
    again = bring(path)
    assert again.pk == run.pk
    assert bring(write(tmp_path / "copy.csv", first)).pk == run.pk
    overlap = HEADER + "A2,s,,1,1,2024-03-02,c1,\n" + "A3,s,,1,1,2024-03-03,c2,\n"
    bring(write(tmp_path / "p.csv", overlap))
    assert told(home) == [*before, ("A3", 1, "sale", "s", Decimal(1), 100, "paid", None, "2024-03", "c2")]
    assert Person.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_an_order_that_comes_again_replaces_its_earlier_version_whole(tmp_path: Path, home: Home) -> None:
    """Also when its lines are scattered, and when the older file is brought again afterwards: the last word counts."""
    old = HEADER + "A1,s,,1,1,2024-03-01,c1,\nA2,s,,1,1,2024-03-02,c1,\nA1,t,,1,5,2024-03-01,c1,\n"
    new = HEADER + "A1,s,,3,1,2024-03-01,c1,\n"
    old_path = write(tmp_path / "old.csv", old)
    bring(old_path)
    before = told(home)
    bring(write(tmp_path / "new.csv", new))
    assert [row[:6] for row in told(home)] == [
        ("A1", 1, "sale", "s", Decimal(3), 300),
        ("A2", 1, "sale", "s", Decimal(1), 100),
    ]
    bring(old_path)
    assert told(home) == before


@pytest.mark.django_db(transaction=True)
def test_order_numbers_are_of_their_source(tmp_path: Path, home: Home) -> None:
    """Two shops may use the same number: each keeps its order."""
    path = write(tmp_path / "o.csv", HEADER + "A1,s,,1,1,2024-03-01,c1,\n")
    bring(path, source="one")
    bring(path, source="two")
    assert len(told(home)) == 2


@pytest.mark.django_db(transaction=True)
def test_rejected_rows_go_to_a_file_that_a_spreadsheet_opens_safely(tmp_path: Path, home: Home) -> None:
    """Number, column, value, reason and the original cells; nothing in it runs as a formula."""
    text = (
        HEADER + 'A1,s,"=HYPERLINK(""x"")",one,1,2024-03-01,c1,\nA2,s,,1,1,2024-03-01,c1,\nA3,s,,-x,-1,2024-03-01,c1,\n'
    )
    run = bring(write(tmp_path / "o.csv", text + "A1,t,,1,1,2024-03-01,c1,\n"))
    assert (run.rows, run.accepted, run.rejected) == (4, 2, 2)
    content = Path(run.reject_path).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    lines = content.decode("utf-8-sig").splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("2,quantity,one,")
    assert "'=HYPERLINK" in lines[1]
    assert ",'-x," in lines[2]
    assert ",-1," in lines[2]
    assert [w["code"] for w in run.warnings] == ["incomplete_orders"]


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_and_a_preview_store_nothing(tmp_path: Path, home: Home) -> None:
    """They report what the import would, and leave no trace but the reject file."""
    path = write(tmp_path / "o.csv", HEADER + "A1,s,,x,1,2024-03-01,c1,\nA2,s,Soap,1,1,2024-03-01 08:00,c1,\n")
    found = dry_run(path=path, kind="orders", options=ImportOptions())
    assert (found.counts.rows, found.counts.accepted, found.counts.rejected) == (2, 1, 1)
    assert Path(found.reject_path).is_file()
    shown = preview_file(path=path, kind="orders", options=ImportOptions())
    assert shown.understood[0]["occurred_at"] == "2024-03-01 00:00:00Z"
    assert shown.mapping.columns["order_id"] == "order_id"
    assert not ImportRun.objects.exists()
    assert not Person.objects.exists()
    assert Lake(home.lake_url).version("fct_order_lines") is None


@pytest.mark.django_db(transaction=True)
def test_a_file_without_any_good_row_fails_and_says_why(tmp_path: Path, home: Home) -> None:
    """Nothing gets in; the run keeps the reasons; the mended file is a new import."""
    path = write(tmp_path / "o.csv", HEADER + "1.2E+18,s,,1,1,2024-03-01,c1,\n")
    with pytest.raises(NothingAcceptedError, match="spreadsheet"):
        bring(path)
    run = ImportRun.objects.get()
    assert (run.state, run.rejected, run.problems[0]["reason"]) == ("failed", 1, "lost_digits")
    assert Lake(home.lake_url).version("fct_order_lines") is None
    with pytest.raises(FileMissingError):
        start_import(path=tmp_path / "gone.csv", kind="orders", options=ImportOptions())


@pytest.mark.django_db(transaction=True)
def test_an_import_whose_file_vanished_before_it_was_read_fails_and_stops_nobody(tmp_path: Path, home: Home) -> None:
    """Resuming goes on with the next one."""
    lost = write(tmp_path / "lost.csv", HEADER + "A1,s,,1,1,2024-03-01,c1,\n")
    kept = write(tmp_path / "kept.csv", HEADER + "A2,s,,1,1,2024-03-01,c1,\n")
    first = start_import(path=lost, kind="orders", options=ImportOptions(), clock=CLOCK)
    second = start_import(path=kept, kind="orders", options=ImportOptions(), clock=CLOCK)
    lost.unlink()
    assert resume_imports(clock=CLOCK) == [second.pk]
    first.refresh_from_db()
    assert first.state == "failed"
    assert [row[0] for row in told(home)] == ["A2"]


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_make_each_person_once(tmp_path: Path, home: Home) -> None:
    """Files that name the same people in different order, several at the same time: no deadlock, no double person."""
    paths = []
    for n in range(4):
        order = range(300) if n % 2 else reversed(range(300))
        rows = "".join(f"F{n}-{i},s{i % 7},p,1,1,2024-03-01,c{i},\n" for i in order)
        paths.append(write(tmp_path / f"{n}.csv", HEADER + rows))

    def one(path: Path) -> None:
        try:
            bring(path)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, paths))
    assert Person.objects.count() == Identifier.objects.count() == 300
    assert len(told(home)) == 1200
    assert ImportRun.objects.filter(state="done").count() == 4


@pytest.mark.django_db(transaction=True)
def test_persons_keep_what_a_later_file_does_not_know(tmp_path: Path) -> None:
    """Names and phones are filled and replaced, never emptied; a masked phone does not hide a whole one."""
    header = "order_id,sku,quantity,unit_price,paid_at,customer_id,customer_name,phone\n"
    bring(write(tmp_path / "a.csv", header + 'A1,s,1,1,2024-03-01,"c,1""x",王一,13800000001\n'))
    bring(write(tmp_path / "b.csv", header + 'A2,s,1,1,2024-03-02,"c,1""x",,138****0001\n'))
    person = Person.objects.get()
    assert (person.display_name, person.phone) == ("王一", "13800000001")
    bring(write(tmp_path / "c.csv", header + 'A3,s,1,1,2024-03-03,"c,1""x",王一一,13900000001\n'))
    person.refresh_from_db()
    assert (person.display_name, person.phone) == ("王一一", "13900000001")
    assert resolve_person_ids(values=['c,1"x', "new"], clock=CLOCK)['c,1"x'] == person.pk


@pytest.mark.django_db(transaction=True)
def test_customer_files_fill_the_register(tmp_path: Path) -> None:
    """Attributes are joined name by name; an empty cell changes nothing; a masked number is no key."""
    first = "会员编号,姓名,手机号,注册时间,性别,attribute.年龄段\n"
    first += "c1,王一,13800000001,2023-05-01,女,30-39\n138****1234,x,,,,\n"
    run = bring(write(tmp_path / "c.csv", first), "customers")
    assert (run.accepted, run.rejected, run.customers) == (1, 1, 1)
    bring(write(tmp_path / "d.csv", "会员编号,姓名,城市,性别\nc1,,杭州,\nc2,李二,,男\n"), "customers")
    person = Person.objects.get(identifiers__value="c1")
    assert person.attributes == {"gender": "女", "年龄段": "30-39", "city": "杭州"}
    assert (person.display_name, person.known_since) == ("王一", datetime(2023, 4, 30, 16, tzinfo=UTC))
    assert Person.objects.count() == 2
    bring(tmp_path / "c.csv", "customers")
    assert Person.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_milestones_that_cannot_be_read_stand_in_the_report(tmp_path: Path) -> None:
    """With column, reason and number, and nobody's value; the rows are taken."""
    rows = "c1,1988-02-30,170\nc2,1988-02-31,\nc3,1990-05-17,\nc4,soon,9000\n"
    run = bring(write(tmp_path / "c.csv", "会员编号,attribute.birthday,attribute.身高\n" + rows), "customers")
    assert run.accepted == 4
    told = {(w["count"], w["message"]) for w in ImportRun.objects.get(pk=run.pk).warnings}
    unread = {(count, text[:20]) for count, text in told if "1988" not in text and "9000" not in text}
    assert {(count, text.partition(":")[0]) for count, text in unread} == {
        (2, "attribute.birthday"),
        (1, "attribute.birthday"),
        (1, "attribute.身高"),
    }
    assert any("is not a day of the calendar" in text for _count, text in told)
    assert set(Milestone.objects.values_list("kind", "value")) == {("birthday", "1990-05-17"), ("height_cm", "170")}


@pytest.mark.django_db(transaction=True)
def test_product_files_complete_the_catalog(tmp_path: Path) -> None:
    """The latest file wins where it says something; what it leaves empty stays."""
    bring(write(tmp_path / "p.csv", "商品编码,商品名称,分类,吊牌价\ns1,面霜,护肤,¥128.00\ns2,皂,,\n"), "products")
    bring(write(tmp_path / "q.csv", "sku,name,category,list_price\ns1,,面部,\ns3,x,y,abc\n"), "products")
    listed = {p.sku: (p.name, p.category, p.list_price_minor) for p in Product.objects.all()}
    assert listed == {"s1": ("面霜", "面部", 12800), "s2": ("皂", "", None)}


@pytest.mark.django_db(transaction=True)
def test_the_audit_log_says_who_asked_and_no_file_name(tmp_path: Path, home: Home) -> None:
    """Entries are kept for ever; the name of a file may be somebody's."""
    path = write(tmp_path / "李雷雷.csv", HEADER + "A1,s,,1,1,2024-03-01,c1,\n")
    run = start_import(path=path, kind="orders", options=ImportOptions(), actor_label="key ha_1234", clock=CLOCK)
    queue_import(run, clock=CLOCK, actor_label="key ha_1234")
    run_import(run.pk, clock=CLOCK)
    entries = AuditEntry.objects.filter(action__startswith="import.").order_by("pk")
    assert [(e.action, e.actor_label, e.target) for e in entries] == [
        ("import.requested", "key ha_1234", f"import-{run.pk}"),
        ("import.orders", "key ha_1234", f"import-{run.pk}"),
    ]
    assert "李雷雷" not in repr(list(AuditEntry.objects.values()))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [ValueError("row 2: 李雷雷 13912345670"), KeyError("李雷雷")])
def test_an_error_nobody_anticipated_is_told_by_its_place(
    tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """What such an error says may be a customer's; where it was raised is not."""

    def choke(*_arguments: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr(services, "_read", choke)
    run = start_import(path=write(tmp_path / "o.csv", HEADER), kind="orders", options=ImportOptions(), clock=CLOCK)
    with pytest.raises(type(error)):
        run_import_job.func(run_id=run.pk, language="en")
    run.refresh_from_db()
    state = read_state(home, import_job_name(run.pk))
    assert state is not None
    told = f"{type(error).__name__} (huitou.sources.tests.test_services:"
    assert run.error.startswith(told)
    assert state.error == run.error
