"""How often an event was done: so many times, for the first time, regularly, no more, and again after a gap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import ibis

from huitou.analytics.conditions.event_rows import EventRows, Span
from huitou.analytics.conditions.facts import Facts, History
from huitou.analytics.conditions.leaf import Leaf, Measure, Own, Summed, told
from huitou.analytics.conditions.moment import DAY, Moment
from huitou.analytics.conditions.naming import of_one
from huitou.analytics.conditions.window import Window

UNIT_DAYS = {"day": 1, "week": 7, "month": 30}
_UNIT_WORDS = {"day": ("days", "天"), "week": ("weeks", "周"), "month": ("months of 30 days", "个月（每月按30天）")}


def _in_window(window: Window, language: str, text: str) -> str:
    when = window.words(language)
    if not when:
        return text
    return told(language, f"{when} {text}", f"{when}{text}")


@dataclass(frozen=True)
class Done(Leaf):
    """From `low` to `high` times in the window; no limit above where `high` is None."""

    events: EventRows
    window: Window
    low: int
    high: int | None

    def asks(self, moment: Moment) -> Summed:
        measures: dict[str, Measure] = {"count": lambda rows, flag: rows.count(where=flag)}
        once = self.low == 1 and self.high is None
        return self.events.summed(moment, self.window.span(moment), measures, needed=self.low > 0, exists=once)

    def met(self, values: Mapping[str, ibis.Value], moment: Moment) -> ibis.Value:
        count = values["count"].fill_null(0)
        met = count >= self.low
        return met if self.high is None else met & (count <= self.high)

    def holds(self, history: History, moment: Moment) -> bool:
        count = len(self.events.of(history, moment, self.window.span(moment)))
        return count >= self.low and (self.high is None or count <= self.high)

    def words(self, language: str) -> str:
        what = self.events.words(language)
        if self.high == 0:
            return _in_window(self.window, language, told(language, f"never did {what}", f"没有做过{what}"))
        if self.high is None and self.low == 1:
            return _in_window(self.window, language, told(language, f"did {what}", f"做过{what}"))
        if self.high is None:
            times = told(language, f"at least {self.low} times", f"不少于{self.low}次")
        elif self.low == self.high:
            times = told(language, f"exactly {self.low} times", f"恰好{self.low}次")
        elif self.low == 0:
            times = told(language, f"at most {self.high} times", f"不超过{self.high}次")
        else:
            times = told(language, f"{self.low} to {self.high} times", f"{self.low}至{self.high}次")
        return _in_window(self.window, language, told(language, f"did {what} {of_one(times)}", f"做{what}{times}"))


@dataclass(frozen=True)
class FirstTime(Leaf):
    """The first time ever lies in the window."""

    events: EventRows
    window: Window

    def _until(self, moment: Moment) -> Span:
        return None, self.window.span(moment)[1]

    def asks(self, moment: Moment) -> Summed:
        measures: dict[str, Measure] = {"first_at": lambda rows, flag: rows.occurred_at.min(where=flag)}
        return self.events.summed(moment, self._until(moment), measures)

    def met(self, values: Mapping[str, ibis.Value], moment: Moment) -> ibis.Value:
        since = self.window.span(moment)[0]
        return values["first_at"] >= ibis.literal(since)

    def holds(self, history: History, moment: Moment) -> bool:
        rows = self.events.of(history, moment, self._until(moment))
        since = self.window.span(moment)[0]
        assert since is not None, "the window has a beginning"
        return bool(rows) and rows[0]["occurred_at"] >= since

    def words(self, language: str) -> str:
        what = self.events.words(language)
        text = told(language, f"did {what} for the first time ever", f"首次做{what}")
        return _in_window(self.window, language, text)


@dataclass(frozen=True)
class Regularly(Leaf):
    """In `least` at least of the last `of` spans of a day, a week or 30 days, counted back from the instant."""

    events: EventRows
    least: int
    of: int
    unit: str

    def _borders(self, moment: Moment) -> list[tuple[int, Span]]:
        days = UNIT_DAYS[self.unit]
        return [(n, (moment.ago((n + 1) * days), moment.ago(n * days))) for n in range(self.of)]

    def _whole(self, moment: Moment) -> Span:
        return moment.ago(self.of * UNIT_DAYS[self.unit]), moment.as_of

    def asks(self, moment: Moment) -> Summed:
        borders = [(ibis.literal(since), 1 << n) for n, (since, _) in self._borders(moment)]

        def spans(rows: ibis.Table, flag: ibis.Value | None) -> ibis.Value:
            # A bit for each span: far cheaper than sets of spans, and the latest span that began is the row's own.
            bits = ibis.cases(*[(rows.occurred_at >= since, bit) for since, bit in borders]).cast("int64")
            return bits.bit_or(where=flag)

        return self.events.summed(moment, self._whole(moment), {"spans": spans})

    def met(self, values: Mapping[str, ibis.Value], moment: Moment) -> ibis.Value:
        spans = values["spans"].fill_null(0)
        found = [((spans & (1 << n)) > 0).cast("int64") for n in range(self.of)]
        total = found[0]
        for one in found[1:]:
            total = total + one
        return total >= self.least

    def holds(self, history: History, moment: Moment) -> bool:
        whole = self._whole(moment)
        seen = {
            (moment.as_of - row["occurred_at"] - DAY.resolution) // (UNIT_DAYS[self.unit] * DAY)
            for row in self.events.of(history, moment, whole)
        }
        return len(seen) >= self.least

    def words(self, language: str) -> str:
        what, (english, chinese) = self.events.words(language), _UNIT_WORDS[self.unit]
        return told(
            language,
            f"did {what} " + of_one(f"in at least {self.least} of the last {self.of} {english}"),
            f"最近{self.of}{chinese}中至少有{self.least}{chinese[:2].rstrip('（')}做过{what}",
        )


@dataclass(frozen=True)
class Stopped(Leaf):
    """Done `least` times or more before the window, and not in it."""

    events: EventRows
    window: Window
    least: int

    def _until(self, moment: Moment) -> Span:
        return None, self.window.span(moment)[1]

    def asks(self, moment: Moment) -> Summed:
        since = ibis.literal(self.window.span(moment)[0])

        def before(rows: ibis.Table, flag: ibis.Value | None) -> ibis.Value:
            early = rows.occurred_at < since
            return rows.count(where=early if flag is None else early & flag)

        measures: dict[str, Measure] = {
            "before": before,
            "count": lambda rows, flag: rows.count(where=flag),
        }
        return self.events.summed(moment, self._until(moment), measures)

    def met(self, values: Mapping[str, ibis.Value], moment: Moment) -> ibis.Value:
        before = values["before"].fill_null(0)
        return (before >= self.least) & (values["count"].fill_null(0) == before)

    def holds(self, history: History, moment: Moment) -> bool:
        since = self.window.span(moment)[0]
        assert since is not None, "the window has a beginning"
        times = [row["occurred_at"] for row in self.events.of(history, moment, self._until(moment))]
        return len(times) >= self.least and all(at < since for at in times)

    def words(self, language: str) -> str:
        what, when = self.events.words(language), self.window.words(language)
        return told(
            language,
            f"did {what} " + of_one(f"at least {self.least} times before, and not {when}"),
            f"以前做过{what}不少于{self.least}次，但{when}没有再做",
        )


@dataclass(frozen=True)
class Restarted(Leaf):
    """Done in the window, at least `gap_days` times 24 hours after the time before."""

    events: EventRows
    window: Window
    gap_days: int

    def _until(self, moment: Moment) -> Span:
        return None, self.window.span(moment)[1]

    def asks(self, moment: Moment) -> Own:
        def build(facts: Facts) -> ibis.Table:
            rows = self.events.rows(facts, moment, self._until(moment)).select("person_id", "occurred_at")
            before = rows.occurred_at.lag(1).over(group_by="person_id", order_by="occurred_at")
            rows = rows.mutate(before=before)
            back = rows.before <= rows.occurred_at - ibis.interval(days=self.gap_days)
            since = self.window.span(moment)[0]
            met = [back] if since is None else [back, rows.occurred_at >= ibis.literal(since)]
            found = rows.filter(*met)
            return found.group_by("person_id").aggregate(count=found.count())

        return Own(build, ("count",))

    def met(self, values: Mapping[str, ibis.Value], moment: Moment) -> ibis.Value:
        return values["count"].fill_null(0) > 0

    def holds(self, history: History, moment: Moment) -> bool:
        since = self.window.span(moment)[0]
        times = [row["occurred_at"] for row in self.events.of(history, moment, self._until(moment))]
        return any(
            at - before >= self.gap_days * DAY and (since is None or at >= since) for before, at in pairwise(times)
        )

    def words(self, language: str) -> str:
        what = self.events.words(language)
        text = told(
            language,
            f"did {what} again " + of_one(f"after a gap of {self.gap_days} days or more"),
            f"间隔{self.gap_days}天以上后又做了{what}",
        )
        return _in_window(self.window, language, text)
