"""Loading, advancing, killing and removing the example, on a real PostgreSQL and a lake of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from huitou.accounts.models import AuditEntry, Brand
from huitou.accounts.services import BrandExistsError, ExampleLoadedError, create_brand, ensure_brand
from huitou.analytics.engines import DuckEngine, Engine, Lake
from huitou.catalog.models import Category, Product
from huitou.core.clock import FixedClock, day_start
from huitou.core.home import Home
from huitou.core.models import LakeBatch, RefreshRun
from huitou.customers.models import Identifier, Person
from huitou.sources.connectors.complete_journey.loading import (
    ExampleEndsError,
    NoExampleError,
    advance_example,
    example_status,
    load_example,
    load_example_if_empty,
    remove_example,
)
from huitou.sources.connectors.complete_journey.panel import END, OPENING, data_folder
from huitou.sources.connectors.complete_journey.tests.few_households import HOUSEHOLDS, some_households
from huitou.sources.connectors.complete_journey.tests.test_panel import before, brand_lines, cents
from huitou.sources.models import ImportRun

__all__ = ["some_households"]
REAL_NOW = FixedClock(datetime(2026, 3, 4, 4, tzinfo=UTC))


@pytest.fixture
def home(home: Home) -> Home:
    home.root.mkdir(parents=True, exist_ok=True)
    return home


@pytest.fixture
def engine(home: Home, tmp_path: Path) -> Iterator[Engine]:
    opened = DuckEngine(Lake(home.lake_url), scratch=tmp_path / "engine")
    yield opened
    opened.close()


def visible(home: Home, scratch: Path) -> dict[str, int]:
    """What is in the latest version of every order, straight from the lake."""
    engine = DuckEngine(Lake(home.lake_url), scratch=scratch)
    try:
        lines = engine.table("fct_order_lines")
        found = engine.to_pyarrow(
            lines.aggregate(
                lines=lines.count(),
                orders=lines.order_id.nunique(),
                people=lines.person_id.nunique(),
                amount=lines.amount_minor.sum(),
                discount=lines.discount_minor.sum(),
            )
        )
        return {name: int(found[name][0].as_py() or 0) for name in found.column_names}
    finally:
        engine.close()


def expected(until: datetime, *, households: int | None = None) -> dict[str, int]:
    """The same from the package's own files; of the first `households`, or of all."""
    lines = before(brand_lines(), until)
    if households is not None:
        lines = lines.filter(pc.less_equal(lines["household_id"].cast("int64"), households))
    return {
        "lines": len(lines),
        "orders": len(pc.unique(lines["basket_id"])),
        "people": len(pc.unique(lines["household_id"])),
        "amount": cents(lines["sales_value"]),
        "discount": cents(lines["retail_disc"]) + cents(lines["coupon_match_disc"]),
    }


@pytest.mark.django_db(transaction=True)
def test_the_example_loads_once_advances_to_its_end_and_leaves_nothing_behind(home: Home, tmp_path: Path) -> None:
    """One walk through the example's life; each stop is compared with the package's own files."""
    with pytest.raises(NoExampleError):
        advance_example(days=1, home=home, clock=REAL_NOW)

    status = load_example(home=home, clock=REAL_NOW)
    assert (status.state, status.now, status.days_left) == ("ready", OPENING, 92)
    assert status.day == "2017-10-02", "a day in the brand's zone, not in UTC"
    assert visible(home, tmp_path / "a") == expected(OPENING)
    assert status.lines == expected(OPENING)["lines"]
    assert Person.objects.filter(attributes__has_key="age").count() > 700
    assert Category.objects.get(code="ORAL HYGIENE PRODUCTS").name_zh == "口腔护理"
    assert Product.objects.exclude(list_price_minor=None).count() > 12_000
    run = RefreshRun.objects.filter(error="").latest("pk")
    assert run.as_of == OPENING.astimezone(UTC)

    batches = set(LakeBatch.objects.values_list("pk", flat=True))
    assert load_example(home=home, clock=REAL_NOW) == status
    assert not load_example_if_empty(home=home, clock=REAL_NOW)
    assert set(LakeBatch.objects.values_list("pk", flat=True)) == batches, "a second load imports nothing"
    with pytest.raises(ExampleLoadedError, match="huitou example remove"):
        ensure_brand(clock=REAL_NOW)

    status = advance_example(days=7, home=home, clock=REAL_NOW)
    assert (status.now, status.days_left) == (datetime(2017, 10, 9, tzinfo=OPENING.tzinfo), 85)
    assert visible(home, tmp_path / "b") == expected(datetime(2017, 10, 9, tzinfo=OPENING.tzinfo))
    with pytest.raises(ExampleEndsError, match="85"):
        advance_example(days=86, home=home, clock=REAL_NOW)
    assert advance_example(days=85, home=home, clock=REAL_NOW).now == END
    assert visible(home, tmp_path / "c") == expected(END)
    with pytest.raises(ExampleEndsError):
        advance_example(days=1, home=home, clock=REAL_NOW)

    assert remove_example(home=home, clock=REAL_NOW).state == "empty"
    for model in (Brand, Person, Identifier, Product, Category, ImportRun, LakeBatch, RefreshRun):
        assert not model.objects.exists(), model
    assert visible(home, tmp_path / "d")["lines"] == 0
    left = [p for p in home.root.rglob("*.parquet") if p.is_file()]
    assert left == []
    assert AuditEntry.objects.filter(action="example.removed").count() == 1
    assert not load_example_if_empty(home=home, clock=REAL_NOW), "what was removed does not come back by itself"
    assert not Brand.objects.exists()
    assert not ensure_brand(clock=REAL_NOW).is_example


