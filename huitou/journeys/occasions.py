"""Who may enter on a day: customers by their anniversaries, or everybody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from django.db import connection

from huitou.journeys import sql
from huitou.journeys.calendar import anniversary

BLOCK = 20_000


def customers_with_anniversary(kind: str, day: date) -> list[int]:
    """Customers whose milestone of that kind falls on the day, by the latest that was told of any of their persons."""
    days = [(day.month, day.day)]
    # In a year without 29 February, who was born on it has the 28th.
    if (day.month, day.day) == (2, 28) and anniversary(2, 29, day.year) == day:
        days.append((2, 29))
    with connection.cursor() as cursor:
        cursor.execute(
            sql.ANNIVERSARIES, {"kind": kind, "days": [f"{m:02}-{d:02}" for m, d in days], "upto": day.isoformat()}
        )
        return [int(row[0]) for row in cursor.fetchall()]


def all_customers() -> Iterator[list[int]]:
    """Every customer that was not erased, in blocks in the order of their numbers."""
    last = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(sql.CUSTOMERS_AFTER, [last, BLOCK])
            found = [int(row[0]) for row in cursor.fetchall()]
            if not found:
                return
            yield found
            last = found[-1]
