"""What may be offered: each declared rule holds in the file that comes out, and wrong ones are named."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from django.utils.translation import override
from typer.testing import CliRunner

from config.cli import build
from huitou.catalog.models import Product
from huitou.core.clock import SystemClock
from huitou.customers.models import Person
from huitou.customers.services import resolve_person_ids
from huitou.orders.tests.conftest import Feed
from huitou.predictions.recommending.limits import Limits, LimitsError, Unsuitable
from huitou.predictions.recommending.tests.conftest import Rows, basket
from huitou.segments.tests.conftest import NOW, Refresh, buy

SHELVES = {"soap": ("soap-a", "soap-b", "soap-c"), "cream": ("cream-a", "cream-b"), "": ("gift",)}
# Each is bought on so many of the last days, so that habits rank them in this order.
ORDER = ("soap-a", "soap-b", "soap-c", "cream-a", "cream-b", "gift")


@pytest.fixture
def shop(feed: Feed, refreshed: Refresh) -> None:
    """Two customers who buy everything, the first of the list most; the second has oily skin."""
    numbers = resolve_person_ids(values=["C1", "C2"], clock=SystemClock())
    Person.objects.filter(pk=numbers["C2"]).update(attributes={"skin": "oily", "city": "上海"})
    for category, skus in SHELVES.items():
        for sku in skus:
            Product.objects.create(sku=f"sku-{sku}", category=category, updated_at=NOW)
    rows: Rows = []
    for number in numbers.values():
        for age in range(3, 60, 3):
            items = [item for place, item in enumerate(ORDER) if age // 3 % (place + 1) == 0]
            rows += basket(number, NOW - timedelta(age), items, category=None)
    buy(feed, rows)
    refreshed()


def offered(tmp_path: Path, rules: dict[str, Any], *more: str) -> dict[str, list[str]]:
    file, out = tmp_path / "rules.yaml", tmp_path / "r.parquet"
    file.write_text(yaml.safe_dump(rules, allow_unicode=True))
    arguments = ["recommend", "--mode", "again", "--rules", str(file), "--out", str(out), "--json", *more]
    ran = CliRunner().invoke(build(), arguments)
    assert ran.exit_code == 0, (ran.output, ran.exception)
    found: dict[str, list[str]] = {"C1": [], "C2": []}
    for row in pq.read_table(out).to_pylist():
        found[row["external_id"]].append(row["key"].removeprefix("sku-"))
        assert row["rank"] == len(found[row["external_id"]])
    assert json.loads(ran.stdout)["rows"] == sum(map(len, found.values()))
    return found


@pytest.mark.django_db(transaction=True)
def test_every_rule_holds_for_products(tmp_path: Path, shop: None) -> None:
    everything = offered(tmp_path, {})
    assert everything == {"C1": list(ORDER), "C2": list(ORDER)}
    for rules, expected in (
        ({"most_per_category": 1}, ["soap-a", "cream-a", "gift"]),
        ({"most_per_category": 2}, ["soap-a", "soap-b", "cream-a", "cream-b", "gift"]),
        ({"only_categories": ["cream"], "only_skus": ["sku-gift"]}, ["cream-a", "cream-b", "gift"]),
        ({"without_categories": "soap", "without_skus": ["sku-gift"]}, ["cream-a", "cream-b"]),
        ({"only_skus": ["sku-soap-c", "sku-gone"]}, ["soap-c"]),
    ):
        assert offered(tmp_path, rules)["C1"] == expected, rules
    # Three days ago it was soap-a only, six days ago soap-a and soap-b; of the days looked at today is the first.
    for days, gone in ((3, 0), (4, 1), (6, 1), (7, 2)):
        assert offered(tmp_path, {"not_bought_for_days": days})["C1"] == list(ORDER[gone:])
    # A rule that takes the best away lets what comes after move up.
    assert offered(tmp_path, {"without_categories": ["soap"]}, "--top", "1")["C1"] == ["cream-a"]


@pytest.mark.django_db(transaction=True)
def test_what_does_not_suit_is_offered_to_others_only(tmp_path: Path, shop: None) -> None:
    rule = {"where": {"skin": ["oily", "mixed"]}, "categories": ["cream"], "skus": ["sku-gift"]}
    found = offered(tmp_path, {"unsuitable": [rule]})
    assert found == {"C1": list(ORDER), "C2": ["soap-a", "soap-b", "soap-c"]}
    # Every attribute has to be as named.
    elsewhere = {"where": {"skin": ["oily"], "city": ["北京"]}, "categories": ["cream"]}
    assert offered(tmp_path, {"unsuitable": [elsewhere]})["C2"] == list(ORDER)


@pytest.mark.django_db(transaction=True)
def test_rules_of_categories_hold_where_categories_are_recommended(tmp_path: Path, shop: None) -> None:
    assert offered(tmp_path, {}, "--key", "category")["C1"] == ["soap", "cream"]
    rules = {"without_categories": ["soap"], "only_skus": ["sku-soap-a"]}
    assert offered(tmp_path, rules, "--key", "category")["C1"] == ["cream"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("- a", "The file"),
        ("most: 3", "most"),
        ("not_bought_for_days: -1", "not_bought_for_days"),
        ("not_bought_for_days: yes", "not_bought_for_days"),
        ("most_per_category: 1.5", "most_per_category"),
        ("only_skus: [a, [b]]", "only_skus"),
        ("unsuitable: [{skus: [a]}]", "unsuitable"),
        ("unsuitable: [{where: {skin: oily}, items: [a]}]", "unsuitable"),
        ("unsuitable: [{where: [oily]}]", "unsuitable.where"),
        ("only_skus: [", r"rules\.yaml"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_is_wrong(text: str, word: str, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(text)
    with override("en"), pytest.raises(LimitsError, match=word):
        Limits.from_file(file)
    with pytest.raises(LimitsError, match=r"none\.yaml"):
        Limits.from_file(tmp_path / "none.yaml")


def test_numbers_of_products_are_their_texts_and_an_empty_file_limits_nothing(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("without_skus: [1001, b]\nunsuitable: {where: {age: 3}, skus: 7}\n")
    assert Limits.from_file(file) == Limits(
        without_skus=("1001", "b"), unsuitable=(Unsuitable({"age": ("3",)}, skus=("7",)),)
    )
    file.write_text("# nothing yet\n")
    assert Limits.from_file(file) == Limits()
