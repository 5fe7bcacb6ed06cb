"""kill -9 at every step of an import, and at random moments: what is resumed ends as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from huitou.accounts.models import AuditEntry
from huitou.catalog.models import Product
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.core.models import LakeBatch
from huitou.customers.models import Identifier, Person
from huitou.sources.models import ImportRun
from huitou.sources.services import ImportOptions, resume_imports, run_import, start_import
from huitou.sources.tests.reading import write
from huitou.sources.tests.test_services import facts

POINTS = (
    "import.started",
    "import.preparing",
    "import.examined",
    "import.products",
    "import.persons",
    "import.staged",
    "import.prepared",
    "import.claimed",
    "lake.appended",
    "lake.committed",
    "import.committed",
    "import.done",
)
LINES = 400
CLOCK = FixedClock(datetime(2024, 6, 1, tzinfo=UTC))
_PROGRAM = """
import sys
from pathlib import Path
from huitou.core.boot import boot
boot()
from huitou.sources.services import ImportOptions, run_import, start_import
run_import(start_import(path=Path(sys.argv[1]), kind="orders", options=ImportOptions()).pk)
"""


def order_file(folder: Path) -> Path:
    rows = "".join(f"A{i % 150},s{i % 9},{i % 4 + 1},2.5,2024-03-01,c{i % 60}\n" for i in range(LINES))
    return write(folder / "o.csv", "order_id,sku,quantity,unit_price,paid_at,customer_id\n" + rows + "合计,,,,,\n")


def start_process(path: Path, home: Home, kill_at: str = "") -> subprocess.Popen[bytes]:
    """A real process that imports the file into the test's store."""
    settings = connection.settings_dict
    url = make_conninfo(
        dbname=settings["NAME"], user=settings["USER"], password=settings["PASSWORD"], host=settings["HOST"],
        port=settings["PORT"],
    )  # fmt: skip
    environment = {
        **os.environ, "HUITOU_HOME": str(home.root), "HUITOU_DATABASE_URL": url, "HUITOU_TEST_KILL_AT": kill_at,
    }  # fmt: skip
    return subprocess.Popen([sys.executable, "-c", _PROGRAM, str(path)], env=environment, stderr=subprocess.DEVNULL)


def check_store(home: Home) -> None:
    """Lake and PostgreSQL hold exactly what the file says, by an independent reading of it."""
    expected = Counter(
        (f"A{i % 150}", f"s{i % 9}", Decimal(i % 4 + 1), 250 * (i % 4 + 1), f"c{i % 60}") for i in range(LINES)
    )
    people = dict(Identifier.objects.values_list("person_id", "value"))
    rows = facts(home)
    found = Counter((r["order_id"], r["sku"], r["quantity"], r["amount_minor"], people[r["person_id"]]) for r in rows)
    assert found == expected
    assert Person.objects.count() == Identifier.objects.count() == 60
    assert Product.objects.count() == 9
    run = ImportRun.objects.get()
    assert (run.state, run.rows, run.accepted, run.rejected) == ("done", LINES + 1, LINES, 1)
    assert {r["batch_id"] for r in rows} == {run.batch_id}
    assert AuditEntry.objects.filter(action="import.orders").count() == 1
    assert LakeBatch.objects.exclude(committed_at=None).count() == LakeBatch.objects.count() == 1
    assert Path(run.reject_path).is_file()
    assert list(home.staging.iterdir()) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("point", "again"), [(point, bool(n % 2)) for n, point in enumerate(POINTS)])
def test_killed_at(point: str, again: bool, tmp_path: Path, home: Home) -> None:
    """Resumed by the next start of anything, or by giving the same command again; then once more, for nothing."""
    path = order_file(tmp_path)
    process = start_process(path, home, kill_at=point)
    assert process.wait(60) == -signal.SIGKILL
    if again:
        run_import(start_import(path=path, kind="orders", options=ImportOptions()).pk)
    else:
        resume_imports(clock=CLOCK)
    check_store(home)
    run_import(start_import(path=path, kind="orders", options=ImportOptions()).pk)
    assert resume_imports(clock=CLOCK) == []
    check_store(home)


@pytest.mark.soak
@pytest.mark.django_db(transaction=True)
def test_killed_at_random_moments(tmp_path: Path, home: Home) -> None:
    """Forty processes one after the other, each killed after a random time, then one that is left alone."""
    path = order_file(tmp_path)
    rng = random.Random(5)
    for _ in range(40):
        process = start_process(path, home)
        time.sleep(rng.uniform(0.5, 3))
        process.kill()
        process.wait()
    run_import(start_import(path=path, kind="orders", options=ImportOptions()).pk)
    check_store(home)
