"""Exported features: one row per customer, the shop's own number beside ours, as of any day."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from config.cli import build
from huitou.accounts.models import Brand
from huitou.analytics.feature import FEATURES
from huitou.core.home import Home
from huitou.customers.models import Identifier, Person
from huitou.orders.export import ExportError, export_features, parse_as_of
from huitou.orders.refresh import refresh
from huitou.orders.tests.conftest import Feed
from huitou.orders.tests.test_queries import line


@pytest.fixture
def store(home: Home, brand: Brand, feed: Feed) -> Brand:
    """Customers 1, 2 and 5; 3 and 4 exist but never bought. Number of 5 has a comma and a quote in it."""
    now = brand.now()
    for pk in range(1, 6):
        Person.objects.create(pk=pk, created_at=now)
    for person, value in ((1, "0017"), (3, "x"), (5, 'a,"b'), (5, "z"), (2, "=1+1")):
        Identifier.objects.create(kind="customer_id", value=value, person_id=person)
    Identifier.objects.create(kind="openid", value="secret", person_id=2)
    # 2024-04-08 in Shanghai begins at 16:00 the day before.
    border = datetime(2024, 4, 7, 16, 0, tzinfo=now.tzinfo)
    feed([line("1", border - timedelta(microseconds=1), 1), line("2", border, 2), line("3", border, 1)])
    feed([line("4", border - timedelta(days=2), 5)])
    refresh(home=home, brand=brand, clock=brand.clock)
    return brand


def test_every_customer_with_the_shops_number(store: Brand, tmp_path: Path) -> None:
    done = export_features(out=tmp_path / "f.parquet", as_of=None)
    table = pq.read_table(done.path)
    assert table.column_names == ["person_id", "external_id", *FEATURES.kinds()]
    assert table["person_id"].to_pylist() == [1, 2, 5]
    assert table["external_id"].to_pylist() == ["0017", "=1+1", 'a,"b']
    assert table["order_count"].to_pylist() == [2, 1, 1]
    assert done.rows == 3
    export_features(out=tmp_path / "f.csv", as_of=None)
    told = pc.read_csv(tmp_path / "f.csv")
    assert told["person_id"].to_pylist() == [1, 2, 5]
    # A spreadsheet opens this one: what would run there begins with an apostrophe.
    assert told["external_id"].to_pylist() == ["0017", "'=1+1", 'a,"b']
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["f.csv", "f.parquet"]


def test_a_day_means_its_first_instant_in_the_brands_zone(store: Brand, tmp_path: Path) -> None:
    done = export_features(out=tmp_path / "f.parquet", as_of=parse_as_of("2024-04-08"))
    assert done.as_of.isoformat() == "2024-04-08T00:00:00+08:00"
    table = pq.read_table(done.path)
    assert dict(zip(table["person_id"].to_pylist(), table["order_count"].to_pylist(), strict=True)) == {1: 1, 5: 1}
    assert table["days_since_last_order"].to_pylist() == [0, 2]


def test_what_cannot_be_is_refused(store: Brand, tmp_path: Path) -> None:
    with pytest.raises(ExportError):
        parse_as_of("8.4.2024")
    with pytest.raises(ExportError):
        export_features(out=tmp_path / "f.xlsx", as_of=None)
    with pytest.raises(ExportError):
        export_features(out=tmp_path / "nowhere" / "f.csv", as_of=None)


def test_the_commands_speak_json(store: Brand, tmp_path: Path) -> None:
    import json

    run = CliRunner().invoke
    told = json.loads(run(build(), ["refresh", "--json"]).stdout)
    assert told["skipped"] is True
    assert told["as_of"] == "2024-04-09T12:00:00+08:00"
    assert told["tables"]["feat_customers"]["rows"] == 3
    out = tmp_path / "f.parquet"
    told = json.loads(run(build(), ["features", "export", "--as-of", "2024-04-08", "--out", str(out), "--json"]).stdout)
    assert told == {"as_of": "2024-04-08T00:00:00+08:00", "rows": 2, "out": str(out)}
    listed = json.loads(run(build(), ["features", "list", "--json"]).stdout)["features"]
    assert [f["name"] for f in listed] == FEATURES.kinds()
