"""A refresh that is killed leaves every reader with the last finished one; two at once take turns."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from huitou.core.home import Home
from tests.faults.product import answers, environment
from tests.faults.servers import ROOT, passable_folder

ORDERS = """order_id,sku,quantity,unit_price,paid_at,customer_id
1,x,1,10.00,2024-03-01 10:00:00,a
2,x,2,10.00,2024-03-20 10:00:00,a
3,y,1,5.50,2024-03-20 11:00:00,b
"""
# Dies right after the table of that number was committed to the lake, before anybody is told.
DYING = """
import os, signal, sys
from huitou.analytics.engines import Engine
from config.cli import main
write, left = Engine.write, [int(sys.argv.pop(1))]
def writing(self, name, expression, **options):
    written = write(self, name, expression, **options)
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return written
Engine.write = writing
main()
"""


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """A store with three orders and one finished refresh."""
    with passable_folder() as folder:
        home = Home(folder / "home")
        answers(home, ("import", "orders", _file(folder, "first.csv", ORDERS)), ("refresh",))
        yield home


def _file(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def _export(home: Home, name: str) -> tuple[str, ...]:
    """The command that writes everything that readers see."""
    return ("features", "export", "--out", str(home.root / f"{name}.csv"))


def _exported(home: Home, name: str) -> str:
    return (home.root / f"{name}.csv").read_text()


def test_a_killed_refresh_has_done_nothing(home: Home) -> None:
    late = "9,x,1,99.00,2024-04-01 10:00:00,c\n"
    second = _file(home.root, "second.csv", ORDERS.splitlines()[0] + "\n" + late)
    answers(home, _export(home, "before"), ("import", "orders", second))
    before = _exported(home, "before")
    for tables in (1, 4, 5):
        dying = subprocess.run(
            [sys.executable, "-c", DYING, str(tables), "refresh", "--force"],
            cwd=ROOT,
            env=environment(home),
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert dying.returncode == -9, dying.stderr
        answers(home, _export(home, f"after-{tables}"))
        assert _exported(home, f"after-{tables}") == before
    refreshed, _written = answers(home, ("refresh",), _export(home, "last"))
    assert refreshed["skipped"] is False
    assert _exported(home, "last").count("\n") == before.count("\n") + 1
    assert not list((home.root / "scratch").glob("engine-*"))


def test_two_refreshes_take_turns(home: Home) -> None:
    command = [sys.executable, "-m", "config", "refresh", "--force", "--json"]
    both = [
        subprocess.Popen(command, cwd=ROOT, env=environment(home), stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for process in both:
        answer, _errors = process.communicate(timeout=120)
        assert process.returncode == 0
        assert json.loads(answer)["skipped"] is False
