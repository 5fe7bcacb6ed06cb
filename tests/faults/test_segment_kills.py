"""Killed at any point of a refresh, segments have told nobody anything, and the next one tells every entry once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from huitou.core.home import Home
from tests.faults.product import answers, environment
from tests.faults.servers import ROOT, passable_folder

HEAD = "order_id,sku,quantity,unit_price,paid_at,customer_id\n"
ORDERS = (
    HEAD + "1,x,1,10.00,2024-03-01 10:00:00,a\n2,x,2,10.00,2024-03-20 10:00:00,a\n3,y,1,5.50,2024-03-20 11:00:00,b\n"
)
TWICE = '{"feature": "order_count", "is": ">=", "value": 2}'


SHOW, MEMBERS = ("segments", "show", "twice"), ("segments", "members", "twice")


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """A store with a segment, a ruled tag and one finished refresh."""
    with passable_folder() as folder:
        home = Home(folder / "home")
        where = write(folder, "where.json", TWICE)
        answers(
            home,
            ("import", "orders", write(folder, "first.csv", ORDERS)),
            ("segments", "create", "--where", where, "--name", "twice"),
            ("segments", "tags", "create", "loyal", "--where", where),
            ("refresh",),
        )
        yield home


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_killed_refreshes_tell_nothing_and_the_next_one_tells_once(home: Home) -> None:
    late = write(home.root, "second.csv", HEAD + "9,x,1,9.00,2024-04-01 10:00:00,b\n")
    before, members, _run = answers(home, SHOW, MEMBERS, ("import", "orders", late))
    assert before["size"] == len(members["members"]) == 1
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
        shown, seen = answers(home, SHOW, MEMBERS)
        assert (shown["size"], shown["sizes"]) == (before["size"], before["sizes"]), point
        assert seen["members"] == members["members"], point
    _refreshed, shown, seen, tags = answers(home, ("refresh",), SHOW, MEMBERS, ("segments", "tags", "list"))
    assert (shown["size"], len(shown["sizes"]), len(seen["members"])) == (2, len(before["sizes"]) + 1, 2)
    last = shown["sizes"][-1]
    assert (last["entered"], last["left"]) == (1, 0), "an entry that a killed run staged is not told twice"
    (tag,) = tags["tags"]
    assert tag["carriers"] == 2
