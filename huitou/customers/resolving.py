"""Sightings of identifiers to persons, a batch at a time.

1. Every identifier is read in its kind's one spelling; junk is left out.
2. A fact belongs to the owner of its strongest identifier; phones, addresses and devices of many accounts say nothing
   about whose it is. Identifiers that nobody owns yet go to that person; an
   account that its customer cannot have as well gets a person of its own.
3. What was seen together without belonging to one person is evidence, which `joining` weighs.

The statements are few, whatever the size of the batch, and what comes out does not depend on the order inside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from huitou.core.arrays import number_array, text_array
from huitou.core.clock import Clock
from huitou.customers.groups import Groups, customers_of
from huitou.customers.identifier_kind import IDENTIFIER_KINDS, Key, read_identifier
from huitou.customers.joining import Evidence, record_uses, weigh
from huitou.customers.sql import sightings as sql

# So many identifiers tell whether anything is new; if so, all are looked up once, when it is our turn.
_FIRST_LOOK = 500


class Sighting(NamedTuple):
    """Identifiers that one fact bore: (kind, namespace, value as given), when; `joins`: whether it may join persons."""

    ref: int
    identifiers: tuple[tuple[str, str, str], ...]
    at: datetime
    joins: bool = True


@dataclass(slots=True)
class _Seen:
    """One sighting with its usable identifiers, strongest first."""

    at: datetime
    keys: tuple[Key, ...]
    joins: bool
    refs: list[int]


@dataclass(slots=True)
class _Known:
    """An identifier's owner and row, as far as it has one."""

    person: int
    row: int = 0
    stopped: bool = False
    # Epoch seconds: reading thousands of instants would take longer than the rest of the look.
    since: float | None = None


def resolve_sightings(*, sightings: Sequence[Sighting], source: str, clock: Clock) -> dict[int, int]:
    """The person that each fact is recorded under, by `ref`; facts without a usable identifier are absent.

    In the caller's transaction. Persons are made for identifiers that nobody has, and persons whose identifiers are
    seen together become one customer where the rules allow it.
    """
    read = _read(sightings)
    keys = _in_order({key for one in read for key in one.keys})
    owners = _find_owners(keys[:_FIRST_LOOK])
    if len(owners) == len(keys[:_FIRST_LOOK]):
        owners |= _find_owners(keys[_FIRST_LOOK:])
    seen = _without_shared(read, owners)
    if _earlier(read, owners) or not _is_old_news(_undecided(seen, owners), owners):
        with transaction.atomic(), connection.cursor() as cursor:
            # One resolution at a time: a second one then finds the first one's persons.
            cursor.execute(sql.LOCK)
            owners |= _find_owners([key for key in keys if key not in owners])
            if earlier := _earlier(read, owners):
                cursor.execute(sql.MOVE_BACK, [source[:100], list(earlier), list(earlier.values())])
            seen = _without_shared(read, owners)
            undecided = _undecided(seen, owners)
            batch = _Batch(owners, _groups_at_stake(undecided, owners))
            for one in sorted(undecided, key=lambda s: (s.at, s.keys, s.joins)):
                batch.place(one)
            evidence = batch.save(cursor, source=source, clock=clock)
            weigh(evidence, source=source, clock=clock)
            owners = batch.owners
    return {ref: owners[one.keys[0]].person for one in seen for ref in one.refs}


def _read(sightings: Sequence[Sighting]) -> list[_Seen]:
    """Equal sightings are one, at the earliest of their times."""
    found: dict[tuple[tuple[Key, ...], bool], _Seen] = {}
    ranks = {kind.kind: -kind.strength for kind in IDENTIFIER_KINDS}
    for ref, identifiers, at, joins in sightings:
        keys = [key for identifier in identifiers if (key := read_identifier(*identifier)) is not None]
        if len(keys) > 1:
            keys = sorted(set(keys), key=lambda key: (ranks[key[0]], key))
        elif not keys:
            continue
        strongest = tuple(keys)
        known = found.get((strongest, joins))
        if known is None:
            found[strongest, joins] = _Seen(at, strongest, joins, [ref])
            continue
        known.refs.append(ref)
        known.at = min(known.at, at)
    return list(found.values())


def _without_shared(seen: list[_Seen], owners: dict[Key, _Known]) -> list[_Seen]:
    """Sightings by what may say whose they are: not by what is on too many accounts, which are somebody's own."""
    shared = {key for key, known in owners.items() if known.stopped and not IDENTIFIER_KINDS[key[0]].is_account}
    if not shared:
        return seen
    told = [(one, tuple(key for key in one.keys if key not in shared)) for one in seen]
    return [replace(one, keys=keys) for one, keys in told if keys]


def _in_order(keys: set[Key]) -> list[Key]:
    """In the order of the index: neighbors share its pages. Sorting by one text at a time is quicker than by all."""
    ordered = list(keys)
    for part in (2, 1, 0):
        ordered.sort(key=itemgetter(part))
    return ordered


def _find_owners(keys: Sequence[Key]) -> dict[Key, _Known]:
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(sql.FIND_OWNERS, [text_array(column) for column in zip(*keys, strict=True)])
        return {keys[n - 1]: _Known(person, row, *rest) for n, row, person, *rest in cursor.fetchall()}


