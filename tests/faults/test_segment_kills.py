"""Killed at any point of a refresh, segments have told nobody anything, and the next one tells every entry once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from huitou.core.home import Home
from tests.faults.product import environment, huitou
from tests.faults.servers import ROOT, passable_folder

HEAD = "order_id,sku,quantity,unit_price,paid_at,customer_id\n"
ORDERS = (
    HEAD + "1,x,1,10.00,2024-03-01 10:00:00,a\n2,x,2,10.00,2024-03-20 10:00:00,a\n3,y,1,5.50,2024-03-20 11:00:00,b\n"
)
TWICE = '{"feature": "order_count", "is": ">=", "value": 2}'


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """A store with a segment, a ruled tag and one finished refresh."""
    with passable_folder() as folder:
        home = Home(folder / "home")
        told(home, "import", "orders", write(folder, "first.csv", ORDERS), "--json")
        where = write(folder, "where.json", TWICE)
        told(home, "segments", "create", "--where", where, "--name", "twice", "--json")
        told(home, "segments", "tags", "create", "loyal", "--where", where, "--json")
        told(home, "refresh", "--json")
        yield home


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def told(home: Home, *arguments: str) -> Any:
    """What a command answers."""
    ran = huitou(home, *arguments)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def seen(home: Home) -> Any:
    """What readers see of the segment."""
    shown = told(home, "segments", "show", "twice", "--json")
    return shown["size"], len(shown["sizes"]), told(home, "segments", "members", "twice", "--json")["members"]


def test_killed_refreshes_tell_nothing_and_the_next_one_tells_once(home: Home) -> None:
    before = seen(home)
    assert before[0] == 1
    told(
        home, "import", "orders", write(home.root, "second.csv", HEAD + "9,x,1,9.00,2024-04-01 10:00:00,b\n"), "--json"
    )
    for point in ("segments.rule_applied", "segments.staged", "refresh.stepped.segments", "refresh.publishing"):
        dying = subprocess.run(
            [sys.executable, "-m", "config", "refresh"],
            cwd=ROOT,
            env=environment(home) | {"HUITOU_TEST_KILL_AT": point},
            capture_output=True,
            timeout=180,
            check=False,
        )
        assert dying.returncode == -9, (point, dying.stderr)
        assert told(home, "segments", "members", "twice", "--json")["members"] == before[2], point
    assert seen(home) == before
    told(home, "refresh", "--json")
    size, sizes, members = seen(home)
    assert (size, sizes, len(members)) == (2, before[1] + 1, 2)
    last = told(home, "segments", "show", "twice", "--json")["sizes"][-1]
    assert (last["entered"], last["left"]) == (1, 0), "an entry that a killed run staged is not told twice"
    (tag,) = told(home, "segments", "tags", "list", "--json")["tags"]
    assert tag["carriers"] == 2
