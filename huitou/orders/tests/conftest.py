"""A brand whose facts lie in the lake of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from huitou.accounts.models import Brand
from huitou.analytics.tables import TABLES
from huitou.analytics.tests.histories import START
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.core.lake import claim_batch, commit_batch, reserve_batch_id

Row = dict[str, Any]
Feed = Callable[[Iterable[Row]], int]


@pytest.fixture
def brand(db: None) -> Brand:
    """A brand whose now stands ten days after the histories begin."""
    now = datetime(2024, 4, 9, 4, 0, tzinfo=START.tzinfo)
    return Brand.objects.create(pk=1, name="Test", zone="Asia/Shanghai", currency="CNY", clock_now=now)


@pytest.fixture
def feed(home: Home, db: None) -> Feed:
    """Append rows of fct_order_lines as one batch; the batch id is put into them."""

    def append(rows: Iterable[Row]) -> int:
        batch = reserve_batch_id()
        staged = home.staging / f"batch-{batch}"
        staged.mkdir(parents=True)
        table = pa.Table.from_pylist([row | {"batch_id": batch} for row in rows], TABLES["fct_order_lines"].schema)
        pq.write_table(table, staged / "rows.parquet")
        clock = FixedClock(START)
        claim_batch(
            batch_id=batch,
            key=str(batch),
            table="fct_order_lines",
            staged_path=staged.name,
            row_count=table.num_rows,
            clock=clock,
        )
        commit_batch(batch, home=home, clock=clock)
        return batch

    return append
