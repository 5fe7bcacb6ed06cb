"""`huitou predict items`: one row per customer and item, nothing from the day on, and errors that say what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from config.cli import build
from huitou.orders.tests.conftest import Feed
from huitou.predictions.items import purchases as reading
from huitou.predictions.recommending.tests.conftest import Rows, basket
from huitou.segments.tests.conftest import NOW, Refresh, buy, people

pytestmark = pytest.mark.django_db(transaction=True)
COLUMNS = [
    "person_id",
    "external_id",
    "key",
    "p_buy",
    "next_date",
    "next_date_early",
    "next_date_late",
    "expected_quantity",
]


def _run(out: Path, *arguments: str) -> Result:
    return CliRunner().invoke(build(), ["predict", "items", "--out", str(out), *arguments])


def _rows(out: Path) -> dict[tuple[int, str], dict[str, object]]:
    table = pq.read_table(out)
    assert table.column_names == COLUMNS
    found = table.to_pylist()
    assert [(row["person_id"], row["key"]) for row in found] == sorted((r["person_id"], r["key"]) for r in found)
    return {(row["person_id"], row["key"]): row for row in found}


def _rhythms(customers: list[int], days: int = 330) -> Iterator[Rows]:
    """Tea every two weeks or so by everybody until 20 days ago, a cup every six or so; a pot once, long ago."""
    draw = np.random.default_rng(5)
    for customer in customers:
        for item, gap in (("tea", 14), ("cup", 42)):
            ago = days - int(draw.integers(0, gap))
            while ago > 20:
                yield basket(customer, NOW - timedelta(ago), [item], quantity=Decimal(2))
                ago -= max(int(draw.normal(gap, gap / 6)), 1)
        yield basket(customer, NOW - timedelta(days), ["pot"])


def test_one_row_for_each_customer_and_key(tmp_path: Path, feed: Feed, refreshed: Refresh) -> None:
    customers = people(60)
    buy(feed, [row for rows in _rhythms(customers) for row in rows])
    refreshed()
    out = tmp_path / "items.parquet"
    as_of = NOW.date() - timedelta(20)
    done = _run(out, "--as-of", f"{as_of}", "--horizon-days", "28", "--key", "category", "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    told, rows = json.loads(done.stdout), _rows(out)
    assert set(rows) == {(customer, item) for customer in customers for item in ("tea", "cup", "pot")}
    assert told["rows"] == len(rows) == 180
    assert told["form"] in {"adjusted", "trees"}
    assert {one["form"] for one in told["backtest"]} >= {"closed_form", "adjusted"}
    mean = {
        item: float(np.mean([row["p_buy"] for (_who, key), row in rows.items() if key == item]))
        for item in ("tea", "cup", "pot")
    }
    assert mean["tea"] > 0.8 > mean["cup"] > 0.3 > 0.2 > mean["pot"]
    tea = [row for (_who, key), row in rows.items() if key == "tea"]
    # Two units at a time, about twice in four weeks.
    assert np.mean([row["expected_quantity"] for row in tea]) == pytest.approx(4, rel=0.4)
    dates = [row["next_date"] for row in rows.values() if row["next_date"]]
    assert told["dated"] == len(dates)
    assert all(as_of <= day < as_of + timedelta(28) for day in dates if isinstance(day, date))


def test_later_purchases_change_nothing(
    tmp_path: Path, feed: Feed, refreshed: Refresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before and after a flood on the day itself and later; and read in blocks of a few rows or in one."""
    customers = people(12)
    buy(feed, [row for rows in _rhythms(customers) for row in rows])
    refreshed()
    day = NOW.date() - timedelta(20)
    first, second, third = (tmp_path / f"{name}.parquet" for name in "abc")
    assert _run(first, "--as-of", f"{day}", "--key", "sku").exit_code == 0
    flood = [row for ago in (20, 19, 5) for who in customers for row in basket(who, NOW - timedelta(ago), ["pot", "x"])]
    buy(feed, flood)
    refreshed()
    monkeypatch.setattr(reading, "BLOCK_ENTRIES", 10)
    assert _run(second, "--as-of", f"{day}", "--key", "sku").exit_code == 0
    assert pq.read_table(first).equals(pq.read_table(second))
    assert {key for _who, key in _rows(second)} == {"sku-tea", "sku-cup", "sku-pot"}
    assert _run(third, "--as-of", f"{day + timedelta(1)}", "--key", "sku").exit_code == 0
    assert {key for _who, key in _rows(third)} == {"sku-tea", "sku-cup", "sku-pot", "sku-x"}


def test_units_that_went_back_are_not_expected(tmp_path: Path, feed: Feed, refreshed: Refresh) -> None:
    (one,) = people(1)
    sold = basket(one, NOW - timedelta(9), ["tea", "cup"], quantity=Decimal(4))
    back = sold[0] | {"order_id": "R", "kind": "refund", "refund_of": sold[0]["order_id"], "quantity": Decimal(3)}
    back |= {"amount_minor": sold[0]["amount_minor"] * 3 // 4, "occurred_at": NOW - timedelta(8)}
    buy(feed, [*sold, back])
    refreshed()
    done = _run(tmp_path / "p.parquet", "--key", "sku", "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    assert json.loads(done.stdout)["cautions"] == ["untested"]
    rows = _rows(tmp_path / "p.parquet")
    tea, cup = (rows[one, f"sku-{item}"] for item in ("tea", "cup"))
    assert isinstance(tea["expected_quantity"], float)
    assert cup["expected_quantity"] == pytest.approx(4 * tea["expected_quantity"], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("p.parquet", ("--as-of", "2019-01-01"), "2019-01-01"),
        ("p.parquet", ("--horizon-days", "0"), "0"),
        ("p.xlsx", (), "p.xlsx"),
        ("no/p.csv", (), "no"),
    ],
)
def test_what_cannot_be_is_refused(
    tmp_path: Path, feed: Feed, refreshed: Refresh, name: str, arguments: tuple[str, ...], says: str
) -> None:
    (one,) = people(1)
    buy(feed, basket(one, NOW - timedelta(9), ["tea"]))
    refreshed()
    done = _run(tmp_path / name, *arguments)
    assert done.exit_code == 1
    assert says in str(done.exception) + done.output
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []
