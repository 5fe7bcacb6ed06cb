"""A refresh computes once, is skipped while nothing changes, and publishes all its tables or none."""

from __future__ import annotations

import shutil
from datetime import timedelta
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from huitou.accounts.models import Brand
from huitou.analytics.engines import Engine, Lake
from huitou.analytics.rules import Exclusions, Thresholds
from huitou.analytics.tables import TABLES
from huitou.analytics.tests.feature_oracle import features_of
from huitou.analytics.tests.happenings import event
from huitou.analytics.tests.histories import START, order_lines
from huitou.analytics.tests.order_oracle import answer
from huitou.core.checks import check_lake
from huitou.core.home import Home
from huitou.core.models import RefreshRun
from huitou.customers.models import Person
from huitou.orders import refresh as module
from huitou.orders.queries import NotRefreshedError, list_customers, open_engine
from huitou.orders.refresh import refresh
from huitou.orders.tests.conftest import Feed

Row = dict[str, Any]


def _histories(seed: int) -> list[Row]:
    random = Random(seed)
    rows = [row for case in range(40) for row in order_lines(random, case=case, orders=20)]
    # One report of each order: a second batch would number its lines anew.
    return [row for row in rows if row["batch_id"] == 1]


def _refresh(home: Home, brand: Brand, *, force: bool = False) -> module.Refreshed:
    return refresh(home=home, brand=brand, clock=brand.clock, force=force)


def test_tables_equal_a_plain_account(home: Home, brand: Brand, feed: Feed) -> None:
    now = brand.now()
    first, again = _histories(1), _histories(2)[:60]
    feed(first)
    feed(again)
    known = Person.objects.create(pk=90_001, known_since=now - timedelta(seconds=1), created_at=now)
    Person.objects.create(pk=90_002, known_since=now, created_at=now)
    done = _refresh(home, brand)
    lines = first + [row | {"batch_id": 2} for row in again]
    account = answer(lines, {}, as_of=now, zone=brand.zone, exclusions=Exclusions())
    assert done.run.detail["tables"]["int_orders"]["rows"] == len(account.orders)
    with open_engine() as engine:
        orders = engine.to_pyarrow(engine.table("int_orders")).to_pylist()
        features = engine.to_pyarrow(engine.table("feat_customers")).to_pylist()
    assert {(r.pop("source"), r.pop("order_id")): r for r in orders} == account.orders
    expected = features_of(account, account.buyers | {known.pk}, now, Thresholds())
    assert {r["person_id"]: r["order_count"] for r in features} == {p: f["order_count"] for p, f in expected.items()}


def test_nothing_changed_is_skipped(home: Home, brand: Brand, feed: Feed) -> None:
    feed(_histories(3))
    first = _refresh(home, brand)
    assert not first.skipped
    assert _refresh(home, brand) == module.Refreshed(first.run, skipped=True)
    assert not _refresh(home, brand, force=True).skipped


@pytest.mark.parametrize("change", ["facts", "rules", "people", "day"])
def test_any_change_is_taken_in(home: Home, brand: Brand, feed: Feed, change: str) -> None:
    feed(_histories(3))
    person = Person.objects.create(pk=90_001, attributes={"city": "上海"}, created_at=START)
    _refresh(home, brand)
    if change == "facts":
        feed(_histories(4)[:3])
    elif change == "rules":
        brand.exclusions = {"min_amount_minor": 50}
    elif change == "people":
        person.attributes = {"city": "北京", "phone": "13800000000"}
        person.save()
    else:
        assert brand.clock_now is not None
        brand.clock_now += timedelta(days=1)
    assert not _refresh(home, brand).skipped
    if change == "people":
        with open_engine() as engine:
            mirrored = engine.to_pyarrow(engine.table("dim_person_attributes")).to_pylist()
        assert mirrored == [{"person_id": 90_001, "attribute": "city", "value": "北京"}]


@pytest.mark.parametrize("table", ["feat_customers", "int_orders", "dim_persons"])
def test_a_table_that_was_removed_is_told_and_computed_anew(home: Home, brand: Brand, feed: Feed, table: str) -> None:
    feed(_histories(3))
    _refresh(home, brand)
    before = list_customers(page_size=1000)
    shutil.rmtree(f"{home.lake_url}/{table}")
    with pytest.raises(NotRefreshedError, match=f"{table}.* huitou refresh"), open_engine() as engine:
        engine.table(table)
    status, detail, mend = check_lake(brand.clock)
    assert (status, table in detail, "huitou refresh" in mend) == ("fail", True, True)
    assert not _refresh(home, brand).skipped
    assert list_customers(page_size=1000) == before
    assert check_lake(brand.clock)[0] == "ok"