@pytest.mark.django_db(transaction=True)
def test_a_brands_own_store_is_never_touched(home: Home) -> None:
    create_brand(name="Own", clock=REAL_NOW)
    person = Person.objects.create(created_at=REAL_NOW.instant)
    with pytest.raises(BrandExistsError):
        load_example(home=home, clock=REAL_NOW)
    with pytest.raises(NoExampleError):
        remove_example(home=home, clock=REAL_NOW)
    assert not load_example_if_empty(home=home, clock=REAL_NOW)
    assert Person.objects.filter(pk=person.pk).exists()
    assert example_status().state == "own"


_PROGRAM = """
import sys
from pathlib import Path
from huitou.core.boot import boot
boot()
from django.conf import settings
from huitou.core.clock import SystemClock
from huitou.sources.connectors.complete_journey import loading, panel
folder, verb, days = sys.argv[1:]
loading.data_folder = panel.data_folder = lambda: Path(folder)
getattr(loading, verb)(home=settings.HOME, clock=SystemClock(), **({"days": int(days)} if days else {}))
"""


def kill_at(point: str, home: Home, folder: Path, verb: str, days: str = "") -> None:
    """Run one verb of the example of that panel in a process of its own that dies by kill -9 at `point`."""
    parts = connection.settings_dict
    url = make_conninfo(
        dbname=parts["NAME"], user=parts["USER"], password=parts["PASSWORD"], host=parts["HOST"], port=parts["PORT"]
    )
    told = {"HUITOU_HOME": str(home.root), "HUITOU_DATABASE_URL": url, "HUITOU_TEST_KILL_AT": point}
    words = [sys.executable, "-c", _PROGRAM, str(folder), verb, days]
    done = subprocess.run(words, env={**os.environ, **told}, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, f"{verb} never came to {point}"


@pytest.mark.django_db(transaction=True)
def test_whatever_was_killed_is_finished_by_the_next_command(home: Home, some_households: Path, tmp_path: Path) -> None:
    """Load, advance and removal die at their seams; what follows finishes them first and ends as if undisturbed."""
    wanted = expected(OPENING, households=HOUSEHOLDS)
    kill_at("example.imported", home, some_households, "load_example")
    assert example_status().state == "loading"
    kill_at("example.brought", home, some_households, "load_example")
    assert load_example(home=home, clock=REAL_NOW).day == "2017-10-02"
    assert visible(home, tmp_path / "a") == wanted
    assert Identifier.objects.filter(kind="customer_id").count() == wanted["people"]

    kill_at("import.claimed", home, some_households, "advance_example", "7")
    assert example_status().day == "2017-10-02", "the clock moves when all of the week is in"
    kill_at("example.moved", home, some_households, "advance_example", "1")
    assert example_status().day == "2017-10-09", "the killed week is finished before the day is begun"
    assert advance_example(days=1, home=home, clock=REAL_NOW).day == "2017-10-10"
    assert visible(home, tmp_path / "b") == expected(
        datetime(2017, 10, 10, tzinfo=OPENING.tzinfo), households=HOUSEHOLDS
    )

    kill_at("example.dropping", home, some_households, "remove_example")
    assert example_status().state == "removing"
    kill_at("example.dropped", home, some_households, "remove_example")
    assert remove_example(home=home, clock=REAL_NOW).state == "empty"
    assert visible(home, tmp_path / "c")["lines"] == 0
    assert not Person.objects.exists()


@pytest.mark.soak
@pytest.mark.django_db(transaction=True)
def test_the_whole_grocer_replaces_the_brand_at_the_same_now(home: Home, tmp_path: Path) -> None:
    load_example(home=home, clock=REAL_NOW)
    now = advance_example(days=7, home=home, clock=REAL_NOW).now
    assert now is not None
    status = load_example(home=home, clock=REAL_NOW, scope="all")
    assert (status.state, status.scope, status.now) == ("ready", "all", now)
    lines = before(pq.read_table(data_folder() / "transactions.parquet"), now)
    found = visible(home, tmp_path / "engine")
    assert (found["lines"], found["amount"]) == (len(lines), cents(lines["sales_value"]))
    assert load_example(home=home, clock=REAL_NOW).scope == "all", "the smaller example does not undo the larger"


def test_the_clock_stands_at_midnight_in_the_brands_zone() -> None:
    assert day_start(OPENING.date(), OPENING.tzinfo) == OPENING  # type: ignore[arg-type]
