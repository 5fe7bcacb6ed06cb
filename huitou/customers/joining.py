"""Persons to customers: evidence weighed by rule, merges and their undoing by hand. Identifiers and facts never move.

A merge is a recorded link between two persons; a customer is all persons that active merges connect, under the
smallest of their ids. Merges are only made between different customers, so they form a forest: ending one divides its
customer in exactly two. Undoing leaves a barrier, so that what brought the two together does not do so again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.customers.groups import Groups
from huitou.customers.identifier_kind import IDENTIFIER_KINDS, Key, account_kinds
from huitou.customers.models import Barrier, Merge, Person, ReviewCase
from huitou.customers.sql import joins as sql
from huitou.customers.sql import sightings

MANUAL = "manual"


class CustomerUnknownError(DomainError):
    """There is no such customer."""

    code = "customer_unknown"
    status = 404


class CannotMergeError(DomainError):
    """These two cannot become one customer."""

    code = "cannot_merge"
    status = 409


class CannotUnmergeError(DomainError):
    """There is no such merge, or it was undone before."""

    code = "cannot_unmerge"
    status = 409


@dataclass(frozen=True)
class Evidence:
    """A person was seen with an identifier that another person owns; `identifier` is its row."""

    person: int
    owner: int
    key: Key
    identifier: int
    at: datetime
    # Feed or file of that fact, where it is not the one at hand.
    source: str = ""


def record_uses(evidence: Sequence[Evidence], *, source: str) -> None:
    """Note with whom identifiers were seen besides their owners; in the caller's transaction."""
    if evidence:
        rows = zip(*((e.identifier, e.person, e.at) for e in evidence), strict=True)
        with connection.cursor() as cursor:
            cursor.execute(sightings.INSERT_USES, [source[:100], *map(list, rows)])


def weigh(evidence: Sequence[Evidence], *, source: str, clock: Clock) -> int:
    """Join customers whose persons were seen with one identifier, where no rule is against it; returns how many.

    In the caller's transaction, which holds the resolution lock. Stronger kinds are weighed first, then earlier
    facts. An identifier on too many accounts joins nobody; different accounts of one place, or a barrier, keep apart.
    Where it parts a customer, whatever else was seen of its persons is weighed again.
    """
    if not evidence:
        return 0
    stopped, parted = _stop_shared({e.identifier for e in evidence}, source=source, clock=clock)
    evidence = [*evidence, *_uses_of(parted)]
    groups = Groups.load(person for e in evidence for person in (e.person, e.owner))
    merges: list[tuple[int, int, Evidence]] = []
    cases: list[tuple[int, int, Evidence, list[tuple[str, str]]]] = []
    for found in sorted(evidence, key=_by_weight):
        a, b = sorted((found.person, found.owner))
        if found.identifier in stopped or groups.customer_of(a) == groups.customer_of(b) or groups.are_barred(a, b):
            continue
        if clashes := groups.clashes(a, b):
            cases.append((a, b, found, clashes))
            continue
        groups.join(a, b)
        merges.append((a, b, found))
    _save_merges(merges, groups, source=source, clock=clock)
    _save_cases(cases, source=source, clock=clock)
    return len(merges)


def _by_weight(found: Evidence) -> tuple[int, datetime, int, int, Key]:
    strength = IDENTIFIER_KINDS[found.key[0]].strength
    return -strength, found.at, min(found.person, found.owner), max(found.person, found.owner), found.key


