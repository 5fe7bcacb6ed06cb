"""A yearly date of the customer, such as the birthday."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis

from huitou.analytics.conditions.comparing import text_schema
from huitou.analytics.conditions.facts import History
from huitou.analytics.conditions.json_shapes import closed
from huitou.analytics.conditions.leaf import Leaf, LeafKind, Summed, told
from huitou.analytics.conditions.moment import DAY, Moment
from huitou.analytics.conditions.naming import names, of_one
from huitou.analytics.conditions.reading import Reader

_WHEN = ("in_next_days", "in_days", "this_month")
_YEAR = 366


@dataclass(frozen=True)
class DateLeaf(Leaf):
    """The date comes round within some days from today, in exactly so many days, or in this calendar month."""

    kind: str
    when: str
    days: int

    def _places(self, moment: Moment) -> list[int]:
        """Month times 100 plus day of the dates that are kept then; 29 February is kept on the 28th in other years."""
        today = moment.today
        if self.when == "this_month":
            return [today.month * 100 + day for day in range(1, 32)]
        kept = [today + self.days * DAY] if self.when == "in_days" else [today + n * DAY for n in range(self.days)]
        return sorted({place for day in kept for place in _kept_on(day)})

    def asks(self, moment: Moment) -> Summed:
        def match(rows: ibis.Table) -> ibis.Value:
            place = rows.month.cast("int64") * 100 + rows.day.cast("int64")
            return (rows.kind == self.kind) & place.isin(self._places(moment))

        return Summed("dates", match, {"count": lambda rows, flag: rows.count(where=flag)}, exists=True)

    def met(self, values: Mapping[str, ibis.Value], moment: Moment) -> ibis.Value:
        return values["count"].fill_null(0) > 0

    def holds(self, history: History, moment: Moment) -> bool:
        places = self._places(moment)
        return any(row["kind"] == self.kind and row["month"] * 100 + row["day"] in places for row in history.dates)

    def words(self, language: str) -> str:
        name = _name(self.kind, language)
        if self.when == "this_month":
            return told(language, f"{name} is in this month", f"{name}在本月")
        if self.when == "in_next_days":
            return told(
                language,
                f"{name} is " + of_one(f"in the next {self.days} days, today included"),
                f"{name}在今天起的{self.days}天内",
            )
        if self.days == 0:
            return told(language, f"{name} is today", f"{name}就在今天")
        return told(language, f"{name} is " + of_one(f"in exactly {self.days} days"), f"{name}正好在{self.days}天后")


def _name(kind: str, language: str) -> str:
    if known := names().dates.get(kind):
        return known
    return told(language, kind.replace("_", " "), "生日" if kind == "birthday" else f"“{kind}”")


def _kept_on(day: date) -> list[int]:
    own = day.month * 100 + day.day
    return [own, 229] if own == 228 and not isleap(day.year) else [own]


def _read(data: Mapping[str, Any], path: str) -> DateLeaf:
    reader = Reader(data, path, ("date", "is", "value"))
    kind, when = reader.text("date"), reader.choice("is", _WHEN)
    if when == "this_month":
        if "value" in reader:
            reader.fail("unknown_key", "value", given="value", known=("date", "is"))
        return DateLeaf(kind, when, 0)
    return DateLeaf(kind, when, reader.whole("value", least=0 if when == "in_days" else 1, most=_YEAR))


def _schema() -> dict[str, Any]:
    days = {"type": "integer", "minimum": 1, "maximum": _YEAR}
    shapes = [
        {"properties": {"is": {"const": "in_next_days"}, "value": days}, "required": ["is", "value"]},
        {"properties": {"is": {"const": "in_days"}, "value": days | {"minimum": 0}}, "required": ["is", "value"]},
        {"properties": {"is": {"const": "this_month"}}, "required": ["is"]},
    ]
    return closed({"date": text_schema()}, ["date"], shapes)


KIND = LeafKind(
    kind="date",
    label="Yearly date",
    term_zh="周年日期",
    definition=(
        "A date that comes round every year, by the brand's calendar: `in_next_days` (today is the first of them), "
        "`in_days` exactly (0 is today), `this_month`. 29 February is kept on the 28th in years without it."
    ),
    read=_read,
    schema=_schema,
    needs="dates",
    examples=(
        {"date": "birthday", "is": "in_next_days", "value": 7},
        {"date": "birthday", "is": "in_days", "value": 3},
        {"date": "birthday", "is": "this_month"},
    ),
)
