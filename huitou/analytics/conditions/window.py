"""Which stretch of time a condition looks at: the last days, between days ago, calendar days, or ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from huitou.analytics.conditions.moment import DAY, Moment
from huitou.analytics.conditions.naming import of_one
from huitou.analytics.conditions.reading import MOST_DAYS, Reader

_FORMS = (("last_days",), ("from_days_ago", "to_days_ago"), ("from_date", "to_date"))


@dataclass(frozen=True)
class Window:
    """A stretch of time before the instant; without any limits it is ever.

    Parameters
    ----------
    from_days, to_days
        Begins so many times 24 hours before the instant, ends so many before it.
    from_date, to_date
        First and last calendar day in the brand's zone.
    """

    from_days: int | None = None
    to_days: int = 0
    from_date: date | None = None
    to_date: date | None = None

    def span(self, moment: Moment) -> tuple[datetime | None, datetime]:
        """From which instant on (None: from the beginning), and before which; never past the moment."""
        if self.from_days is not None:
            return moment.ago(self.from_days), moment.ago(self.to_days)
        since = moment.start_of(self.from_date) if self.from_date else None
        until = moment.start_of(self.to_date + DAY) if self.to_date else moment.as_of
        return since, min(until, moment.as_of)

    def words(self, language: str) -> str:
        """As the beginning of a sentence; empty for ever."""
        chinese = language.startswith("zh")
        if self.from_days is not None and self.to_days:
            text = ("between {0} and {1} days ago", "{0}到{1}天前之间")[chinese]
            return of_one(text.format(self.from_days, self.to_days))
        if self.from_days is not None:
            return of_one(("in the last {0} days", "最近{0}天内")[chinese].format(self.from_days))
        if self.from_date and self.to_date:
            return ("from {0} to {1}", "{0}至{1}")[chinese].format(self.from_date, self.to_date)
        if self.from_date:
            return ("since {0}", "{0}以来")[chinese].format(self.from_date)
        return ("until {0}", "截至{0}")[chinese].format(self.to_date) if self.to_date else ""


EVER = Window()


def read_window(reader: Reader, key: str = "window") -> Window:
    """The window of a leaf; ever where there is none.

    Raises
    ------
    ConditionError
        Its keys belong to different forms, or its end does not lie after its beginning.
    """
    if key not in reader:
        return EVER
    known = tuple(name for form in _FORMS for name in form)
    own = Reader(reader.data[key], reader.at(key), known)
    forms = [form for form in _FORMS if any(name in own for name in form)]
    if len(forms) != 1:
        reader.fail("one_of", key, known=[" + ".join(form) for form in _FORMS], given=list(own.data))
    if forms[0] == ("last_days",):
        return Window(from_days=own.whole("last_days", least=1, most=MOST_DAYS))
    if forms[0][0] == "from_days_ago":
        since = own.whole("from_days_ago", least=1, most=MOST_DAYS)
        until = own.whole("to_days_ago", least=0, most=MOST_DAYS)
        if until >= since:
            own.fail("not_a_range", "to_days_ago", given=[since, until])
        return Window(from_days=since, to_days=until)
    first = own.day("from_date") if "from_date" in own else None
    last = own.day("to_date") if "to_date" in own else None
    if first and last and last < first:
        own.fail("not_a_range", "to_date", given=[first.isoformat(), last.isoformat()])
    return Window(from_date=first, to_date=last)


def window_schema() -> dict[str, Any]:
    """JSON Schema of a window."""
    days = {"type": "integer", "minimum": 1, "maximum": MOST_DAYS}
    day = {"type": "string", "format": "date"}
    return {
        "description": "Left out: ever. Days of 24 hours back from now, or calendar days of the brand, both included.",
        "oneOf": [
            {
                "type": "object",
                "properties": {"last_days": days},
                "required": ["last_days"],
                "additionalProperties": False,
            },
            {
                "type": "object",
                "properties": {"from_days_ago": days, "to_days_ago": days | {"minimum": 0}},
                "required": ["from_days_ago", "to_days_ago"],
                "additionalProperties": False,
            },
            {
                "type": "object",
                "properties": {"from_date": day, "to_date": day},
                "minProperties": 1,
                "additionalProperties": False,
            },
        ],
    }