def _bring(home: Home, events: list[Row]) -> None:
    table = pa.Table.from_pylist(events, TABLES["fct_events"].schema)
    staged = home.staging / f"events-{events[0]['event_id']}"
    staged.mkdir(parents=True)
    pq.write_table(table, staged / "rows.parquet")
    Lake(home.lake_url).append("fct_events", staged, transaction_id=staged.name)


def _days() -> list[int]:
    """Events of each row of int_person_days."""
    with open_engine() as engine:
        return sorted(engine.to_pyarrow(engine.table("int_person_days"))["events"].to_pylist())


def _seen(name: str, brand: Brand, days: int = 1) -> Row:
    return event(name, 1, "Page Viewed", None, brand.now() - timedelta(days=days))


def test_lost_days_come_back_with_their_history(home: Home, brand: Brand) -> None:
    _refresh(home, brand)
    _bring(home, [_seen(f"e{n}", brand) for n in range(10)])
    _refresh(home, brand)
    shutil.rmtree(f"{home.lake_url}/int_person_days")
    _bring(home, [_seen("late", brand)])
    _refresh(home, brand)
    assert _days() == [11]


def test_facts_that_were_made_anew_are_taken_in_though_their_version_is_the_same(home: Home, brand: Brand) -> None:
    _refresh(home, brand)
    _bring(home, [_seen("a", brand)])
    _refresh(home, brand)
    lake = Lake(home.lake_url)
    version = lake.version("fct_events")
    lake.drop("fct_events")
    _bring(home, [_seen("b", brand), _seen("c", brand)])
    assert lake.version("fct_events") == version
    assert not _refresh(home, brand).skipped
    assert _days() == [2]


def test_a_forced_refresh_continues_from_nothing(home: Home, brand: Brand) -> None:
    """Even days that were falsified on disk are right again."""
    _refresh(home, brand)
    _bring(home, [_seen("a", brand)])
    _refresh(home, brand)
    (path,) = Lake(home.lake_url).files("int_person_days")
    # The file itself, without the partition of its folder.
    rows = pq.ParquetFile(path).read()
    pq.write_table(rows.set_column(rows.schema.get_field_index("events"), "events", pa.array([99], pa.int64())), path)
    assert _days() == [99]
    _refresh(home, brand, force=True)
    assert _days() == [1]


def test_a_failed_refresh_leaves_the_last_one(
    home: Home, brand: Brand, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(_histories(5))
    good = _refresh(home, brand).run
    before = list_customers(page_size=1000)
    feed(_histories(6))
    write = Engine.write

    def fail_late(self: Engine, name: str, expression: Any) -> tuple[int, int]:
        if name == "feat_customers":
            raise RuntimeError("killed here")
        return write(self, name, expression)

    with monkeypatch.context() as patched:
        patched.setattr(Engine, "write", fail_late)
        with pytest.raises(RuntimeError):
            _refresh(home, brand)
    assert list_customers(page_size=1000) == before
    assert RefreshRun.objects.exclude(pk=good.pk).get().error == "RuntimeError: killed here"
    assert not _refresh(home, brand).skipped
    assert list_customers(page_size=1000) != before


def test_an_unfinished_run_is_closed(home: Home, brand: Brand, feed: Feed) -> None:
    feed(_histories(5))
    killed = RefreshRun.objects.create(as_of=START, started_at=START)
    _refresh(home, brand)
    killed.refresh_from_db()
    assert killed.error
    assert killed.finished_at is None


def test_an_empty_store_refreshes_to_empty_tables(home: Home, brand: Brand) -> None:
    with pytest.raises(NotRefreshedError):
        list_customers()
    assert _refresh(home, brand).run.detail["tables"]["feat_customers"]["rows"] == 0
    assert list_customers().total == 0


def test_an_earlier_instant_is_computed_from_the_facts(home: Home, brand: Brand, feed: Feed) -> None:
    lines = _histories(7)
    feed(lines)
    _refresh(home, brand)
    as_of = START + timedelta(hours=30)
    account = answer(lines, {}, as_of=as_of, zone=brand.zone, exclusions=Exclusions())
    with open_engine(as_of) as engine:
        orders = engine.to_pyarrow(engine.table("int_orders")).to_pylist()
    assert {(r.pop("source"), r.pop("order_id")): r for r in orders} == account.orders
