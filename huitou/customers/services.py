"""Every write to the people register: persons are made by the numbers that shops know them by.

Sightings of identifiers, joins and what persons told have modules of their own and are named here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from huitou.core.clock import Clock
from huitou.customers.identifier_kind import IDENTIFIER_KINDS
from huitou.customers.joining import (
    CannotMergeError,
    CannotUnmergeError,
    CustomerUnknownError,
    Evidence,
    close_case,
    keep_apart,
    merge_customers,
    record_uses,
    undo_merge,
    weigh,
)
from huitou.customers.resolving import Sighting, resolve_sightings
from huitou.customers.sql import people as sql
from huitou.customers.sql.sightings import LOCK
from huitou.customers.telling import (
    AcquisitionReport,
    ConsentDecision,
    Problem,
    TraitReport,
    epoch_microseconds,
    record_acquisitions,
    record_consents,
    record_traits,
)

__all__ = [
    "AcquisitionReport",
    "CannotMergeError",
    "CannotUnmergeError",
    "ConsentDecision",
    "CustomerUnknownError",
    "Problem",
    "ResolvedPersons",
    "Sighting",
    "TraitReport",
    "close_case",
    "give_identifiers",
    "keep_apart",
    "merge_customers",
    "record_acquisitions",
    "record_consents",
    "record_traits",
    "resolve_person_ids",
    "resolve_persons",
    "resolve_sightings",
    "undo_merge",
    "update_details",
]
CUSTOMER_ID = "customer_id"


@dataclass(frozen=True)
class ResolvedPersons:
    """What became of the given numbers: `created` are new persons; `mapping` is CSV of value, namespace, person_id."""

    created: int
    mapping: bytes


def resolve_persons(
    *, blocks: Iterable[bytes], clock: Clock, kind: str = CUSTOMER_ID, source: str = "", with_details: bool = True
) -> ResolvedPersons:
    """Find or make the person of every given number, set-wise; the answer maps each number to its person.

    `blocks` is CSV without a header: value, display_name, when that was told (epoch microseconds), phone, when that
    was told, namespace, at (since when; only value and namespace must be filled). A value names one person within
    kind and namespace; whoever is first makes it, two callers at once get the same. Given again, nothing new is made,
    and names and phones that were told later are taken over (not asked about without `with_details`).
    """
    keys: dict[str, Any] = {"kind": kind, "source": source[:100], "now": clock.now()}
    with transaction.atomic(), connection.cursor() as cursor:
        # One resolution at a time: a second one then finds the first one's persons instead of colliding with them.
        cursor.execute(LOCK)
        cursor.execute(sql.CREATE_INCOMING)
        with cursor.copy(sql.COPY_INCOMING) as copy:
            for block in blocks:
                copy.write(block)
        cursor.execute(sql.ANALYZE_INCOMING)
        cursor.execute(sql.CREATE_UNKNOWN, keys)
        cursor.execute(sql.INSERT_PERSONS, keys)
        created = cursor.rowcount
        cursor.execute(sql.INSERT_IDENTIFIERS, keys)
        if cursor.rowcount != created:
            created = cursor.rowcount
            cursor.execute(sql.DELETE_SUPERSEDED)
        cursor.execute(sql.MOVE_BACK, keys)
        if with_details:
            cursor.execute(sql.UPDATE_DETAILS, keys)
        mapping = bytearray()
        assert kind in IDENTIFIER_KINDS, f"{kind!r} is no kind of identifier"
        with cursor.copy(sql.SELECT_PERSON_IDS.format(kind=kind)) as copy:
            for found in copy:
                mapping += found
        cursor.execute("DROP TABLE incoming_people, unknown_people")
    return ResolvedPersons(created=created, mapping=bytes(mapping))


def give_identifiers(*, kind: str, rows: Sequence[tuple[int, str, datetime]], source: str, clock: Clock) -> int:
    """Let persons have identifiers of a kind without namespaces: (person, normalized value, since when).

    What somebody else has already is evidence that both are one customer. Returns how many customers were joined.
    """
    if not rows:
        return 0
    persons, values, at = (list(column) for column in zip(*rows, strict=True))
    keys = {"kind": kind, "source": source[:100]}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK)
        cursor.execute(sql.CREATE_GIVEN, {"persons": persons, "values": values, "at": at})
        cursor.execute(sql.INSERT_GIVEN, keys)
        cursor.execute(sql.MOVE_BACK_GIVEN, keys)
        cursor.execute(sql.SELECT_SHARED, keys)
        evidence = [
            Evidence(person, owner, (kind, "", value), identifier, seen_at)
            for person, owner, value, identifier, seen_at in cursor.fetchall()
        ]
        cursor.execute("DROP TABLE given_identifiers")
        record_uses(evidence, source=source)
        return weigh(evidence, source=source, clock=clock)


def resolve_person_ids(
    *, values: Iterable[str], clock: Clock, kind: str = CUSTOMER_ID, namespace: str = "", source: str = ""
) -> dict[str, int]:
    """Person id by number, for callers with few enough numbers to hold them; see `resolve_persons`."""
    resolved = resolve_persons(
        blocks=_csv_blocks(values, namespace), clock=clock, kind=kind, source=source, with_details=False
    )
    rows = csv.reader(io.StringIO(resolved.mapping.decode(), newline=""))
    return {value: int(person) for value, _place, person in rows}


def _csv_blocks(values: Iterable[str], namespace: str) -> Iterator[bytes]:
    pending: list[str] = []
    for value in values:
        pending.append('"' + value.replace('"', '""') + '",,,,,"' + namespace.replace('"', '""') + '",\n')
        if len(pending) == 10_000:
            yield "".join(pending).encode()
            pending = []
    yield "".join(pending).encode()


def update_details(*, blocks: Iterable[bytes], clock: Clock, kind: str = CUSTOMER_ID, namespace: str = "") -> int:
    """Take over what a customer file says about persons who are already there; returns how many were touched.

    `blocks` is CSV: value, display_name, phone, known_since, attributes (a JSON object). Empty cells change nothing.
    A customer file has no time of its own: it tells what it says now, and what was told later than that stays.
    """
    at = epoch_microseconds(clock.now())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK)
        cursor.execute(sql.CREATE_INCOMING_DETAILS)
        with cursor.copy(sql.COPY_INCOMING_DETAILS) as copy:
            for block in blocks:
                copy.write(block)
        cursor.execute(sql.STAMP_INCOMING_DETAILS, {"at": at})
        cursor.execute(sql.UPSERT_DETAILS, {"kind": kind, "namespace": namespace, "at": at})
        touched = int(cursor.rowcount)
        cursor.execute("DROP TABLE incoming_details")
    return touched
