"""What came otherwise than planned, counted set-wise: never more rows than a person could read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from huitou.sources.consuming.properties import names_somebody
from huitou.sources.tracking.checking import Finding

_MOST_ROWS = 1_000
_LONGEST_NAME = 100
_HIDDEN = "…"


@dataclass(slots=True)
class Seen:
    """How often, when first and last by the events' own time, and an example that names nobody."""

    count: int
    first_at: datetime
    last_at: datetime
    example: dict[str, Any]

    def again(self, at: datetime) -> None:
        self.count += 1
        if at > self.last_at:
            self.last_at = at
        elif at < self.first_at:
            self.first_at = at


_KNOWN = """
SELECT source, event, problem, property FROM sources_planproblem WHERE source = ANY(%s)
"""
_ADD = """
INSERT INTO sources_planproblem AS kept (source, event, problem, property, count, first_at, last_at, example)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[],
    %s::timestamptz[], %s::jsonb[]) AS told (source, event, problem, property, count, first_at, last_at, example)
ORDER BY source, event, problem, property
ON CONFLICT (source, event, problem, property) DO UPDATE SET
    count = kept.count + excluded.count,
    first_at = least(kept.first_at, excluded.first_at),
    last_at = greatest(kept.last_at, excluded.last_at),
    example = excluded.example
"""


def shown_name(name: str) -> str:
    """A sender's name as it may be kept: nobody's number or address, and not too long."""
    return _HIDDEN if names_somebody(name) else name[:_LONGEST_NAME]


def add_problems(problems: Mapping[tuple[str, str, Finding], Seen]) -> None:
    """Add the problems of one batch, in its transaction. A feed that makes up ever new names gets no more rows."""
    if not problems:
        return
    joined: dict[tuple[str, str, str, str], Seen] = {}
    for (source, event, finding), seen in problems.items():
        key = (source, shown_name(event), finding.problem, shown_name(finding.property))
        before = joined.get(key)
        if before is None:
            joined[key] = seen
        else:
            before.count += seen.count
            before.first_at, before.last_at = min(before.first_at, seen.first_at), max(before.last_at, seen.last_at)
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [sorted({key[0] for key in joined})])
        known = set(cursor.fetchall())
        room: dict[str, int] = {}
        for key in known:
            room[key[0]] = room.get(key[0], _MOST_ROWS) - 1
        kept = []
        for key in sorted(joined):
            if key not in known:
                left = room.get(key[0], _MOST_ROWS)
                if left <= 0:
                    continue
                room[key[0]] = left - 1
            kept.append(key)
        seens = [joined[key] for key in kept]
        cursor.execute(
            _ADD,
            [
                *([key[part] for key in kept] for part in range(4)),
                [seen.count for seen in seens],
                [seen.first_at for seen in seens],
                [seen.last_at for seen in seens],
                [json.dumps(seen.example) for seen in seens],
            ],
        )
