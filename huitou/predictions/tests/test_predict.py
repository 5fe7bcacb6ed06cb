"""`huitou predict`: one row per customer, from what was known before the day, and errors that say what to do."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from django.utils.translation import override
from typer.testing import CliRunner, Result

from config.cli import build
from huitou.accounts.models import Brand
from huitou.core.home import Home
from huitou.customers.models import Identifier, Person
from huitou.orders.refresh import refresh
from huitou.orders.tests.conftest import Feed
from huitou.orders.tests.test_queries import line
from huitou.stats.buy_till_you_die.backtest import TREES

# Noon in Shanghai.
FIRST = datetime(2023, 1, 1, 4, tzinfo=UTC)
COLUMNS = [
    "person_id",
    "external_id",
    "expected_orders",
    "p_order",
    "p_alive",
    "expected_value_minor",
    "next_order_date",
    "model",
]


def _purchases(days: int) -> list[tuple[int, int]]:
    """(customer, day) of 120 customers: odd ones every three weeks all along, even ones until some day."""
    draw = np.random.default_rng(1)
    found = []
    for customer in range(1, 121):
        day = int(draw.integers(0, 60))
        until = days if customer % 2 else int(draw.integers(80, 260))
        while day < until:
            found.append((customer, day))
            day += int(draw.integers(7, 35))
    return found


def _feed(feed: Feed, purchases: list[tuple[int, int]], hour: int = 0) -> None:
    feed(line(f"{c}-{d}", FIRST + timedelta(days=d, hours=hour), c) for c, d in purchases)


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(build(), ["predict", *arguments])


@pytest.fixture
def store(home: Home, brand: Brand, feed: Feed) -> Brand:
    for pk in range(1, 122):
        Person.objects.create(pk=pk, created_at=FIRST)
    Identifier.objects.create(kind="customer_id", value="0017", person_id=1)
    _feed(feed, _purchases(400))
    refresh(home=home, brand=brand, clock=brand.clock)
    return brand


def test_one_row_per_customer_with_a_purchase(store: Brand, tmp_path: Path) -> None:
    out = tmp_path / "p.parquet"
    done = _run("--as-of", "2024-01-01", "--horizon-days", "28", "--out", str(out), "--json")
    assert done.exit_code == 0, done.output
    table = pq.read_table(out)
    assert table.column_names == COLUMNS
    assert table["person_id"].to_pylist() == list(range(1, 121))
    assert table["external_id"].to_pylist()[:2] == ["0017", None]
    alive, stopped = (table["p_order"].to_numpy()[n::2] for n in (0, 1))
    assert alive.min() > stopped.max()
    # Every three weeks, half bought: in four weeks 60 customers make about 80 days with a purchase.
    assert table["expected_orders"].to_numpy().sum() == pytest.approx(80, rel=0.25)
    worth = table["expected_value_minor"].to_numpy() / np.maximum(table["expected_orders"].to_numpy(), 1e-9)
    assert worth[table["expected_orders"].to_numpy() > 0.5] == pytest.approx(2000, rel=0.01)
    days = [day for day in table["next_order_date"].to_pylist()[::2] if day]
    assert len(days) > 50
    assert all(date(2024, 1, 1) <= day < date(2024, 3, 1) for day in days)
    assert set(table["model"].to_pylist()) == {json.loads(done.stdout)["model"]}
    told = json.loads(done.stdout)
    assert told["rows"] == 120
    assert told["cautions"] == ["one_season"] or "no_season" in told["cautions"]
    assert {one["horizon_days"] for one in told["backtest"]} == {28}


def test_trees_that_won_take_the_model_further(store: Brand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They win here by decree, as so few customers would not bear them."""
    plain, taken = tmp_path / "plain.parquet", tmp_path / "taken.parquet"
    asked = ("--as-of", "2024-01-01", "--horizon-days", "28", "--out")
    assert _run(*asked, str(plain)).exit_code == 0
    monkeypatch.setattr("huitou.stats.buy_till_you_die.learned.LEAST_EXAMPLES", 100)
    monkeypatch.setattr("huitou.stats.buy_till_you_die.learned.LEAST_RETURNS", 20)
    monkeypatch.setattr("huitou.stats.buy_till_you_die.forecast.best_of", lambda tested: TREES)
    assert _run(*asked, str(taken)).exit_code == 0
    before, after = pq.read_table(plain), pq.read_table(taken)
    assert set(after["model"].to_pylist()) == {TREES}
    p_order, p_before = after["p_order"].to_numpy(), before["p_order"].to_numpy()
    assert np.abs(p_order - p_before).max() > 0.01
    assert p_order[0::2].min() > p_order[1::2].max()
    assert (after["p_alive"].to_numpy() >= p_order).all()
    assert (after["expected_orders"].to_numpy() >= p_order).all()
    # The date stays the model's.
    assert after["next_order_date"].null_count < 120


