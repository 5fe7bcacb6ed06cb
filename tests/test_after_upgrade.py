"""A store whose last refresh was made by an earlier version of the product."""

from __future__ import annotations

import pytest
from deltalake import DeltaTable, write_deltalake

from huitou.accounts.models import Brand
from huitou.core.home import Home
from huitou.orders.queries import NotRefreshedError, list_customers, open_engine
from huitou.orders.tests.conftest import Feed, brand, feed
from huitou.orders.tests.test_refresh import _histories, _refresh

__all__ = ["brand", "feed"]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("table", "column"), [("feat_customers", "order_count"), ("int_orders", "is_purchase")])
def test_columns_of_a_later_version_are_told_and_computed(
    home: Home, brand: Brand, feed: Feed, table: str, column: str
) -> None:
    """As after an upgrade: what the last refresh left lacks a column that is declared by now."""
    feed(_histories(3))
    run = _refresh(home, brand).run
    before = list_customers(page_size=1000)
    whole = DeltaTable(f"{home.lake_url}/{table}")
    rows = whole.to_pyarrow_table().drop_columns([column])
    write_deltalake(whole, rows, mode="overwrite", schema_mode="overwrite")
    run.versions[table] = DeltaTable(f"{home.lake_url}/{table}").version()
    run.detail["basis"] = run.detail.get("basis", {}) | {"declarations": "of an earlier version"}
    run.save()
    with pytest.raises(NotRefreshedError, match=f"{table}.*huitou refresh"), open_engine() as engine:
        engine.table(table)
    assert not _refresh(home, brand).skipped
    assert list_customers(page_size=1000) == before
    with open_engine() as engine:
        assert column in engine.table(table).columns
