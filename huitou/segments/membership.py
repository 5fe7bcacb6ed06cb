"""Who is in which segment: computed in order, compared with the run before, and told as entries and exits."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from huitou.analytics.conditions import Facts, Moment, compile_members
from huitou.analytics.engines import Engine
from huitou.analytics.tables import TABLES
from huitou.core.faultpoints import reach
from huitou.core.home import Home
from huitou.core.lake import sync_staged
from huitou.core.models import LakeBatch, RefreshRun
from huitou.segments.ordering import Node

MEMBERS, CHANGES = "int_segment_members", "fct_segment_changes"
_STAGED = "segment-changes-"


@dataclass(frozen=True)
class Count:
    """One segment at one refresh."""

    size: int = 0
    entered: int = 0
    left: int = 0


def members_before(engine: Engine, last: RefreshRun | None, links: ibis.Table | None) -> ibis.Table:
    """Who was in which segment at the last finished run, by who is whose customer now; int_segment_members.

    Where the lake has lost that table, it follows from the entries and exits.
    """
    version = None if last is None else last.versions.get(MEMBERS)
    files = None if version is None else engine.lake.kept_files(MEMBERS, version)
    table = members_told(engine.table(CHANGES)) if files is None else engine.read(MEMBERS, files)
    if links is None:
        return engine.keep("members_before", table)
    found = table.left_join(links.select(joined="person_id", customer="customer_id"), [("person_id", "joined")])
    owner = ibis.coalesce(found.customer, found.person_id)
    found = found.select("segment", "entered_at", person_id=owner)
    # Who was joined has been in since the first of both was.
    return engine.keep(
        "members_before",
        found.group_by(["segment", "person_id"]).aggregate(entered_at=found.entered_at.min()),
    )


def members_told(changes: ibis.Table, until: datetime | None = None) -> ibis.Table:
    """Members as entries and exits tell of them, up to and including an instant; the rows of int_segment_members."""
    rows = changes if until is None else changes.filter(changes["at"] <= ibis.literal(until))
    # Of two by one run the entry counts last: nobody enters and leaves at once.
    place = ibis.row_number().over(
        group_by=["segment", "person_id"],
        order_by=[rows["run"].desc(), (rows.change == "entered").cast("int8").desc()],
    )
    newest = rows.mutate(place=place)
    newest = newest.filter(newest.place == 0, newest.change == "entered")
    return newest.select("segment", "person_id", entered_at="at")


def nobody(engine: Engine) -> ibis.Table:
    """int_segment_members without rows."""
    return engine.read(MEMBERS, [])


def entered(members: ibis.Table, name: str, before: ibis.Table, at: datetime) -> ibis.Table:
    """Rows of int_segment_members for the members of one segment: in since they were found in it first."""
    own = before.filter(before.segment == name).select(known="person_id", since="entered_at")
    found = members.left_join(own, [("person_id", "known")])
    now = ibis.literal(at).cast("timestamp('UTC', 6)")
    since = ibis.coalesce(found.since.cast("timestamp('UTC', 6)"), now)
    return found.select(segment=ibis.literal(name), person_id="person_id", entered_at=since)


def members_of_node(node: Node, facts: Facts, moment: Moment) -> ibis.Table:
    """The customers for whom the node's condition holds."""
    return compile_members(node.condition, facts, moment)


def with_segments(facts: Facts, tables: Iterable[ibis.Table], engine: Engine) -> Facts:
    """Facts in which just these are the members of segments."""
    listed = list(tables)
    return replace(facts, segments=ibis.union(*listed) if listed else nobody(engine))


def changes_between(before: ibis.Table, after: ibis.Table, *, at: datetime, run: int) -> ibis.Table:
    """Entries and exits from one state of int_segment_members to the next: rows of fct_segment_changes."""
    keys = ["segment", "person_id"]
    came, went = after.anti_join(before, keys), before.anti_join(after, keys)

    def told(rows: ibis.Table, change: str) -> ibis.Table:
        return rows.select(
            segment="segment",
            person_id="person_id",
            change=ibis.literal(change),
            at=ibis.literal(at).cast("timestamp('UTC', 6)"),
            run=ibis.literal(run).cast("int64"),
        )

    return told(came, "entered").union(told(went, "left"))


def count_by_segment(engine: Engine, members: ibis.Table, changes: ibis.Table) -> Mapping[str, Count]:
    """Size, entries and exits by segment."""
    sizes = engine.to_pyarrow(members.group_by("segment").aggregate(n=members.count())).to_pylist()
    moves = engine.to_pyarrow(changes.group_by(["segment", "change"]).aggregate(n=changes.count())).to_pylist()
    found = {row["segment"]: Count(size=row["n"]) for row in sizes}
    for row in moves:
        own = found.get(row["segment"], Count())
        found[row["segment"]] = replace(own, **{row["change"]: row["n"]})
    return found


@dataclass(frozen=True)
class Staged:
    """Entries and exits that lie in the staging folder until the run is published."""

    path: str
    rows: int


def stage_changes(engine: Engine, changes: ibis.Table, *, home: Home, run: RefreshRun) -> Staged:
    """Write entries and exits beside the lake; folders of runs that never ended are swept."""
    claimed = set(LakeBatch.objects.filter(table=CHANGES, committed_at=None).values_list("staged_path", flat=True))
    for stale in home.staging.glob(f"{_STAGED}*"):
        if stale.name not in claimed:
            shutil.rmtree(stale, ignore_errors=True)
    month = f"{run.as_of:%Y-%m}"
    name = f"{_STAGED}{run.pk}"
    folder = home.staging / name / f"month={month}"
    folder.mkdir(parents=True, exist_ok=True)
    rows = _write(engine.to_reader(changes.order_by(["segment", "person_id"])), folder / "part-0.parquet")
    sync_staged(home.staging / name)
    reach("segments.staged")
    return Staged(name, rows)


def _write(reader: pa.RecordBatchReader, path: Path) -> int:
    schema, rows = pa.schema([f for f in TABLES[CHANGES].schema if f.name != "month"]), 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch.select(schema.names).cast(schema))
            rows += batch.num_rows
    return rows
