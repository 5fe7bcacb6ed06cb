"""How a batch's events compare with the plan, and what every feed sent on which day: counted, never refused.

Comes last: what others refused counts as rejected. One pass over the events, two statements to the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from huitou.accounts.models import Brand
from huitou.accounts.queries import find_brand
from huitou.core.clock import local_day
from huitou.sources.consuming.batch import DEEDS, Batch, Event
from huitou.sources.feeds.counting import DayCounts, FeedMarks, add_counts
from huitou.sources.tracking.checking import UNTAKEN, Finding, Judgement, example_of
from huitou.sources.tracking.problems import Seen, add_problems
from huitou.sources.tracking.queries import current_checker

# Later than this an event was kept back: by an app without a network, or by a queue.
_PROMPT_SECONDS = 300.0
_DOUBTED_CLOCK_SECONDS = 60.0
# What is told about a person is not planned.
_FINE = Judgement((), True)


def count_quality(
    batch: Batch,
    unreadable: Iterable[tuple[str, datetime]] = (),
    held: frozenset[int] = frozenset(),
    replayed: frozenset[int] = frozenset(),
) -> None:
    """Check and count the batch. `unreadable` are feed and arrival of what was refused before it became an event.

    Rows of the inbox that are `held` count when they are settled. `replayed` ones were counted when they arrived: as
    refused, which they are no longer where they are taken now.
    """
    checker = current_checker()
    days = _Days(find_brand() or Brand())
    counts: dict[tuple[str, date], DayCounts] = {}
    marks: dict[str, FeedMarks] = {}
    problems: dict[tuple[str, str, Finding], Seen] = {}
    refused = batch.refused
    for event in batch.events:
        if event.inbox_id in held:
            continue
        key = (event.source, days.of(event.received_at))
        counted = counts.get(key)
        if counted is None:
            counted = counts[key] = DayCounts()
        is_new = event.inbox_id not in replayed
        counted.received += is_new
        if event.ref in refused:
            counted.rejected += is_new
            continue
        counted.rejected -= not is_new
        _count(event, counted, marks)
        judged = checker.judge(event.name, event.properties) if event.kind in DEEDS else _FINE
        _count_judged(event, judged, batch.untaken.get(event.ref, ()), counted, problems)
    for source, at in unreadable:
        counted = counts.setdefault((source, days.of(at)), DayCounts())
        counted.received += 1
        counted.rejected += 1
    today = days.of(batch.clock.now())
    for source, repeated in batch.repeated.items():
        counted = counts.setdefault((source, today), DayCounts())
        counted.received += repeated
        counted.repeated += repeated
    add_counts(counts, marks)
    add_problems(problems)


class _Days:
    """The brand's day of an instant; remembered by the quarter of an hour, since zones are slow to ask."""

    def __init__(self, brand: Brand) -> None:
        self._zone = brand.tz
        self._known: dict[float, date] = {}

    def of(self, at: datetime) -> date:
        # Zones change at whole quarters of an hour.
        quarter = at.timestamp() // 900
        found = self._known.get(quarter)
        if found is None:
            found = self._known[quarter] = local_day(at, self._zone)
        return found


def _count(event: Event, counted: DayCounts, marks: dict[str, FeedMarks]) -> None:
    counted.accepted += 1
    if event.user_id:
        counted.with_user += 1
    if event.channel_told:
        counted.with_channel += 1
    if (event.received_at - event.occurred_at).total_seconds() <= _PROMPT_SECONDS:
        counted.prompt += 1
    if abs(event.clock_off_seconds) > _DOUBTED_CLOCK_SECONDS:
        counted.corrected += 1
    mark = marks.get(event.source)
    if mark is None:
        marks[event.source] = FeedMarks(event.received_at, event.received_at, event.occurred_at)
    else:
        mark.see(event.received_at, event.occurred_at)


def _count_judged(
    event: Event,
    judged: Judgement,
    untaken: Sequence[str],
    counted: DayCounts,
    problems: dict[tuple[str, str, Finding], Seen],
) -> None:
    if judged.is_complete:
        counted.complete += 1
    if not judged.findings and not untaken:
        return
    if judged.is_valid and not untaken:
        counted.unplanned += 1
    else:
        counted.invalid += 1
    for finding in (*judged.findings, *(Finding(UNTAKEN, name) for name in dict.fromkeys(untaken))):
        key = (event.source, event.name, finding)
        seen = problems.get(key)
        if seen is None:
            problems[key] = Seen(1, event.occurred_at, event.occurred_at, _example(event, finding))
        else:
            seen.again(event.occurred_at)


def _example(event: Event, finding: Finding) -> dict[str, Any]:
    told = event.traits if finding.problem == UNTAKEN else event.properties
    return {**example_of(finding, told), "event_id": event.hash.hex()}
