"""Orders, purchases and refund parts equal a plain Python account of the same lines, on thousands of histories."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huitou.analytics.engines import DuckEngine, Engine, Lake
from huitou.analytics.orders import Terms, build_orders
from huitou.analytics.rules import Exclusions
from huitou.analytics.tables import TABLES
from huitou.analytics.tests.histories import START, Row, order_lines
from huitou.analytics.tests.order_oracle import answer

CATEGORIES = {"x": "k1", "y": "k3"}


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("orders")
    engine = DuckEngine(Lake(str(folder / "lake")), scratch=folder / "scratch")
    yield engine
    engine.close()


def _check(
    engine: Engine,
    lines: list[Row],
    hours: int | None,
    rules: Exclusions,
    zone: str,
    joined: dict[int, int] | None = None,
) -> None:
    as_of = None if hours is None else START + timedelta(hours=hours)
    links = None
    if joined:
        rows = [{"person_id": p, "customer_id": c} for p, c in joined.items()]
        links = engine.provide("dim_person_links", pa.Table.from_pylist(rows, TABLES["dim_person_links"].schema))
    terms = Terms(as_of, zone, rules, (START, START + timedelta(days=4)), batches=2, links=links)
    engine.provide("fct_order_lines", pa.Table.from_pylist(lines, TABLES["fct_order_lines"].schema))
    products = [{"sku": s, "category": c, "brand": None, "list_price_minor": None} for s, c in CATEGORIES.items()]
    engine.provide("dim_products", pa.Table.from_pylist(products, TABLES["dim_products"].schema))
    built = build_orders(engine.table("fct_order_lines"), engine.table("dim_products"), terms, engine)
    lines = [line | {"person_id": (joined or {}).get(line["person_id"], line["person_id"])} for line in lines]
    expected = answer(lines, CATEGORIES, as_of=as_of, zone=zone, exclusions=rules)

    orders = {(r.pop("source"), r.pop("order_id")): r for r in engine.to_pyarrow(built.orders).to_pylist()}
    assert orders == expected.orders
    categories = engine.to_pyarrow(built.categories).to_pylist()
    named = {(r.pop("source"), r.pop("order_id"), r.pop("category")): r for r in categories}
    assert named == expected.categories
    key = ("source", "order_id", "line_no", "part_no")
    parts = sorted(engine.to_pyarrow(built.refunds).to_pylist(), key=lambda r: [r[k] for k in key])
    assert parts == sorted(expected.refunds, key=lambda r: [r[k] for k in key])
    assert set(engine.to_pyarrow(built.buyers)["person_id"].to_pylist()) == expected.buyers


@pytest.mark.parametrize(
    ("seed", "hours", "rules", "zone"),
    [
        (1, None, Exclusions(order_types=()), "Asia/Shanghai"),
        (2, 35, Exclusions(), "Europe/London"),
        (3, 50, Exclusions(min_amount_minor=100, channels=("store",)), "Asia/Shanghai"),
        (4, None, Exclusions(skus=("z",), person_ids=tuple(range(2, 8000, 10))), "Europe/London"),
    ],
)
def test_many_histories_equal_a_plain_account(
    engine: Engine, seed: int, hours: int | None, rules: Exclusions, zone: str
) -> None:
    random = Random(seed)
    lines = [line for case in range(400) for line in order_lines(random, case=case)]
    # The account below compares every line with every other, so it is taken case by case.
    assert len({line["source"] for line in lines}) > 600
    _check(engine, lines, hours, rules, zone)


def test_joined_persons_are_one_customer(engine: Engine) -> None:
    """Every second history's two persons are joined: all tables are those of lines that bore the customer."""
    random = Random(5)
    lines = [line for case in range(200) for line in order_lines(random, case=case)]
    joined = {case * 10 + 2: case * 10 + 1 for case in range(0, 200, 2)} | {31: 21, 32: 21}
    assert any(line["person_id"] in joined for line in lines)
    _check(engine, lines, None, Exclusions(person_ids=(1, 41)), "Asia/Shanghai", joined)


@settings(max_examples=8, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_a_history_equals_a_plain_account(tmp_path_factory: pytest.TempPathFactory, random: Random) -> None:
    folder = tmp_path_factory.mktemp("one")
    engine = DuckEngine(Lake(str(folder / "lake")), scratch=folder / "scratch")
    _check(engine, order_lines(random, orders=14), None, Exclusions(), "Asia/Shanghai")
    engine.close()


def test_heavy_refunding_of_one_product_nests(engine: Engine) -> None:
    """Long alternating histories of one customer and product, where depths are cut many times."""
    random = Random(9)
    lines = [
        line | {"sku": "x", "refund_of": None, "person_id": 1 if line["person_id"] else None}
        for line in order_lines(random, orders=150, step_hours=3)
    ]
    _check(engine, lines, None, Exclusions(order_types=()), "Asia/Shanghai")


def test_huge_quantities_and_amounts_split_to_the_last_unit(engine: Engine) -> None:
    """Grams by the ton: products of quantity and money that fit no machine word."""
    line = {
        "batch_id": 1,
        "source": "a",
        "person_id": 1,
        "sku": "x",
        "category": None,
        "status": "completed",
        "order_type": "normal",
        "channel": None,
        "store": None,
        "discount_minor": 0,
        "refund_of": None,
        "month": "2024-03",
        "line_no": 1,
        "amount_minor": 10**14 + 1,
    }
    lines = [
        line | {"order_id": "1", "kind": "sale", "quantity": Decimal("70000000.0001"), "occurred_at": START},
        line | {"order_id": "2", "kind": "sale", "quantity": Decimal("30000000.3333"), "occurred_at": START},
        line | {"order_id": "R", "kind": "refund", "quantity": Decimal("99999999.9999"), "occurred_at": START},
    ]
    _check(engine, lines, None, Exclusions(), "Asia/Shanghai")


def test_an_order_refunded_later_still_was_a_purchase_before(engine: Engine) -> None:
    """The shop's status of today must not take a purchase away from an instant before the money went back."""
    sale = {
        "batch_id": 1,
        "source": "f",
        "order_id": "1",
        "line_no": 1,
        "kind": "sale",
        "person_id": 7,
        "sku": "x",
        "category": None,
        "quantity": Decimal("1.0000"),
        "amount_minor": 500,
        "discount_minor": 0,
        "status": "refunded",
        "order_type": "normal",
        "occurred_at": START,
        "refund_of": None,
        "channel": None,
        "store": None,
        "month": "2024-03",
    }
    back = sale | {"line_no": 2, "kind": "refund", "refund_of": "1", "occurred_at": START + timedelta(days=2)}
    for hours, purchases in ((24, 1), (None, 0)):
        as_of = None if hours is None else START + timedelta(hours=hours)
        engine.provide("fct_order_lines", pa.Table.from_pylist([sale, back], TABLES["fct_order_lines"].schema))
        engine.provide("dim_products", TABLES["dim_products"].schema.empty_table())
        terms = Terms(as_of, "Asia/Shanghai", Exclusions(), (START, START + timedelta(days=4)), batches=1)
        built = build_orders(engine.table("fct_order_lines"), engine.table("dim_products"), terms, engine)
        rows = engine.to_pyarrow(built.orders).to_pylist()
        assert sum(row["is_purchase"] for row in rows) == purchases
