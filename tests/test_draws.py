"""One draw everywhere: conditions over the lake and of one customer, experiments in Python, and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import ibis
import pytest
from django.db import connection

from huitou.analytics.conditions import History, Moment, holds, parse_condition
from huitou.analytics.conditions.kinds.bucket import draw_prefix
from huitou.analytics.engines import DuckEngine, Lake
from huitou.experiments.sql import DRAW
from huitou.stats.allocation import draw, is_within

NOW = Moment(datetime(2024, 4, 1, tzinfo=UTC), "Asia/Shanghai")
CUSTOMERS = [*range(1, 2001), 2**31, 2**40 + 7]
SALTS = ("pilot", "holdout:2026-Q4", "抽签 '甲'")


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("salt", SALTS)
def test_all_of_them_draw_alike(salt: str, tmp_path: Path) -> None:
    expected = {customer: draw(salt, customer) for customer in CUSTOMERS}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT asked.customer, {DRAW} FROM unnest(%(customers)s::bigint[]) AS asked(customer)",
            {"salt": salt, "customers": CUSTOMERS},
        )
        assert dict(cursor.fetchall()) == expected
    with DuckEngine(Lake(str(tmp_path / "lake")), scratch=tmp_path / "scratch") as engine:
        people = ibis.memtable({"person_id": CUSTOMERS}, schema={"person_id": "int64"})
        drawn = engine.to_pyarrow(people.select("person_id", prefix=draw_prefix(people.person_id, salt))).to_pylist()
    assert {row["person_id"]: int(row["prefix"], 16) for row in drawn} == expected


@pytest.mark.parametrize("low", [0, 1, 3333, 9999])
@pytest.mark.parametrize("high", [1, 3334, 5000, 10_000])
def test_shares_have_the_same_borders(low: int, high: int) -> None:
    if low >= high:
        return
    condition = parse_condition({"bucket": {"salt": "pilot", "from": low, "to": high}})
    drawn = {n for n in CUSTOMERS if holds(condition, History(n), NOW)}
    assert drawn == {n for n in CUSTOMERS if is_within(draw("pilot", n), low, high)}
