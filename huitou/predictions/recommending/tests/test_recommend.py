"""`huitou recommend`: files that programs read, modes that keep their word, and nothing from the instant on."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from config.cli import build
from huitou.core.clock import SystemClock
from huitou.customers.services import resolve_person_ids
from huitou.orders.tests.conftest import Feed
from huitou.predictions.recommending.tests.conftest import Rows, basket
from huitou.segments.tests.conftest import NOW, Refresh, buy

pytestmark = pytest.mark.django_db(transaction=True)
DAYS, CUSTOMERS = 120, 140


def said(*arguments: str, code: int = 0) -> Any:
    ran = CliRunner().invoke(build(), ["recommend", *arguments, "--json"])
    if code == 0:
        assert ran.exit_code == 0, (ran.output, ran.exception)
        return json.loads(ran.stdout)
    assert ran.exit_code != 0
    return ran.exception


def lists(path: Path) -> dict[str, list[str]]:
    """Items of each customer by rank."""
    found: dict[str, list[str]] = {}
    for row in pq.read_table(path).to_pylist():
        assert row["rank"] == len(found.setdefault(row["external_id"], [])) + 1
        found[row["external_id"]].append(row["key"])
    return found


@pytest.fixture
def shop(feed: Feed, refreshed: Refresh) -> dict[str, set[str]]:
    """Two circles of customers, of which each keeps to three of its circle's ten items every fourth day; the last
    customer shops on the last day for the first time. By customer number, what was bought before that day."""
    rng = np.random.default_rng(3)
    numbers = resolve_person_ids(values=[f"C{n}" for n in range(CUSTOMERS)], clock=SystemClock())
    rows: Rows = []
    had: dict[str, set[str]] = {}
    for n in range(CUSTOMERS - 1):
        items = rng.choice(10, 3, replace=False) + 10 * (n % 2)
        for age in range(2, DAYS, 4):
            taken = [f"i{item:02d}" for item in items if rng.random() < 0.7]
            rows += basket(numbers[f"C{n}"], NOW - timedelta(age), taken)
            had.setdefault(f"C{n}", set()).update(f"sku-{item}" for item in taken)
    rows += basket(numbers[f"C{CUSTOMERS - 1}"], NOW - timedelta(hours=1), ["i00", "i99"])
    buy(feed, rows)
    refreshed()
    return had


def test_each_mode_offers_what_it_says(tmp_path: Path, shop: dict[str, set[str]]) -> None:
    out = tmp_path / "r.parquet"
    day = f"{NOW - timedelta(1):%Y-%m-%d}"
    told = said("--mode", "again", "--top", "5", "--key", "sku", "--as-of", day, "--out", str(out))
    assert (told["customers"], told["items"], told["learned"]) == (CUSTOMERS - 1, 20, True)
    assert pq.read_schema(out).names == ["person_id", "external_id", "rank", "key", "score"]
    again = lists(out)
    # Everything that a customer bought before is three items, and the one who came later is not there yet.
    assert {number: set(items) for number, items in again.items()} == shop
    scores = pq.read_table(out)
    assert all(
        scores["score"][n].as_py() <= scores["score"][n - 1].as_py()
        for n in range(1, scores.num_rows)
        if scores["rank"][n].as_py() > 1
    )
    said("--mode", "new", "--top", "5", "--as-of", day, "--out", str(out))
    new = lists(out)
    assert set(new) == set(shop)
    assert all(len(items) == 5 and not set(items) & shop[number] for number, items in new.items())
    # What the own circle buys comes first.
    own = [item[4:6] < "i1" for number, items in new.items() for item in items if int(number[1:]) % 2 == 0]
    assert np.mean(own) > 0.9
    said("--mode", "basket", "--top", "5", "--as-of", day, "--out", str(out))
    whole = lists(out)
    assert all(set(items[:3]) == shop[number] and len(items) == 5 for number, items in whole.items())


def test_a_key_is_also_a_category_and_a_table_can_be_read_by_a_spreadsheet(
    tmp_path: Path, shop: dict[str, set[str]]
) -> None:
    out = tmp_path / "r.csv"
    told = said("--mode", "again", "--key", "category", "--top", "1", "--min-purchases", "1", "--out", str(out))
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert told["rows"] == len(rows) == CUSTOMERS
    assert {row["key"][0] for row in rows} == {"i"}
    # By now the last customer has bought; of what was bought once only, nothing is offered unless asked for.
    last = next(row for row in rows if row["external_id"] == f"C{CUSTOMERS - 1}")
    assert last["key"] in ("i00", "i99")
    assert said("--key", "category", "--min-purchases", "1", "--out", str(out))["items"] == 21
    assert said("--key", "category", "--out", str(out))["items"] == 20


def test_the_same_history_gives_the_same_file(tmp_path: Path, shop: dict[str, set[str]]) -> None:
    one, two = tmp_path / "one.parquet", tmp_path / "two.parquet"
    for out in (one, two):
        said("--mode", "new", "--out", str(out))
    assert pq.read_table(one).equals(pq.read_table(two))


def test_hardly_any_history_ranks_by_habit_and_says_so(tmp_path: Path, feed: Feed, refreshed: Refresh) -> None:
    numbers = resolve_person_ids(values=["C1", "C2"], clock=SystemClock())
    rows: Rows = []
    for age, items in ((9, ["tea", "cup"]), (6, ["tea"]), (3, ["tea", "pot"])):
        rows += basket(numbers["C1"], NOW - timedelta(age), items)
    rows += basket(numbers["C2"], NOW - timedelta(2), ["cup", "pot"])
    buy(feed, rows)
    refreshed()
    out = tmp_path / "r.parquet"
    for mode, expected in (
        ("again", {"C1": ["sku-tea", "sku-pot", "sku-cup"], "C2": ["sku-cup", "sku-pot"]}),
        ("new", {"C2": ["sku-tea"]}),
    ):
        told = said("--mode", mode, "--out", str(out))
        assert not told["learned"]
        assert lists(out) == expected


@pytest.mark.parametrize(("arguments", "word"), [(["--top", "0"], "0"), (["--min-purchases", "0"], "0")])
def test_what_cannot_be_asked_says_why(arguments: list[str], word: str, tmp_path: Path, refreshed: Refresh) -> None:
    assert word in str(said(*arguments, "--out", str(tmp_path / "r.parquet"), code=1))


def test_a_store_without_orders_gives_an_empty_file(tmp_path: Path, refreshed: Refresh) -> None:
    refreshed()
    out = tmp_path / "r.parquet"
    for mode in ("again", "new", "basket"):
        assert said("--mode", mode, "--out", str(out))["rows"] == 0
        assert pq.read_table(out).num_rows == 0
