"""Every write to the people register: persons are made by the numbers that shops know them by.

Sightings of identifiers, joins and what persons told have modules of their own and are named here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import connection, transaction

from huitou.core.clock import Clock
from huitou.customers.joining import (
    CannotMergeError,
    CannotUnmergeError,
    CustomerUnknownError,
    close_case,
    keep_apart,
    merge_customers,
    undo_merge,
)
from huitou.customers.resolving import Sighting, resolve_sightings
from huitou.customers.sql import people as sql
from huitou.customers.telling import (
    AcquisitionReport,
    ConsentDecision,
    Problem,
    TraitReport,
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
_BLOCK = 1 << 20


@dataclass(frozen=True)
class ResolvedPersons:
    """What became of the given numbers: `created` are new persons; `mapping` is CSV of value, person_id in blocks."""

    created: int
    mapping: bytes


def resolve_persons(
    *,
    blocks: Iterable[bytes],
    clock: Clock,
    kind: str = CUSTOMER_ID,
    namespace: str = "",
    with_details: bool = True,
) -> ResolvedPersons:
    """Find or make the person of every given number, set-wise; the answer maps each number to its person.

    `blocks` is CSV without a header: value, display_name, phone (the last two may be empty). A value names one person
    within kind and namespace; whoever is first makes it, two callers at once get the same. Given again, nothing new is
    made, and names and phones that a later file fills are taken over (not asked about without `with_details`).
    """
    _check_names(kind, namespace)
    keys = {"kind": kind, "namespace": namespace}
    with transaction.atomic(), connection.cursor() as cursor:
        # One resolution at a time: a second one then finds the first one's persons instead of colliding with them.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('huitou.customers.resolve'))")
        cursor.execute(sql.CREATE_INCOMING)
        with cursor.copy(sql.COPY_INCOMING) as copy:
            for block in blocks:
                copy.write(block)
        cursor.execute(sql.ANALYZE_INCOMING)
        cursor.execute(sql.CREATE_UNKNOWN, keys)
        cursor.execute(sql.INSERT_PERSONS, {"now": clock.now()})
        created = cursor.rowcount
        cursor.execute(sql.INSERT_IDENTIFIERS, keys)
        if cursor.rowcount != created:
            created = cursor.rowcount
            cursor.execute(sql.DELETE_SUPERSEDED)
        if with_details:
            cursor.execute(sql.UPDATE_DETAILS, keys)
        mapping = bytearray()
        with cursor.copy(sql.SELECT_PERSON_IDS.format(**keys)) as copy:
            for found in copy:
                mapping += found
        cursor.execute("DROP TABLE incoming_people, unknown_people")
    return ResolvedPersons(created=created, mapping=bytes(mapping))


def resolve_person_ids(
    *, values: Iterable[str], clock: Clock, kind: str = CUSTOMER_ID, namespace: str = ""
) -> dict[str, int]:
    """Person id by number, for callers with few enough numbers to hold them; see `resolve_persons`."""
    resolved = resolve_persons(
        blocks=_csv_blocks(values), clock=clock, kind=kind, namespace=namespace, with_details=False
    )
    found: dict[str, int] = {}
    for line in resolved.mapping.decode().splitlines():
        value, _comma, person = line.rpartition(",")
        found[value.removeprefix('"').removesuffix('"').replace('""', '"') if '"' in value else value] = int(person)
    return found


def _csv_blocks(values: Iterable[str]) -> Iterator[bytes]:
    pending: list[str] = []
    for value in values:
        pending.append('"' + value.replace('"', '""') + '",,\n')
        if len(pending) == 10_000:
            yield "".join(pending).encode()
            pending = []
    yield "".join(pending).encode()


def update_details(*, blocks: Iterable[bytes], clock: Clock, kind: str = CUSTOMER_ID, namespace: str = "") -> int:
    """Take over what a customer file says about persons who are already there; returns how many were touched.

    `blocks` is CSV: value, display_name, phone, known_since, attributes (a JSON object). Empty cells change nothing.
    """
    _check_names(kind, namespace)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('huitou.customers.resolve'))")
        cursor.execute(sql.CREATE_INCOMING_DETAILS)
        with cursor.copy(sql.COPY_INCOMING_DETAILS) as copy:
            for block in blocks:
                copy.write(block)
        cursor.execute(sql.UPSERT_DETAILS, {"kind": kind, "namespace": namespace})
        touched = int(cursor.rowcount)
        cursor.execute("DROP TABLE incoming_details")
    return touched


def _check_names(kind: str, namespace: str) -> None:
    for name in (kind, namespace):
        assert name.replace("_", "").replace("-", "").isalnum() or not name, f"{name!r} is not a plain name"
