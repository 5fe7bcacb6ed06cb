"""The panel's slices against an independent computation in Arrow from the package's files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from huitou.sources.connectors.complete_journey.panel import (
    END,
    FIRST,
    OPENING,
    Panel,
    Slice,
    brand_categories,
    data_folder,
)

# What a brand for health, beauty, baby and household must never carry.
FOREIGN = ("CIGAR", "TOBACCO", "CANDY", "NEWSPAPER", "MAGAZINE", "GREETING", "BEER", "WINE", "LIQUOR", "CARDS")


@pytest.fixture
def panel(tmp_path: Path) -> Iterator[Panel]:
    opened = Panel("brand", tmp_path / "scratch")
    yield opened
    opened.close()


def brand_lines() -> pa.Table:
    """The brand's lines of the whole year, by way of Arrow alone."""
    codes = pa.array([category.code for category in brand_categories()])
    products = pq.read_table(data_folder() / "products.parquet", columns=["product_id", "product_category"])
    products = products.filter(pc.is_in(products["product_category"], codes))
    return pq.read_table(data_folder() / "transactions.parquet").join(products, "product_id", join_type="inner")


def before(lines: pa.Table, until: datetime) -> pa.Table:
    return lines.filter(pc.less(lines["transaction_timestamp"], pa.scalar(until.replace(tzinfo=None))))


def cents(column: pa.ChunkedArray) -> int:
    return sum(round(Decimal(repr(value)).scaleb(2)) for value in column.to_pylist())


def written_cents(column: pa.ChunkedArray) -> int:
    return int(sum(column.to_pylist()).scaleb(2))


def test_every_category_exists_in_the_panel_and_none_is_foreign_to_the_brand() -> None:
    known = set(pq.read_table(data_folder() / "products.parquet")["product_category"].to_pylist())
    for category in brand_categories():
        assert category.code in known
        assert not any(word in category.code for word in FOREIGN)
        assert any("\u4e00" <= letter <= "\u9fff" for letter in category.zh), category.code
        assert category.en
    assert {category.shelf for category in brand_categories()} == {"beauty", "health", "baby", "household"}


def test_lines_amounts_and_discounts_before_the_opening_are_exact(panel: Panel, tmp_path: Path) -> None:
    expected = before(brand_lines(), OPENING)
    assert panel.write_orders(Slice("brand", FIRST, OPENING), tmp_path / "orders.parquet") == len(expected)
    written = pq.read_table(tmp_path / "orders.parquet")
    assert written_cents(written["amount"]) == cents(expected["sales_value"])
    assert written_cents(written["discount"]) == cents(expected["retail_disc"]) + cents(expected["coupon_match_disc"])
    assert len(pc.unique(written["order_id"])) == len(pc.unique(expected["basket_id"]))
    assert len(pc.unique(written["customer_id"])) == len(pc.unique(expected["household_id"]))
    assert pc.max(written["paid_at"]).as_py() < OPENING.replace(tzinfo=None)


def test_slices_join_to_the_whole_year_without_gap_or_overlap(panel: Panel, tmp_path: Path) -> None:
    counts = [
        panel.write_orders(Slice("brand", start, end), tmp_path / "part.parquet")
        for start, end in [(FIRST, OPENING), (OPENING, datetime(2017, 12, 1, tzinfo=OPENING.tzinfo))]
    ]
    counts.append(
        panel.write_orders(Slice("brand", datetime(2017, 12, 1, tzinfo=OPENING.tzinfo), END), tmp_path / "part.parquet")
    )
    assert sum(counts) == len(brand_lines())


def test_a_manufacturers_coupon_is_an_event_and_no_discount(panel: Panel) -> None:
    applied = [e for e in panel.events(Slice("brand", FIRST, OPENING)) if e["name"] == "Coupon Applied"]
    expected = before(brand_lines(), OPENING)
    with_coupon = expected.filter(pc.greater(expected["coupon_disc"], 0))
    assert len(applied) == len(pc.unique(with_coupon["basket_id"]))
    found = sum(json.loads(event["properties"])["discount_minor"] for event in applied)
    assert found == cents(with_coupon["coupon_disc"])


def test_no_event_comes_before_its_household_is_known_and_none_is_lost_or_repeated(panel: Panel) -> None:
    early = panel.events(Slice("brand", FIRST, OPENING))
    late = panel.events(Slice("brand", OPENING, END))
    buyers = {str(h) for h in before(brand_lines(), OPENING)["household_id"].to_pylist()}
    assert {event["household"] for event in early} <= buyers
    assert all(event["occurred_at"] < OPENING.replace(tzinfo=None) for event in early)
    ids = [event["event_id"] for event in early + late]
    assert len(ids) == len(set(ids))
    whole = panel.events(Slice("brand", FIRST, END))
    assert {event["event_id"] for event in whole} == set(ids)
    assert {"Campaign Received", "Coupon Redeemed", "Coupon Applied"} == {event["name"] for event in whole}


def test_products_carry_the_list_price_seen_most_often(panel: Panel, tmp_path: Path) -> None:
    panel.write_products(Slice("brand", FIRST, OPENING), tmp_path / "products.parquet")
    written = {row["sku"]: row for row in pq.read_table(tmp_path / "products.parquet").to_pylist()}
    lines = before(brand_lines(), OPENING)
    sku, _ = max(
        ((v["values"], v["counts"]) for v in pc.value_counts(lines["product_id"]).to_pylist()), key=lambda v: v[1]
    )
    seen: dict[Decimal, int] = {}
    for row in lines.filter(pc.equal(lines["product_id"], sku)).to_pylist():
        if row["quantity"] > 0:
            price = Decimal(round((row["sales_value"] + row["retail_disc"] + row["coupon_match_disc"]) * 100))
            unit = price / row["quantity"]
            seen[unit] = seen.get(unit, 0) + 1
    assert seen[written[str(sku)]["list_price"] * 100] == max(seen.values())