def _earlier(read: list[_Seen], owners: dict[Key, _Known]) -> dict[int, datetime]:
    """Identifiers, by row, that were seen before the time at which they were first seen so far."""
    found: dict[int, datetime] = {}
    for one in read:
        at = one.at.timestamp()
        for key in one.keys:
            known = owners.get(key)
            if known is not None and (known.since is None or at < known.since):
                found[known.row] = min(found.get(known.row, one.at), one.at)
    return found


def _undecided(seen: list[_Seen], owners: dict[Key, _Known]) -> list[_Seen]:
    """Sightings with an identifier that nobody has, or that another person has than the strongest: few, as a rule."""
    found = []
    for one in seen:
        persons = {known.person if (known := owners.get(key)) else None for key in one.keys}
        if len(persons) > 1 or None in persons:
            found.append(one)
    return found


def _is_old_news(seen: list[_Seen], owners: dict[Key, _Known]) -> bool:
    """Whether nothing here is new: then there is nothing to decide and nobody has to wait."""
    pairs: set[tuple[int, int, int]] = set()
    for one in seen:
        known = [owners.get(key) for key in one.keys]
        top = known[0]
        for other in known:
            if top is None or other is None:
                return False
            if one.joins and other.person != top.person and not other.stopped:
                pairs.add((other.row, top.person, other.person))
    if not pairs:
        return True
    customers = customers_of({person for _row, *persons in pairs for person in persons})
    if any(customers[person] != customers[owner] for _row, person, owner in pairs):
        return False
    with connection.cursor() as cursor:
        cursor.execute(sql.FIND_USES, [[row for row, *_ in pairs], [person for _row, person, _owner in pairs]])
        return len(cursor.fetchall()) == len({(row, person) for row, person, _owner in pairs})


def _groups_at_stake(seen: list[_Seen], owners: dict[Key, _Known]) -> Groups:
    """Persons that identifiers may be given to, with all that their customers have."""
    return Groups.load(
        owners[key].person
        for one in seen
        if len(one.keys) > 1 and any(key not in owners for key in one.keys)
        for key in one.keys
        if key in owners
    )


class _Batch:
    """Placing one batch: new persons have negative ids until they are saved."""

    def __init__(self, owners: dict[Key, _Known], groups: Groups) -> None:
        self.owners = owners
        self._groups = groups
        self._made = 0
        self._given: dict[Key, datetime] = {}
        self._uses: dict[tuple[Key, int], datetime] = {}

    def place(self, one: _Seen) -> None:
        """Find the sighting's person, give it what nobody owns, and note what others own."""
        top = one.keys[0]
        person = self.owners[top].person if top in self.owners else self._choose(one)
        for key in one.keys:
            if key not in self.owners:
                clash = len(one.keys) > 1 and self._groups.would_clash(person, key)
                self._give(key, self._make() if clash else person, one.at)
            owner = self.owners[key]
            if one.joins and owner.person != person and IDENTIFIER_KINDS[key[0]].joins and not owner.stopped:
                # Sightings come in the order of their times: the first one counts.
                self._uses.setdefault((key, person), one.at)

    def _choose(self, one: _Seen) -> int:
        """Whom a fact belongs to whose strongest identifier is new: someone who was known by less, or a new person."""
        top = one.keys[0]
        strength = IDENTIFIER_KINDS[top[0]].strength
        for key in one.keys[1:]:
            known = self.owners.get(key)
            if known is None:
                continue
            kind = IDENTIFIER_KINDS[key[0]]
            person, groups = known.person, self._groups
            becomes_known = groups.strength_of(person) < strength and not groups.would_clash(person, top)
            # Another account keeps a person of its own unless one sign-in showed both: then the join can be undone.
            if (
                kind.joins
                and not known.stopped
                and becomes_known
                and (kind.is_account or not groups.has_account(person))
            ):
                return person
        return self._make()

    def _make(self) -> int:
        self._made += 1
        self._groups.add(-self._made)
        return -self._made

    def _give(self, key: Key, person: int, at: datetime) -> None:
        self.owners[key] = _Known(person)
        self._given[key] = at
        self._groups.hold(person, key)

    def save(self, cursor: CursorWrapper, *, source: str, clock: Clock) -> list[Evidence]:
        """Write new persons, identifiers and uses; returns what was seen together."""
        cursor.execute(sql.NEXT_PERSONS, [self._made])
        persons = {-n: row[0] for n, row in enumerate(cursor.fetchall(), 1)}
        cursor.execute(sql.INSERT_PERSONS, [clock.now(), number_array(list(persons.values()))])
        given = sorted(self._given)
        cursor.execute(sql.NEXT_IDENTIFIERS, [len(given)])
        for key, (row,) in zip(given, cursor.fetchall(), strict=True):
            known = self.owners[key]
            known.person, known.row = persons.get(known.person, known.person), row
        rows = [(known.row, *key, known.person, self._given[key]) for key in given for known in [self.owners[key]]]
        if rows:
            ids, kinds, places, values, owners, times = zip(*rows, strict=True)
            cursor.execute(
                sql.INSERT_IDENTIFIERS,
                [
                    *(source[:100], number_array(ids), text_array(kinds), text_array(places), text_array(values)),
                    *(number_array(owners), text_array([at.isoformat() for at in times])),
                ],
            )
        uses = [
            Evidence(persons.get(person, person), self.owners[key].person, key, self.owners[key].row, at)
            for (key, person), at in self._uses.items()
        ]
        uses.sort(key=lambda e: (e.identifier, e.person))
        record_uses(uses, source=source)
        return uses
