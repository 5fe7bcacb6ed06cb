"""Entries and exits: of one segment after a refresh, and of one customer since when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import pyarrow as pa

from huitou.core.models import RefreshRun
from huitou.customers.queries import customers_of, persons_of
from huitou.orders.queries import last_refresh, open_engine
from huitou.segments.counting import get_segment
from huitou.segments.layering import shown
from huitou.segments.membership import CHANGES, MEMBERS
from huitou.segments.models import Segment, SegmentSize


@dataclass(frozen=True)
class Membership:
    """A segment that a customer is in, and since which refresh."""

    segment: str
    title: str
    since: datetime


@dataclass(frozen=True)
class Move:
    """One entry or exit of a customer."""

    segment: str
    title: str
    change: str
    at: datetime


def changes_of(segment: str, after_run: int = 0) -> Iterator[pa.RecordBatch]:
    """Entries and exits of a segment at refreshes after one of that id: run, at, person_id, change; oldest first.

    Raises SegmentUnknownError, NotRefreshedError.
    """
    get_segment(segment)
    with open_engine() as engine:
        rows = engine.table(CHANGES)
        rows = rows.filter(rows.segment == segment, rows["run"] > after_run)
        yield from engine.to_reader(rows.select("run", "at", "person_id", "change").order_by(["run", "person_id"]))


def compared_runs(segment: str, after_run: int = 0) -> frozenset[int]:
    """Refreshes after one of that id at which the segment was counted, and at the finished one before as well.

    At others, when it was new or came from the archive or went there, all of its people enter or leave at once.
    """
    done = RefreshRun.objects.filter(finished_at__isnull=False, error="")
    before = done.filter(pk__lte=after_run).order_by("-pk").values_list("pk", flat=True)[:1]
    runs = [*before, *done.filter(pk__gt=after_run).order_by("pk").values_list("pk", flat=True)]
    sizes = SegmentSize.objects.filter(segment__name=segment, run__in=runs)
    counted = set(sizes.values_list("run_id", flat=True))
    return frozenset(run for last, run in pairwise(runs) if {last, run} <= counted)


def segments_of(person_id: int) -> list[Membership]:
    """Segments that the person's customer is in as of the last refresh, by title; none before the first."""
    if last_refresh() is None:
        return []
    customer, titles = customers_of([person_id])[person_id], _titles()
    with open_engine() as engine:
        rows = engine.table(MEMBERS)
        found = engine.to_pyarrow(rows.filter(rows.person_id == customer)).to_pylist()
    told = [
        Membership(row["segment"], titles[row["segment"]], row["entered_at"].astimezone(UTC))
        for row in found
        if row["segment"] in titles
    ]
    return sorted(told, key=lambda one: one.title)


def segments_by_customer(customer_ids: Sequence[int]) -> dict[int, list[str]]:
    """Titles of the segments that customers (canonical ids) are in as of the last refresh, in alphabetical order."""
    if last_refresh() is None or not customer_ids:
        return {}
    titles = _titles()
    found: dict[int, list[str]] = {}
    with open_engine() as engine:
        rows = engine.table(MEMBERS)
        meant = rows.filter(rows.person_id.isin(list(customer_ids)), rows.segment.isin(list(titles)))
        for row in engine.to_pyarrow(meant.select("person_id", "segment")).to_pylist():
            found.setdefault(row["person_id"], []).append(titles[row["segment"]])
    return {customer: sorted(named) for customer, named in found.items()}


def moves_of(person_id: int, *, limit: int = 100) -> list[Move]:
    """Entries and exits of all persons of a customer, the latest first."""
    if last_refresh() is None:
        return []
    titles = _titles()
    with open_engine() as engine:
        rows = engine.table(CHANGES)
        rows = rows.filter(rows.person_id.isin(persons_of(person_id)))
        latest = rows.order_by([rows["run"].desc(), rows.segment, rows.change]).limit(limit)
        found = engine.to_pyarrow(latest).to_pylist()
    return [
        Move(row["segment"], titles.get(row["segment"], row["segment"]), row["change"], row["at"].astimezone(UTC))
        for row in found
    ]


def _titles() -> dict[str, str]:
    return {segment.name: shown(segment)[0] for segment in Segment.objects.all()}
