"""`huitou rules`: exact rules over what counts as bought, nothing from the instant on, and errors that say why."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from config.cli import build
from huitou.core.clock import SystemClock
from huitou.customers.services import resolve_person_ids
from huitou.orders.tests.conftest import Feed
from huitou.predictions.recommending.tests.conftest import Rows, basket
from huitou.segments.tests.conftest import NOW, Refresh, buy, people

pytestmark = pytest.mark.django_db(transaction=True)


def said(*arguments: str, code: int = 0) -> Any:
    ran = CliRunner().invoke(build(), ["rules", *arguments, "--json"])
    if code == 0:
        assert ran.exit_code == 0, (ran.output, ran.exception)
        return json.loads(ran.stdout)
    assert ran.exit_code != 0
    return ran.exception


def written(path: Path, kind: str) -> dict[tuple[str, str], dict[str, Any]]:
    rows = [row for row in pq.read_table(path).to_pylist() if row["kind"] == kind]
    return {("+".join(row["antecedents"]), "+".join(row["consequents"])): row for row in rows}


def test_rules_of_what_was_kept_and_of_nothing_else(tmp_path: Path, feed: Feed, refreshed: Refresh) -> None:
    one, two = people(2)
    at = NOW - timedelta(5)
    rows: Rows = [
        *basket(one, at, ["tea", "cup"]),
        *basket(one, at - timedelta(1), ["tea", "cup", "pot"]),
        *basket(two, at - timedelta(2), ["tea"]),
        # Anonymous sales are baskets too.
        *basket(None, at - timedelta(3), ["pot"]),
        # Not paid, called off, given away, and of no known category: these are none.
        *basket(two, at - timedelta(4), ["tea", "cup"], status="unpaid"),
        *basket(two, at - timedelta(5), ["tea", "cup"], status="cancelled"),
        *basket(two, at - timedelta(6), ["tea", "cup"], order_type="sample"),
        *basket(two, at - timedelta(7), ["lid"], category=None),
        # Happened on the day asked for: not known yet.
        *basket(two, NOW - timedelta(1), ["cup", "pot"]),
    ]
    buy(feed, rows)
    refreshed()
    out = tmp_path / "rules.parquet"
    told = said("--min-support", "0", "--min-lift", "0", "--as-of", f"{NOW - timedelta(2):%Y-%m-%d}", "--out", str(out))
    assert (told["baskets"], told["item_sets"]) == (4, {"1": 3, "2": 3, "3": 1})
    pairs = written(out, "pair")
    assert set(pairs) == {(a, b) for a in ("tea", "cup", "pot") for b in ("tea", "cup", "pot") if a != b}
    row = pairs["cup", "tea"]
    assert (row["count"], row["base_count"], row["support"], row["confidence"]) == (2, 2, 0.5, 1.0)
    assert (row["base_rate"], row["lift"]) == (0.75, pytest.approx(4 / 3))
    assert written(out, "triple")["cup+pot", "tea"]["count"] == 1
    later = said("--min-support", "0", "--min-lift", "0", "--out", str(out))
    assert later["baskets"] == 5


def test_a_line_that_went_back_is_in_no_basket_of_products(tmp_path: Path, feed: Feed, refreshed: Refresh) -> None:
    (one,) = people(1)
    at = NOW - timedelta(5)
    sold = basket(one, at, ["tea", "cup", "pot"])
    back = [
        row | {"order_id": f"R-{row['sku']}", "line_no": 1, "kind": "refund", "refund_of": row["order_id"]}
        for row in sold[:1]
    ]
    back = [row | {"occurred_at": at + timedelta(1)} for row in back]
    buy(feed, [*sold, *back])
    refreshed()
    out = tmp_path / "rules.parquet"
    for key, kept in (
        ("sku", {("sku-cup", "sku-pot"), ("sku-pot", "sku-cup")}),
        ("category", {("cup", "pot"), ("pot", "cup")}),
    ):
        said("--key", key, "--min-support", "0", "--out", str(out))
        assert set(written(out, "pair")) == kept
        # Before it went back it was in.
        day = f"{at + timedelta(1):%Y-%m-%d}"
        told = said("--key", key, "--min-support", "0", "--as-of", day, "--out", str(out))
        assert told["item_sets"] == {"1": 3, "2": 3, "3": 1}


def chain_rows(persons: list[int]) -> Rows:
    """Everybody begins with tea or cups; four in ten go on to a pot, after tea twice as often as after cups."""
    rows: Rows = []
    for number, person in enumerate(persons):
        begin = "tea" if number % 2 else "cup"
        at = NOW - timedelta(150 - number % 7)
        rows += basket(person, at, [begin])
        if number % 10 < (6 if begin == "tea" else 3):
            rows += basket(person, at + timedelta(20 + number % 5), ["pot"])
    return rows


def test_a_chain_says_how_much_more_likely_and_when(tmp_path: Path, feed: Feed, refreshed: Refresh) -> None:
    persons = people(200)
    buy(feed, chain_rows(persons))
    refreshed()
    out = tmp_path / "rules.parquet"
    told = said("--window-days", "60", "--min-lift", "0", "--out", str(out))
    assert told["customers"] == 200
    chain = written(out, "sequence")["tea", "pot"]
    went_on = sum(number % 2 and number % 10 < 6 for number in range(200))
    others = sum(not number % 2 and number % 10 < 3 for number in range(200))
    assert (chain["count"], chain["base_count"]) == (went_on, 100)
    assert chain["base_rate"] == pytest.approx(others / 100)
    assert chain["lift"] == pytest.approx(went_on / others)
    assert chain["lift_low"] < chain["lift"] < chain["lift_high"]
    assert 20 <= chain["early_days"] <= chain["median_days"] <= chain["late_days"] <= 24
    # A window that is longer than anybody could be watched says nothing rather than something wrong.
    assert said("--window-days", "365", "--min-lift", "0", "--out", str(out))["rules"]["sequence"] == 0


def test_a_table_for_a_spreadsheet_holds_no_formulas(tmp_path: Path, feed: Feed, refreshed: Refresh) -> None:
    numbers = resolve_person_ids(values=["C1"], clock=SystemClock())
    at = NOW - timedelta(5)
    buy(feed, basket(numbers["C1"], at, ["=1+1", "tea"]))
    refreshed()
    out = tmp_path / "rules.csv"
    told = said("--min-support", "0", "--out", str(out))
    assert told["customers"] == 1
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["antecedents"] for row in rows} == {"'=1+1", "tea"}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--min-support", "1.5"], "1.5"),
        (["--min-confidence", "-0.1"], "-0.1"),
        (["--min-lift", "nan"], "nan"),
        (["--window-days", "0"], "0"),
        (["--as-of", "yesterday"], "yesterday"),
    ],
)
def test_what_cannot_be_asked_says_which_option(
    arguments: list[str], word: str, tmp_path: Path, refreshed: Refresh
) -> None:
    error = said(*arguments, "--out", str(tmp_path / "r.parquet"), code=1)
    assert word in str(error)


def test_files_that_cannot_be_are_refused_before_any_work(tmp_path: Path, refreshed: Refresh) -> None:
    for name in ("rules.xls", "nowhere/rules.csv"):
        error = said("--out", str(tmp_path / name), code=1)
        assert type(error).__name__ == "ExportError"
    assert type(said("--out", str(tmp_path / "r.csv"), code=1)).__name__ == "NotRefreshedError"


def test_the_first_instant_of_a_day_decides(tmp_path: Path, feed: Feed, refreshed: Refresh) -> None:
    (one,) = people(1)
    midnight = datetime.fromisoformat("2024-04-02T00:00:00+08:00")
    buy(feed, [*basket(one, midnight - timedelta(seconds=1), ["tea"]), *basket(one, midnight, ["cup"])])
    refreshed()
    out = tmp_path / "rules.parquet"
    told = said("--min-support", "0", "--as-of", "2024-04-02", "--out", str(out))
    assert (told["baskets"], told["item_sets"]["1"]) == (1, 1)
