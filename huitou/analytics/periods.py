"""Calendar periods in the brand's days: what the rows of a metric stand for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import pyarrow as pa

GRAINS = ("day", "week", "month", "quarter", "year", "total")
_DAY = timedelta(days=1)


def start_of(day: date, grain: str) -> date:
    """First day of the calendar period of `grain` (not total) that holds `day`; weeks begin on Monday (ISO 8601)."""
    if grain == "day":
        return day
    if grain == "week":
        return day - timedelta(days=day.weekday())
    if grain == "month":
        return day.replace(day=1)
    if grain == "quarter":
        return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    if grain == "year":
        return date(day.year, 1, 1)
    raise ValueError(f"{grain} has no calendar")


def step(start: date, grain: str, count: int) -> date:
    """First day of the period `count` periods after (before, if negative) the one that begins on `start`."""
    if grain == "day":
        return start + timedelta(days=count)
    if grain == "week":
        return start + timedelta(weeks=count)
    months = {"month": 1, "quarter": 3, "year": 12}[grain] * count
    years, month = divmod(start.month - 1 + months, 12)
    return date(start.year + years, month + 1, 1)


def name_of(start: date, grain: str) -> str:
    """How the period beginning on `start` is written: 2010-03, 2010-Q1, 2010, 2010-W09 or 2010-03-05."""
    if grain == "day":
        return start.isoformat()
    if grain == "week":
        year, week, _ = start.isocalendar()
        return f"{year}-W{week:02d}"
    if grain == "month":
        return f"{start.year}-{start.month:02d}"
    if grain == "quarter":
        return f"{start.year}-Q{(start.month + 2) // 3}"
    return str(start.year)


@dataclass(frozen=True)
class Period:
    """One row's days, both inclusive. `first` and `last` are cut to the range asked for; `clipped` says if that cut."""

    index: int
    grain: str
    name: str | None
    first: date
    last: date
    clipped: bool

    def following(self, count: int) -> tuple[date, date]:
        """First and last day of the whole calendar period `count` after this one (before, if negative)."""
        start = step(start_of(self.first, self.grain), self.grain, count)
        return start, step(start, self.grain, 1) - _DAY


class Periods:
    """The periods of one grain between two days, both inclusive, in order; period i has index i.

    Parameters
    ----------
    grain : one of GRAINS; total is the whole range as one period without a name
    first, last : brand-zone days; the outer calendar periods are cut to them
    """

    def __init__(self, grain: str, first: date, last: date) -> None:
        if grain not in GRAINS or first > last:
            raise ValueError(f"no periods by {grain} from {first} to {last}")
        self.grain = grain
        self.first = first
        self.last = last
        self.items: tuple[Period, ...] = tuple(self._cut())

    def _cut(self) -> Iterator[Period]:
        if self.grain == "total":
            yield Period(0, "total", None, self.first, self.last, clipped=False)
            return
        start = start_of(self.first, self.grain)
        index = 0
        while start <= self.last:
            following = step(start, self.grain, 1)
            end = following - _DAY
            yield Period(
                index,
                self.grain,
                name_of(start, self.grain),
                max(start, self.first),
                min(end, self.last),
                clipped=start < self.first or end > self.last,
            )
            start, index = following, index + 1

    def __iter__(self) -> Iterator[Period]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def calendar(self) -> ibis.Table:
        """One row per day in range: `day`, `period` (index). Joined by equality, so it stays a hash join."""
        return _days((day, p.index) for p in self.items for day in _each(p.first, p.last))

    def starts(self) -> ibis.Table:
        """One row per period: `period` (index), `first_day` (cut to the range)."""
        table = pa.table(
            {
                "period": pa.array([p.index for p in self.items], pa.int32()),
                "first_day": pa.array([p.first for p in self.items], pa.date32()),
            }
        )
        return ibis.memtable(table)

    def comparison(self) -> ibis.Table:
        """Days for comparing each period with the one before: `day`, `period` and `is_previous`.

        A day stands under its own period (cut to the range), and again, as previous, under the next one: there
        the period counts whole, even where it begins before the range.
        """
        own = ((day, p.index, False) for p in self.items for day in _each(p.first, p.last))
        before = ((day, p.index, True) for p in self.items for day in _each(*p.following(-1)))
        rows = [*own, *before]
        table = pa.table(
            {
                "day": pa.array([r[0] for r in rows], pa.date32()),
                "period": pa.array([r[1] for r in rows], pa.int32()),
                "is_previous": pa.array([r[2] for r in rows], pa.bool_()),
            }
        )
        return ibis.memtable(table)

    def onward(self, count: int) -> ibis.Table:
        """Days of the whole calendar periods from the first one to `count` after the last: `day`, `period`."""
        start = start_of(self.first, self.grain)

        def rows() -> Iterator[tuple[date, int]]:
            for index in range(len(self.items) + count):
                begin = step(start, self.grain, index)
                for day in _each(begin, step(begin, self.grain, 1) - _DAY):
                    yield day, index

        return _days(rows())


def _each(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def _days(rows: Iterator[tuple[date, int]]) -> ibis.Table:
    pairs = list(rows)
    table = pa.table(
        {"day": pa.array([d for d, _ in pairs], pa.date32()), "period": pa.array([i for _, i in pairs], pa.int32())}
    )
    return ibis.memtable(table)
