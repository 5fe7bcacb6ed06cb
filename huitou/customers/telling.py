"""What persons told about themselves and decided: traits, milestones, consent, and what first brought them here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from huitou.core.clock import Clock
from huitou.customers.groups import customers_of, members_of
from huitou.customers.milestone_kinds import MilestoneRefusedError, find_milestone, read_milestone
from huitou.customers.models import Acquisition
from huitou.customers.normalizing import fold, storable
from huitou.customers.sql import told as sql

NAME, PHONE = "$name", "$phone"
_LONGEST_NAME, _LONGEST_VALUE = 100, 2000
_EVERY = "*"


@dataclass(frozen=True)
class TraitReport:
    """What one person told at one time; empty texts tell nothing, None among the attributes takes one back."""

    person_id: int
    at: datetime
    display_name: str
    phone: str
    attributes: Mapping[str, object]


@dataclass(frozen=True)
class ConsentDecision:
    """One decision; a withdrawal may be of every channel or purpose (`*`)."""

    person_id: int
    channel: str
    purpose: str
    granted: bool
    at: datetime
    source: str
    text_version: str


@dataclass(frozen=True)
class AcquisitionReport:
    """What brought a person here; `kind` is one of Acquisition.KINDS."""

    person_id: int
    at: datetime
    kind: str
    code: str
    campaign: str
    inviter_person_id: int | None = None
    source: str = ""


@dataclass(frozen=True)
class Problem:
    """Something that could not be taken: of whom, which, what was given, and why, in the reader's language.

    `place` is the position of the report or decision among those that were handed over.
    """

    place: int
    person_id: int
    name: str
    value: str
    reason: str


def record_traits(*, traits: Sequence[TraitReport], source: str, clock: Clock) -> list[Problem]:
    """Take over what persons told, in the caller's transaction; returns what was refused.

    Of every attribute the latest report counts, in whatever order reports come. Attributes that are milestones are
    read into their type and kept with their history.
    """
    told: list[tuple[int, str, str, int]] = []
    reached: list[tuple[int, str, str, datetime]] = []
    problems: list[Problem] = []
    today = clock.now().date()
    for place, report in enumerate(traits):
        at = epoch_microseconds(report.at)
        for name, text in ((NAME, report.display_name), (PHONE, report.phone)):
            if text.strip():
                told.append((report.person_id, name, _json(text.strip()[: 200 if name == NAME else 40]), at))
        for name, value in report.attributes.items():
            milestone = find_milestone(name)
            if milestone is None:
                _keep(told, problems, place, report, name, value)
            elif value is not None and str(value).strip():
                try:
                    kept = read_milestone(milestone, value, today)
                except MilestoneRefusedError as refused:
                    problems.append(Problem(place, report.person_id, name, str(value)[:100], str(refused)))
                else:
                    reached.append((report.person_id, milestone.kind, kept, report.at))
    with transaction.atomic():
        alive = _lock_persons({row[0] for row in told} | {row[0] for row in reached})
        _run(sql.UPDATE_TRAITS, [], [row for row in told if row[0] in alive])
        _run(sql.INSERT_MILESTONES, [source[:100], clock.now()], sorted(row for row in reached if row[0] in alive))
    return problems


def _keep(
    told: list[tuple[int, str, str, int]],
    problems: list[Problem],
    place: int,
    report: TraitReport,
    name: str,
    value: object,
) -> None:
    """Note an attribute, or the reason why it cannot be one."""
    text = _json(value)
    if not 0 < len(name) <= _LONGEST_NAME or name.startswith("$") or name != storable(name):
        reason = _("is not a name for an attribute")
    elif len(text) > _LONGEST_VALUE:
        reason = _("is longer than %(limit)s characters") % {"limit": _LONGEST_VALUE}
    elif isinstance(value, float) and not isfinite(value):
        reason = _("is neither text nor number")
    elif value in (None, "") or isinstance(value, str | int | float | bool | list | dict):
        told.append((report.person_id, name, "null" if value == "" else text, epoch_microseconds(report.at)))
        return
    else:
        reason = _("is neither text nor number")
    problems.append(Problem(place, report.person_id, name[:100], text[:100], reason))


def _json(value: object) -> str:
    """The value as JSON that PostgreSQL can keep."""
    return json.dumps(_storable(value), ensure_ascii=False, default=str)


def _storable(value: object) -> object:
    if isinstance(value, dict):
        return {storable(str(name)): _storable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(inner) for inner in value]
    return storable(value) if isinstance(value, str) else value


def record_consents(*, decisions: Sequence[ConsentDecision], clock: Clock) -> list[Problem]:
    """Add decisions to the history, in the caller's transaction; twice is once. Returns what was refused.

    A decision is the customer's, and outlives the undoing of a join: a withdrawal is kept with every person of the
    customer, a grant with the person it came from and with those who had withdrawn it.
    """
    rows, problems = [], []
    for place, d in enumerate(decisions):
        channel, purpose = fold(d.channel).lower()[:30], fold(d.purpose).lower()[:30]
        if not channel or not purpose or (d.granted and _EVERY in (channel, purpose)):
            reason = _("a decision names its channel and its purpose; only a withdrawal may be of all (*)")
            problems.append(Problem(place, d.person_id, "consent", f"{channel}/{purpose}", reason))
            continue
        rows.append((d.person_id, channel, purpose, d.granted, d.at, d.source[:100], storable(d.text_version)[:100]))
    with transaction.atomic():
        together = _together(row[0] for row in rows)
        alive = _lock_persons(person for persons in together.values() for person in persons)
        told = sorted(
            (person, *row[1:], person == row[0]) for row in rows for person in together[row[0]] if person in alive
        )
        # Withdrawals first: what the grants of the same batch lift has to be there.
        _run(sql.INSERT_CONSENTS, [clock.now()], [row for row in told if not row[3]])
        _run(sql.INSERT_CONSENTS, [clock.now()], [row for row in told if row[3]])
    return problems


def _together(person_ids: Iterable[int]) -> dict[int, list[int]]:
    """Every person of each person's customer."""
    customers = customers_of(person_ids)
    members = members_of(customers.values())
    return {person: members[customer] for person, customer in customers.items()}