def test_what_comes_later_changes_nothing(home: Home, store: Brand, feed: Feed, tmp_path: Path) -> None:
    """The same day's forecast before and after a flood of later orders, and one later on that very day."""
    first, second, third = (tmp_path / f"{name}.parquet" for name in "abc")
    assert _run("--as-of", "2023-11-01", "--out", str(first)).exit_code == 0
    # Noon of the day itself, and 100 purchases of everybody from then on.
    _feed(feed, [(customer, day) for customer in range(1, 122) for day in (304, *range(310, 330))])
    refresh(home=home, brand=store, clock=store.clock)
    assert _run("--as-of", "2023-11-01", "--out", str(second)).exit_code == 0
    assert pq.read_table(first).equals(pq.read_table(second))
    assert _run("--as-of", "2023-11-02", "--out", str(third)).exit_code == 0
    assert pq.read_table(third)["person_id"].to_pylist() == list(range(1, 122))


def test_a_day_that_is_not_over_counts_nowhere(home: Home, store: Brand, feed: Feed, tmp_path: Path) -> None:
    """Without a date the brand's now is asked for, noon of a day on which somebody has bought in the morning."""
    before, after = tmp_path / "a.parquet", tmp_path / "b.parquet"
    assert _run("--out", str(before)).exit_code == 0
    _feed(feed, [(customer, 464) for customer in range(1, 122)], hour=-3)
    refresh(home=home, brand=store, clock=store.clock)
    done = _run("--out", str(after))
    assert done.exit_code == 0, done.output
    assert pq.read_table(before).equals(pq.read_table(after))


def test_few_customers_are_told_as_few(home: Home, brand: Brand, feed: Feed, tmp_path: Path) -> None:
    Person.objects.create(pk=1, created_at=FIRST)
    _feed(feed, [(1, 0), (1, 20)])
    refresh(home=home, brand=brand, clock=brand.clock)
    done = _run("--as-of", "2023-03-01", "--out", str(tmp_path / "p.parquet"), "--json")
    assert json.loads(done.stdout)["cautions"] == ["too_little", "untested", "no_season"]
    table = pq.read_table(tmp_path / "p.parquet")
    assert 0 < table["p_order"][0].as_py() < 1


def test_what_cannot_be_is_refused(store: Brand, tmp_path: Path) -> None:
    told = [
        (("--as-of", "2022-01-01", "--out", "{}/p.parquet"), "2022-01-01"),
        (("--as-of", "2024-13-01", "--out", "{}/p.parquet"), "2024-13-01"),
        (("--horizon-days", "0", "--out", "{}/p.parquet"), "not 0"),
        (("--out", "{}/p.xlsx"), "p.xlsx"),
        (("--out", "{}/nowhere/p.parquet"), "nowhere"),
    ]
    for arguments, says in told:
        with override("en"):
            done = _run(*(one.format(tmp_path) for one in arguments))
        assert done.exit_code == 1, arguments
        assert says in str(done.exception) + done.output
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []
