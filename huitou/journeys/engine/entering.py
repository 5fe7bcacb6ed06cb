"""Lets customers into a launch: audience, re-entry, the draw of arms, and the first place on the way, set-wise."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from huitou.core.clock import Clock
from huitou.core.faultpoints import reach
from huitou.customers.queries import customers_of, members_of
from huitou.experiments.queries import arms_of, find_experiment
from huitou.experiments.services import ExperimentNotRunningError, assign, hold_out
from huitou.journeys import sql
from huitou.journeys.definition import Definition
from huitou.journeys.engine.judging import Matching
from huitou.journeys.engine.versions import definition_of
from huitou.journeys.models import Launch
from huitou.journeys.trigger import Candidate

CONTROL, TREATMENT, HOLDOUT = "control", "treatment", "holdout"


def enter(launch: Launch, candidates: Sequence[Candidate], *, matching: Matching, clock: Clock) -> int:
    """Let in those of the candidates who may, in the caller's transaction; returns how many came in.

    The arm is drawn and recorded before anything is done for anybody. A candidate who is in under the same key is
    passed over, so that whatever found them may tell of them again.
    """
    definition = definition_of(launch.version_id)
    inside = _while_it_ran(launch, [c for c in candidates if _is_open(launch, c)])
    customers = customers_of({c.person_id for c in inside})
    if definition.audience and inside:
        met = matching(definition.audience, sorted(set(customers.values())))
        inside = [c for c in inside if customers[c.person_id] in met]
    inside = _allowed_again(launch, definition, inside, customers)
    if not inside:
        return 0
    arms = _draw_arms(launch, sorted({customers[c.person_id] for c in inside}), clock)
    reach("journeys.drawn")
    inside = [c for c in inside if customers[c.person_id] in arms]
    drawn = [arms[customers[c.person_id]] for c in inside]
    with connection.cursor() as cursor:
        cursor.execute(
            sql.ENTER,
            {
                "launch": launch.pk,
                "version": launch.version_id,
                "reentry": definition.reentry,
                "first": definition.first,
                "persons": [customers[c.person_id] for c in inside],
                "keys": [c.key for c in inside],
                "arms": drawn,
                "acting": [arm not in (CONTROL, HOLDOUT) for arm in drawn],
                "ats": [c.at for c in inside],
                "data": [json.dumps(dict(c.data), ensure_ascii=False) for c in inside],
            },
        )
        return int(cursor.fetchone()[0])


def _is_open(launch: Launch, candidate: Candidate) -> bool:
    return candidate.at >= launch.starts_at and (launch.ends_at is None or candidate.at < launch.ends_at)


def _while_it_ran(launch: Launch, candidates: list[Candidate]) -> list[Candidate]:
    """Without those whose moment lies in a pause: what happened meanwhile lets nobody in, however late it is told."""
    if not candidates:
        return candidates
    first = min(c.at for c in candidates)
    pauses = [(p.began_at, p.ended_at) for p in launch.pauses.filter(ended_at__gt=first) if p.ended_at is not None]
    return [c for c in candidates if not any(began <= c.at < ended for began, ended in pauses)]


def _allowed_again(
    launch: Launch, definition: Definition, candidates: Sequence[Candidate], customers: Mapping[int, int]
) -> list[Candidate]:
    """Who may enter by the re-entry rule, seen over all persons of a customer.

    What happened while a way went on lets nobody in, whenever it is told: a worker that was away takes the first of two
    triggers, and its late steps happen now. So ways never overlap, neither in time nor in what the customer hears.
    """
    ordered = sorted(candidates, key=lambda c: (c.at, c.key))
    if definition.reentry == "always" or not ordered:
        return ordered
    earlier = _earlier_ways(launch, sorted(set(customers.values())))
    allowed: list[Candidate] = []
    taken: set[int] = set()
    for candidate in ordered:
        customer = customers[candidate.person_id]
        if customer in taken:
            continue
        if customer in earlier:
            way = earlier[customer]
            if way.is_inside or definition.reentry == "never":
                continue
            if definition.trigger_kind.tells_when and candidate.at < way.ended_at:
                continue
            if definition.reentry == "after_days" and candidate.at < way.entered_at + timedelta(
                days=definition.reentry_days
            ):
                continue
        taken.add(customer)
        allowed.append(candidate)
    return allowed


@dataclass(frozen=True, slots=True)
class _Earlier:
    """Earlier ways of one customer: whether one goes on, when the last began, when the last that is over ended."""

    is_inside: bool
    entered_at: datetime
    ended_at: datetime


def _earlier_ways(launch: Launch, customers: Sequence[int]) -> dict[int, _Earlier]:
    members = members_of(customers)
    pairs = [(person, customer) for customer, persons in members.items() for person in persons]
    with connection.cursor() as cursor:
        cursor.execute(
            sql.EARLIER_WAYS,
            {"launch": launch.pk, "persons": [p for p, _c in pairs], "customers": [c for _p, c in pairs]},
        )
        return {
            int(customer): _Earlier(bool(inside), entered_at, ended_at or entered_at)
            for customer, inside, entered_at, ended_at in cursor.fetchall()
        }


def _draw_arms(launch: Launch, customers: Sequence[int], clock: Clock) -> dict[int, str]:
    """The arm of every customer: the global holdout first, who are in no comparison, then the launch's own draw.

    Once the comparison is over nobody new is drawn, and who was not is left out: a worker that was away for long finds
    entries of a launch whose result has been read.
    """
    held = hold_out(customers, clock=clock) if launch.holdout else set()
    rest = [customer for customer in customers if customer not in held]
    experiment = find_experiment(launch.experiment) if launch.experiment else None
    arms = dict.fromkeys(held, HOLDOUT)
    if experiment is None:
        return arms | dict.fromkeys(rest, TREATMENT)
    try:
        return arms | (assign(experiment, rest, clock) if rest else {})
    except ExperimentNotRunningError:
        return arms | dict(arms_of(experiment, rest))


def enter_all(launch: Launch, candidates: Sequence[Candidate], *, matching: Matching, clock: Clock) -> int:
    """`enter` in a transaction of its own, unless the launch was paused or stopped meanwhile."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.HOLD_LAUNCH, [launch.pk])
        if cursor.fetchone() is None:
            return 0
        return enter(launch, candidates, matching=matching, clock=clock)