def record_acquisitions(*, reports: Sequence[AcquisitionReport], clock: Clock) -> list[Problem]:
    """Keep what first brought each person here: the earliest report counts. Returns what was refused."""
    known = dict(Acquisition.KINDS)
    rows, problems = [], []
    for place, r in enumerate(reports):
        if r.kind not in known:
            reason = _("is none of %(known)s") % {"known": ", ".join(known)}
            problems.append(Problem(place, r.person_id, "acquisition", r.kind[:100], reason))
            continue
        inviter = r.inviter_person_id if r.inviter_person_id != r.person_id else None
        # An inviter's number is personal of somebody else: that person stands beside, and can be erased.
        code = "" if r.kind == "inviter" else storable(r.code)[:100]
        campaign = storable(r.campaign)[:100]
        rows.append((r.person_id, r.at, r.kind, code, campaign, inviter, r.source[:100]))
    with transaction.atomic():
        alive = _lock_persons(row[0] for row in rows)
        _run(sql.UPSERT_ACQUISITIONS, [clock.now()], [row for row in rows if row[0] in alive])
    return problems


def epoch_microseconds(at: datetime) -> int:
    """When something was told, as it is kept beside a person's traits."""
    delta = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def _lock_persons(person_ids: Iterable[int]) -> set[int]:
    """Lock those persons until the transaction ends; returns those who were not erased."""
    wanted = sorted(set(person_ids))
    if not wanted:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(sql.LOCK_PERSONS, [wanted])
        return {int(row[0]) for row in cursor.fetchall()}


def _run(statement: str, first: list[Any], rows: Sequence[tuple[Any, ...]]) -> None:
    """Run a statement over rows, given column by column."""
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(statement, [*first, *map(list, zip(*rows, strict=True))])
