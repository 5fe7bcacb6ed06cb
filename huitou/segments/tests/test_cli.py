"""`huitou segments`: exact forms of what programs read, files that are whole, and tags in bulk."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from config.cli import build
from huitou.core.clock import SystemClock
from huitou.customers.services import resolve_person_ids
from huitou.orders.tests.conftest import Feed
from huitou.segments.tests.conftest import NOW, Refresh, buy, order, people

pytestmark = pytest.mark.django_db(transaction=True)
TWICE = {"feature": "order_count", "is": ">=", "value": 2}


def said(*arguments: str) -> Any:
    """What a command answers as JSON."""
    ran = CliRunner().invoke(build(), ["segments", *arguments, "--json"])
    assert ran.exit_code == 0, (ran.output, ran.exception)
    return json.loads(ran.stdout)


def write(path: Path, value: object) -> str:
    path.write_text(json.dumps(value))
    return str(path)


def test_from_a_condition_to_a_file_of_members(tmp_path: Path, feed: Feed, refreshed: Refresh) -> None:
    numbers = resolve_person_ids(values=["C1", "C2"], clock=SystemClock())
    one, two = numbers["C1"], numbers["C2"]
    buy(feed, [order(one, NOW - timedelta(d)) for d in (9, 5)] + [order(two, NOW - timedelta(d)) for d in (2, 1)])
    refreshed()
    where = write(tmp_path / "where.json", TWICE)
    assert said("count", "--where", where) == {"count": 2}
    day = f"{NOW - timedelta(3):%Y-%m-%d}"
    assert said("count", "--where", where, "--as-of", day) == {"count": 1}
    assert said("create", "--where", where, "--title", "买过两次") == {"segment": "买过两次", "title": "买过两次"}
    assert said("create", "--where", where, "--name", "twice")["segment"] == "twice"
    refreshed()
    (listed,) = (s for s in said("list")["segments"] if s["name"] == "twice")
    assert (listed["size"], listed["entered"], listed["left"]) == (2, 2, 0)
    assert said("show", "twice")["definition"] == TWICE
    assert said("count", "twice", "--as-of", day) == {"count": 1}
    out = tmp_path / "members.parquet"
    assert said("members", "twice", "--as-of", day, "--out", str(out))["rows"] == 1
    rows = pq.read_table(out).to_pylist()
    assert [(r["person_id"], r["external_id"]) for r in rows] == [(one, "C1")]
    said("members", "twice", "--out", str(tmp_path / "members.csv"))
    with (tmp_path / "members.csv").open() as file:
        assert [r["external_id"] for r in csv.DictReader(file)] == ["C1", "C2"]
    assert [r["person_id"] for r in said("members", "twice")["members"]] == [one, two]
    assert (
        said("change", "twice", "--title", "Twice", "--where", write(tmp_path / "b.json", {"not": TWICE}))["version"]
        == 2
    )
    assert said("archive", "twice") == {"segment": "twice", "archived": True}
    assert said("archive", "twice", "--undo") == {"segment": "twice", "archived": False}


def test_tags_in_bulk(tmp_path: Path, feed: Feed, refreshed: Refresh) -> None:
    numbers = resolve_person_ids(values=["C1", "C2"], clock=SystemClock())
    buy(feed, [order(numbers["C1"], NOW - timedelta(1))])
    refreshed()
    said("tags", "create", "高潜", "--group", "意向")
    names = tmp_path / "people.txt"
    names.write_text(f"C1\n#{numbers['C2']}\nnobody-7\n\nC1\n")
    assert said("tags", "give", "高潜", "--file", str(names)) == {"count": 2, "unknown": 1}
    (tag,) = said("tags", "list")["tags"]
    assert (tag["tag"], tag["group"], tag["carriers"]) == ("高潜", "意向", 2)
    said(
        "create",
        "--where",
        write(tmp_path / "w.json", {"feature": "order_count", "is": ">=", "value": 1}),
        "--name",
        "b",
    )
    assert said("tags", "take", "高潜", "--segment", "b") == {"count": 1, "unknown": 0}


def test_what_is_wrong_is_said(tmp_path: Path, refreshed: Refresh) -> None:
    people(1)
    refreshed()
    bad = write(tmp_path / "bad.json", {"all": [{"feature": "order_cuont", "is": ">=", "value": 2}]})
    (tmp_path / "no.json").write_text("{")
    for arguments, words in (
        (["count", "--where", bad], "$.all[0]"),
        (["count", "--where", str(tmp_path / "no.json")], "JSON"),
        (["count", "--where", str(tmp_path / "missing.json")], "missing.json"),
        (["count"], "--where"),
        (["members", "nobody"], "nobody"),
        (["members", "nobody", "--out", "x.txt"], "nobody"),
    ):
        ran = CliRunner().invoke(build(), ["segments", *arguments])
        assert ran.exit_code != 0
        assert words in ran.output + str(ran.exception or ""), arguments
