"""DuckDB gives the plain account's answer for every table, feature and metric of the nasty corpus, on every run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from huitou.analytics.engines import DuckEngine, Engine, Lake
from huitou.analytics.metric_facts import Facts
from huitou.analytics.metric_rows import compute_rows
from huitou.analytics.metrics.tests.oracle import ORACLES, Question, equation_parts
from huitou.analytics.periods import Periods
from huitou.analytics.rules import ORDER_TYPES
from huitou.analytics.tables import ORDER_STATUSES, TABLES
from tests.parity import asking, corpus
from tests.parity.account import Account
from tests.parity.corpus import SETTINGS, Row, Setting

Refreshed = tuple[Engine, Account]


@pytest.fixture(scope="module", params=SETTINGS, ids=lambda setting: setting.name)
def refreshed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refreshed]:
    """DuckDB over the corpus after a refresh, and the account of the same setting."""
    setting: Setting = request.param
    folder = tmp_path_factory.mktemp("corpus")
    with DuckEngine(Lake(str(folder / "lake")), scratch=folder / "scratch") as engine:
        asking.load(engine, setting)
        asking.refresh(engine, setting)
        yield engine, Account(setting)


@pytest.fixture(scope="module")
def seen(refreshed: Refreshed) -> dict[str, Facts]:
    """What every question sees, by occasion."""
    engine, account = refreshed
    return {occasion: asking.facts(engine, account.setting, occasion) for occasion in ("order", "day")}


def _by_key(engine: Engine, name: str) -> dict[tuple[Any, ...], Row]:
    rows = engine.to_pyarrow(engine.table(name)).to_pylist()
    found = {tuple(row.pop(k) for k in TABLES[name].key): row for row in rows}
    assert len(found) == len(rows), f"{name} has a key twice"
    return found


def test_orders_and_refunds(refreshed: Refreshed) -> None:
    engine, account = refreshed
    assert _by_key(engine, "int_orders") == account.orders.orders
    assert _by_key(engine, "int_order_categories") == account.orders.categories
    key = TABLES["int_refunds"].key
    refunds = {tuple(row[k] for k in key): row for row in account.orders.refunds}
    assert _by_key(engine, "int_refunds") == {
        k: {name: value for name, value in row.items() if name not in key} for k, row in refunds.items()
    }


def test_days(refreshed: Refreshed) -> None:
    engine, account = refreshed
    assert _by_key(engine, "int_person_days") == account.days


def test_features(refreshed: Refreshed) -> None:
    engine, account = refreshed
    got = {key[0]: row for key, row in _by_key(engine, "feat_customers").items()}
    assert got.keys() == account.features.keys()
    for person, row in got.items():
        for name, value in row.items():
            wanted = account.features[person][name]
            if name == "next_order_due_at" and wanted is not None:
                assert abs(value - wanted) <= timedelta(seconds=1), person
                continue
            if isinstance(wanted, float):
                wanted = pytest.approx(wanted, rel=1e-12)
            assert value == wanted, (person, name)


# A dimension by itself is left to the soak: all of a metric's dimensions together cut by each of them too.
ASKED = [
    pytest.param(asked, id=str(asked), marks=[pytest.mark.soak] if len(asked.dims) == 1 and several else [])
    for asked in asking.questions(grains=("quarter",), occasions=("order", "day"))
    for several in [len(asked.metric.dimensions) > 1]
    if asked.occasion == "order" or len(asked.dims) != 1
]


@pytest.mark.parametrize("asked", ASKED)
def test_metrics(refreshed: Refreshed, seen: dict[str, Facts], asked: asking.Asked) -> None:
    engine, account = refreshed
    if account.setting.empty and asked.dims:
        return  # nothing to cut
    rows = compute_rows(
        asked.metric,
        seen[asked.occasion],
        Periods(asked.grain, *asking.SPAN),
        asked.dims,
        today=account.day(account.setting.as_of),
        execute=engine.to_pyarrow,
    )
    found: dict[Any, dict[str | None, Any]] = {}
    for row in rows:
        found.setdefault((row.period.name, row.values), {})[row.figure.series] = row.figure
    there = {values for _name, values in found}
    for key, question in account.questions(asked.grain, asking.SPAN, asked.dims, asked.occasion).items():
        if key[1] in there:
            _compare(asked, found[key], question)
        else:
            _nothing(asked, question)


def _compare(asked: asking.Asked, figures: dict[str | None, Any], question: Question) -> None:
    if asked.metric.kind == "revenue_equation":
        now = equation_parts(question, question.first, question.last)
        before = equation_parts(question, *question.following(-1))
        assert figures["revenue"].value == now["known"] + now["anonymous"]
        assert (figures["orders_per_buyer"].numerator or 0) == now["orders"]
        assert figures["buyers"].value == now["buyers"]
        assert figures["change"].value == figures["revenue"].value - before["known"] - before["anonymous"]
        parts = [f.value for series, f in figures.items() if str(series).startswith("contribution.")]
        assert sum(parts) == figures["change"].value
        return
    expected = ORACLES[asked.metric.kind](question)
    assert figures.keys() == expected.keys()
    for series, (value, numerator, denominator) in expected.items():
        assert (figures[series].numerator, figures[series].denominator) == (numerator, denominator), series
        wanted = value if value is None or asked.metric.unit != "days" else pytest.approx(value, rel=1e-12)
        assert figures[series].value == wanted, series


def _nothing(asked: asking.Asked, question: Question) -> None:
    """A combination without a row is one in which nothing happened."""
    if asked.metric.kind == "revenue_equation":
        assert not any(equation_parts(question, question.first, question.last).values())
    else:
        for _value, numerator, denominator in ORACLES[asked.metric.kind](question).values():
            assert not numerator
            assert not denominator


def test_the_corpus_is_as_nasty_as_it_says() -> None:
    """Every trouble is there, so that nobody tidies one away unseen."""
    lines, events = corpus.all_lines(), corpus.all_events()
    sales = [row for row in lines if row["kind"] == "sale"]
    moments = Counter((row["person_id"], row["occurred_at"]) for row in sales)
    assert max(moments.values()) > 3
    assert {name for row in lines for name, value in row.items() if value is None} == {
        column.name for column in TABLES["fct_order_lines"].columns if column.nullable
    }
    assert {row["status"] for row in lines} == set(ORDER_STATUSES)
    assert {row["order_type"] for row in lines} == set(ORDER_TYPES)
    assert min(row["amount_minor"] for row in sales) < 0
    assert max(row["amount_minor"] for row in sales) > 2**53
    assert any(row["quantity"] != row["quantity"].quantize(Decimal("0.001")) for row in lines)
    assert len({row["batch_id"] for row in lines if row["order_id"] == "again"}) == 3
    assert set(corpus.JOINED) <= {row["person_id"] for row in lines} & {row["person_id"] for row in events}
    leap = datetime(2024, 2, 29, tzinfo=UTC)
    assert any(leap <= row["occurred_at"] < leap + timedelta(days=1) for row in lines)
    for zone in (corpus.SHANGHAI, corpus.LONDON):
        midnight = corpus.at("2024-12-31", zone) + timedelta(days=1)
        near = {row["occurred_at"] - midnight for row in lines}
        assert {timedelta(microseconds=n) for n in (-1, 0, 1)} <= near
    account = Account(SETTINGS[0])
    parts = Counter((row["source"], row["order_id"], row["line_no"]) for row in account.orders.refunds)
    assert max(parts.values()) > 2
    assert any(row["sale_order_id"] is None for row in account.orders.refunds)
    refunded = [row for row in account.orders.orders.values() if row["refunded_minor"]]
    assert any(row["refunded_minor"] > row["amount_minor"] for row in refunded)
    assert any(row["is_purchase"] for row in refunded)
    apart = [row for row in account.features.values() if row["days_since_last_interaction"] is not None]
    assert any((row["days_since_last_order"] or 0) > row["days_since_last_interaction"] + 30 for row in apart)
