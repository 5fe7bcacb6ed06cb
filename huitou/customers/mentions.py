"""Rows of others in PostgreSQL that may tell of a person: found by the database, and looked at again only if changed.

Finding them reads a whole table, so that is done before anything is locked; under the lock only what was written since.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Model

from huitou.customers.needles import Needles

# The transactions that may still write at this moment, or later, have this number or a higher one.
_SINCE = "SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text"
_FIND = """
SELECT {key} FROM {table}
WHERE NOT {person} = ANY(%(persons)s::bigint[]) AND (%(since)s::text IS NULL OR age(xmin) <= age(%(since)s::text::xid))
    AND (lower({text}) LIKE ANY(%(words)s::text[]) OR lower({text}) ~ ANY(%(patterns)s::text[]))
"""


@dataclass(frozen=True)
class Mentions:
    """Keys of rows that may tell of the person, and since when rows have to be looked at again."""

    keys: frozenset[Any]
    since: str


def find_mentions(
    model: type[Model], text: str, needles: Needles, persons: Sequence[int], before: Mentions | None = None
) -> Mentions:
    """Rows of others where the SQL expression `text` may hold the person; with `before`, only reads what changed."""
    options = model._meta
    names = [field.column for field in options.concrete_fields]
    person = "person_id" if "person_id" in names else options.pk.column
    statement = _FIND.format(key=options.pk.column, table=options.db_table, person=person, text=text)
    words, patterns = needles.hints
    with connection.cursor() as cursor:
        cursor.execute(_SINCE)
        (since,) = cursor.fetchone()
        told = {"persons": list(persons), "since": before.since if before else None}
        cursor.execute(statement, {**told, "words": words, "patterns": patterns})
        found: Collection[Any] = [row[0] for row in cursor.fetchall()]
    return Mentions(frozenset(found) | (before.keys if before else frozenset()), since)
