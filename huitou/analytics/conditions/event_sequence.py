"""Events one after the other, each within a time of the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import ibis

from huitou.analytics.conditions.event_rows import EventRows
from huitou.analytics.conditions.facts import Facts, History
from huitou.analytics.conditions.leaf import Leaf, Own, told
from huitou.analytics.conditions.moment import Moment
from huitou.analytics.conditions.naming import of_one
from huitou.analytics.conditions.window import Window


@dataclass(frozen=True)
class Step:
    """One event of a sequence: later than the step before, and at most `within_hours` later (None: any time)."""

    events: EventRows
    within_hours: int | None = None


@dataclass(frozen=True)
class Sequence_(Leaf):  # noqa: N801  (the plain name belongs to collections)
    """All steps in their order, whatever happened in between; all of them in the window."""

    steps: tuple[Step, ...]
    window: Window

    def asks(self, moment: Moment) -> Own:
        return Own(lambda facts: self._build(facts, moment), ("count",))

    def _build(self, facts: Facts, moment: Moment) -> ibis.Table:
        """Customers who reached the last step.

        Only whether some earlier step lies near enough counts, so nothing is sorted: earlier steps are summed up by
        customer and stretch of the limit's length, and each later step looks at its own stretch and the one before.
        """
        span = self.window.span(moment)
        rows = [step.events.rows(facts, moment, span).select("person_id", "occurred_at") for step in self.steps]
        # From the end: who never did a later step need not be looked at.
        for n in range(len(rows) - 2, -1, -1):
            rows[n] = rows[n].semi_join(rows[n + 1], "person_id")
        reached = rows[0]
        for step, later in zip(self.steps[1:], rows[1:], strict=True):
            reached = _after(reached, later, step.within_hours)
        return reached.group_by("person_id").aggregate(count=reached.count())

    def met(self, values: Mapping[str, ibis.Value], moment: Moment) -> ibis.Value:
        return values["count"].fill_null(0) > 0

    def holds(self, history: History, moment: Moment) -> bool:
        span = self.window.span(moment)
        reached: Sequence[datetime] = [row["occurred_at"] for row in self.steps[0].events.of(history, moment, span)]
        for step in self.steps[1:]:
            limit = None if step.within_hours is None else timedelta(hours=step.within_hours)
            reached = [
                row["occurred_at"]
                for row in step.events.of(history, moment, span)
                if any(
                    at < row["occurred_at"] and (limit is None or row["occurred_at"] - at <= limit) for at in reached
                )
            ]
        return bool(reached)

    def words(self, language: str) -> str:
        first = self.steps[0].events.words(language)
        parts = [told(language, f"did {first}", f"先做了{first}")]
        for step in self.steps[1:]:
            what, hours = step.events.words(language), step.within_hours
            if hours is None:
                parts.append(told(language, f"then {what}", f"再做了{what}"))
            else:
                long = _length(hours, language)
                parts.append(told(language, f"then {what} within {long}", f"之后{long}内做了{what}"))
        text = told(language, ", ", "，").join(parts)
        when = self.window.words(language)
        return told(language, f"{when} {text}" if when else text, f"{when}{text}")


def _length(hours: int, language: str) -> str:
    if hours % 24:
        return told(language, of_one(f"{hours} hours"), f"{hours}小时")
    return told(language, of_one(f"{hours // 24} days"), f"{hours // 24}天")


def _after(reached: ibis.Table, later: ibis.Table, within_hours: int | None) -> ibis.Table:
    """Those of the later rows that come after a reached one of the same customer, and in time."""
    if within_hours is None:
        earliest = reached.group_by("person_id").aggregate(first_at=reached.occurred_at.min())
        found = later.inner_join(earliest, "person_id")
        return found.filter(found.first_at < found.occurred_at).select("person_id", "occurred_at")
    seconds = within_hours * 3600
    stretched = reached.mutate(stretch=_stretch(reached.occurred_at, seconds))
    summed = stretched.group_by(["person_id", "stretch"]).aggregate(
        first_at=stretched.occurred_at.min(), last_at=stretched.occurred_at.max()
    )
    same = summed.select("person_id", "stretch", "first_at")
    before = summed.select("person_id", "last_at", stretch=summed.stretch + 1)
    rows = later.mutate(stretch=_stretch(later.occurred_at, seconds))
    found = rows.left_join(same, ["person_id", "stretch"], rname="{name}_same")
    found = found.left_join(before, ["person_id", "stretch"], rname="{name}_before")
    # Within one stretch everything is near enough, and all of the stretch before is earlier.
    near = found.last_at >= found.occurred_at - ibis.interval(hours=within_hours)
    met = (found.first_at < found.occurred_at).fill_null(False) | near.fill_null(False)
    return found.filter(met).select("person_id", "occurred_at")


def _stretch(instant: ibis.Value, seconds: int) -> ibis.Value:
    """Number of the stretch of so many seconds since 1970 that an instant lies in."""
    return (instant.cast("timestamp").epoch_seconds() / seconds).floor().cast("int64")