def _stop_shared(identifiers: set[int], *, source: str, clock: Clock) -> tuple[set[int], set[int]]:
    """Identifiers among these that are on too many accounts now join nobody; what they had joined comes apart.

    Returns them, and all persons of the customers that came apart.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            sql.STOP_SHARED,
            {
                "identifiers": sorted(identifiers),
                "accounts": account_kinds(),
                "limit": settings.SHARED_IDENTIFIER_ACCOUNTS,
                "now": clock.now(),
            },
        )
        stopped = {int(row): int(person) for row, person in cursor.fetchall()}
    if not stopped:
        return set(), set()
    ended = list(Merge.objects.filter(identifier__in=stopped, ended_at=None).exclude(rule=MANUAL))
    Merge.objects.filter(pk__in=[m.pk for m in ended]).update(
        ended_at=clock.now(), ended_label=source, end_reason="stopped"
    )
    parted = rebuild_links({p for m in ended for p in (m.person_a_id, m.person_b_id)})
    rows = [("shared", person, None, row, json.dumps([]), None, source) for row, person in sorted(stopped.items())]
    _insert_cases(rows, clock=clock)
    record_audit(
        action="customers.identifiers_stopped",
        clock=clock,
        actor_label=source or "intake",
        count=len(stopped),
        detail={"merges_ended": len(ended)},
    )
    return set(stopped), parted


def _uses_of(persons: set[int]) -> list[Evidence]:
    """All evidence about these persons that may still join: some was left aside because they were one customer."""
    if not persons:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql.USES_OF, {"persons": sorted(persons)})
        return [
            Evidence(person, owner, (kind, place, value), identifier, at, source)
            for person, owner, kind, place, value, identifier, at, source in cursor.fetchall()
            if kind in IDENTIFIER_KINDS
        ]


def _save_merges(merges: list[tuple[int, int, Evidence]], groups: Groups, *, source: str, clock: Clock) -> None:
    if not merges:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            sql.INSERT_MERGES,
            {
                "a": [a for a, _b, _e in merges],
                "b": [b for _a, b, _e in merges],
                "rule": [e.key[0] for _a, _b, e in merges],
                "identifier": [e.identifier for _a, _b, e in merges],
                "seen_at": [e.at for _a, _b, e in merges],
                "source": [(e.source or source)[:100] for _a, _b, e in merges],
                "now": clock.now(),
            },
        )
        customers = {groups.customer_of(a) for a, _b, _e in merges}
        links = sorted((p, c) for c in customers for p in groups.members[c] if p != c)
        cursor.execute(sql.INSERT_LINKS, [list(column) for column in zip(*links, strict=True)])
    record_audit(
        action="customers.merged",
        clock=clock,
        actor_label=source or "intake",
        count=len(merges),
        detail={"rules": sorted({e.key[0] for _a, _b, e in merges})},
    )


def _save_cases(cases: list[tuple[int, int, Evidence, list[tuple[str, str]]]], *, source: str, clock: Clock) -> None:
    rows = [
        ("conflict", a, b, e.identifier, json.dumps(clashes), e.at, e.source or source) for a, b, e, clashes in cases
    ]
    _insert_cases(rows, clock=clock)


def _insert_cases(rows: Sequence[tuple[Any, ...]], *, clock: Clock) -> None:
    if rows:
        columns = dict(
            zip(
                ("reason", "a", "b", "identifier", "clashes", "seen_at", "source"),
                map(list, zip(*rows, strict=True)),
                strict=True,
            )
        )
        with connection.cursor() as cursor:
            cursor.execute(sql.INSERT_CASES, columns | {"now": clock.now()})


def rebuild_links(person_ids: Iterable[int]) -> set[int]:
    """Make the links of every person connected to these follow the active merges; returns those persons.

    In the caller's transaction.
    """
    seeds = sorted(set(person_ids))
    if not seeds:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(sql.COMPONENTS, [seeds])
        found = sorted((int(person), int(customer)) for person, customer in cursor.fetchall())
        cursor.execute(sql.DELETE_LINKS, [[person for person, _customer in found]])
        links = [(person, customer) for person, customer in found if person != customer]
        if links:
            cursor.execute(sql.INSERT_LINKS, [list(column) for column in zip(*links, strict=True)])
    return {person for person, _customer in found}


def merge_customers(
    *,
    person_a: int,
    person_b: int,
    clock: Clock,
    note: str = "",
    actor: User | None = None,
    actor_label: str = "cli",
) -> Merge:
    """Make the customers of two persons one, because somebody says so: conflicts are overruled, barriers lifted.

    Raises CustomerUnknownError, or CannotMergeError where the two are one already or one of them was erased.
    """
    with transaction.atomic():
        _lock()
        a, b = sorted((person_a, person_b))
        _check_persons(a, b)
        groups = Groups.load((a, b))
        ours, theirs = (groups.members[groups.customer_of(person)] for person in (a, b))
        if ours is theirs:
            raise CannotMergeError(_("#%(a)s and #%(b)s are one customer already.") % {"a": person_a, "b": person_b})
        merge = Merge.objects.create(
            person_a_id=a,
            person_b_id=b,
            rule=MANUAL,
            note=note[:200],
            at=clock.now(),
            actor=actor,
            actor_label=actor.get_username() if actor else actor_label,
        )
        between = _between(ours, theirs)
        lifted = Barrier.objects.filter(between, lifted_at=None).update(lifted_at=clock.now())
        _resolve_cases(ours, theirs, "merged", clock=clock, actor=actor)
        rebuild_links((a, b))
        record_audit(
            action="customer.merged",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=f"#{a} #{b}",
            detail={"merge": merge.pk, "barriers_lifted": lifted},
        )
    return merge


def undo_merge(*, merge_id: int, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> Merge:
    """End one merge: its customer divides into the two that it joined, and no rule joins them again.

    Other merges stay; what was recorded meanwhile is with the person whose identifier it bore. Raises
    CannotUnmergeError where there is no such merge or it has ended.
    """
    with transaction.atomic():
        _lock()
        merge = Merge.objects.filter(pk=merge_id).first()
        if merge is None or merge.ended_at is not None:
            raise CannotUnmergeError(
                _("There is no merge %(id)s in force; huitou customers show lists those of a customer.")
                % {"id": merge_id}
            )
        merge.ended_at, merge.end_reason, merge.ended_by = clock.now(), "undone", actor
        merge.ended_label = actor.get_username() if actor else actor_label
        merge.save(update_fields=["ended_at", "end_reason", "ended_by", "ended_label"])
        _bar(merge.person_a_id, merge.person_b_id, clock=clock, actor=actor, actor_label=actor_label)
        rebuild_links((merge.person_a_id, merge.person_b_id))
        record_audit(
            action="customer.unmerged",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=f"#{merge.person_a_id} #{merge.person_b_id}",
            detail={"merge": merge.pk, "rule": merge.rule},
        )
    return merge


def keep_apart(
    *, person_a: int, person_b: int, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> None:
    """Decide that two persons are two customers: no rule joins them until a manual merge. Twice is once.

    Raises CustomerUnknownError, or CannotMergeError where they are one customer: that merge must be undone.
    """
    with transaction.atomic():
        _lock()
        a, b = sorted((person_a, person_b))
        _check_persons(a, b)
        groups = Groups.load((a, b))
        if groups.customer_of(a) == groups.customer_of(b):
            raise CannotMergeError(
                _("#%(a)s and #%(b)s are one customer; undo their merge instead.") % {"a": person_a, "b": person_b}
            )
        _resolve_cases([a], [b], "kept", clock=clock, actor=actor)
        if _bar(a, b, clock=clock, actor=actor, actor_label=actor_label):
            record_audit(
                action="customer.kept_apart", clock=clock, actor=actor, actor_label=actor_label, target=f"#{a} #{b}"
            )


def close_case(*, case_id: int, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> None:
    """Take note of a shared identifier, so that it leaves the list. Twice is once."""
    with transaction.atomic():
        closed = ReviewCase.objects.filter(pk=case_id, resolved_at=None, reason="shared").update(
            resolution="seen", resolved_at=clock.now(), resolved_by=actor
        )
        if closed:
            record_audit(
                action="customers.case_closed", clock=clock, actor=actor, actor_label=actor_label, target=f"#{case_id}"
            )


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute(sightings.LOCK)


def _check_persons(*person_ids: int) -> None:
    found = dict(Person.objects.filter(pk__in=person_ids).values_list("pk", "erased_at"))
    for person_id in person_ids:
        if person_id not in found:
            raise CustomerUnknownError(_("There is no customer #%(id)s.") % {"id": person_id})
        if found[person_id] is not None:
            raise CannotMergeError(_("#%(id)s was erased and can no longer be joined.") % {"id": person_id})


def _bar(a: int, b: int, *, clock: Clock, actor: User | None, actor_label: str) -> bool:
    """Put a barrier between two persons, given in order; returns whether it is new."""
    _barrier, made = Barrier.objects.get_or_create(
        person_a_id=a,
        person_b_id=b,
        lifted_at=None,
        defaults={
            "at": clock.now(),
            "actor": actor,
            "actor_label": actor.get_username() if actor else actor_label,
        },
    )
    return made


def _between(ours: Sequence[int], theirs: Sequence[int]) -> Q:
    """Rows about a person of one side and a person of the other."""
    return Q(person_a__in=ours, person_b__in=theirs) | Q(person_a__in=theirs, person_b__in=ours)


def _resolve_cases(
    ours: Sequence[int], theirs: Sequence[int], resolution: str, *, clock: Clock, actor: User | None
) -> None:
    ReviewCase.objects.filter(_between(ours, theirs), resolved_at=None).update(
        resolution=resolution, resolved_at=clock.now(), resolved_by=actor
    )
