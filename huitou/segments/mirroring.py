"""Tags, consent, identifiers and dates as conditions read them: by customer, as of an instant, without any value that
names somebody."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from django.db import connection

from huitou.analytics.engines import Lake
from huitou.customers.groups import members_of
from huitou.customers.milestone_kinds import MILESTONE_KINDS
from huitou.orders.mirror import mirror_query, query_rows
from huitou.orders.sql import LINKS_MARK
from huitou.segments import sql

_QUERIES = {
    "dim_person_tags": (sql.CARRIED, "a.person_id", sql.TAGS_MARK),
    "dim_person_consents": (sql.CONSENTED, "c.person_id", sql.CONSENTS_MARK),
    "dim_person_identifiers": (sql.IDENTIFIED, "i.person_id", sql.IDENTIFIERS_MARK),
    "dim_person_dates": (sql.DATED, "m.person_id", sql.DATES_MARK),
}
MIRRORED = tuple(_QUERIES)


def mark(table: str, at: datetime) -> str:
    """A text that differs when anything mirrored into the table does."""
    with connection.cursor() as cursor:
        cursor.execute(_QUERIES[table][2], {"at": at})
        own = cursor.fetchone()[0]
        cursor.execute(LINKS_MARK)
        return f"{own}/{cursor.fetchone()[0]}"


def mirror(table: str, *, at: datetime, lake: Lake, scratch: Path) -> int:
    """Overwrite the lake table by what holds at the instant, which is now; returns its new version."""
    return mirror_query(table, _query(table, at, is_now=True), lake, scratch)


def rows_as_of(table: str, at: datetime, *, is_now: bool, customers: Iterable[int] | None = None) -> pa.Table:
    """What the lake table would hold as of an instant, perhaps for some customers (canonical ids) only."""
    return query_rows(table, _query(table, at, is_now=is_now, customers=customers))


def _query(table: str, at: datetime, *, is_now: bool, customers: Iterable[int] | None = None) -> str:
    template, person, _mark = _QUERIES[table]
    among = "true"
    if customers is not None:
        persons = sorted({p for persons in members_of(customers).values() for p in persons})
        among = f"{person} = ANY(ARRAY[{', '.join(map(str, persons))}]::bigint[])"
    dates = ", ".join(f"'{kind.kind}'" for kind in MILESTONE_KINDS.values() if kind.form == "date")
    instant = f"'{at.astimezone(UTC).isoformat()}'::timestamptz"
    return template.format(at=instant, is_now=str(is_now).lower(), among=among, kinds=dates)
