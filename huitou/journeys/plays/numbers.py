"""A launch in numbers, as they stand now: who entered, what was asked for and refused, sent and answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Q

from huitou.experiments.queries import find_experiment
from huitou.journeys.engine.joining import JOINED, JOINED_TO_CONTROL
from huitou.journeys.models import Enrollment, Launch, StaffTask
from huitou.messaging.models import REACHED_STATES, Touch, TouchDecision

_BOUGHT = """
SELECT count(DISTINCT person_id) FROM journeys_enrollment WHERE launch_id = %s AND exit_reason = 'goal'
"""
_LOST = ("failed", "unknown", "expired", "cancelled")
CONTROL, TREATMENT, HOLDOUT = "control", "treatment", "holdout"


@dataclass(frozen=True)
class Numbers:
    """Counts of one launch. `refused` by reason, `lost` by state what was asked for and did not arrive for sure;
    `reached` of `asked` messages went out. `at_goal` counts ways that ended because the customer reached the goal,
    in all arms together: before its end a comparison says nothing.
    """

    entered: int
    inside: int
    arms: Mapping[str, int]
    asked: int
    touches: Mapping[str, int]
    refused: Mapping[str, int]
    waiting: Mapping[str, int]
    sent: int
    delivered: int
    read: int
    clicked: int
    at_goal: int
    exits: Mapping[str, int]
    tasks_open: int
    tasks_done: int

    @property
    def lost(self) -> dict[str, int]:
        """Messages that failed, of which nobody knows, that came too late or were taken back."""
        return {state: count for state in _LOST if (count := self.touches.get(state, 0))}

    @property
    def reached_share(self) -> float | None:
        """Reached of all customers who were to be treated, 0 to 1."""
        treated = self.arms.get(TREATMENT, 0)
        return min(1.0, self.sent / treated) if treated else None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in vars(self).items()}


def numbers_of(launch: Launch) -> Numbers:
    """The launch as it stands."""
    ways = Enrollment.objects.filter(launch=launch)
    # Of customers who were joined on the way, the way that goes on is theirs.
    on = ways.exclude(exit_reason__in=(JOINED, JOINED_TO_CONTROL))
    arms = dict(on.values_list("arm").annotate(n=Count("person", distinct=True)))
    exits = dict(ways.filter(state=Enrollment.ENDED).values_list("exit_reason").annotate(n=Count("pk")))
    touches = Touch.objects.filter(source=f"launch:{launch.pk}", parent=None)
    states = dict(touches.values_list("state").annotate(n=Count("pk")))
    family = Touch.objects.filter(source=f"launch:{launch.pk}")
    times = family.aggregate(
        sent=Count("pk", filter=Q(state__in=REACHED_STATES)),
        delivered=Count("pk", filter=Q(delivered_at__isnull=False)),
        read=Count("pk", filter=Q(read_at__isnull=False)),
        clicked=Count("pk", filter=Q(clicked_at__isnull=False)),
    )
    waiting = dict(family.filter(state__in=("planned", "waiting")).values_list("reason").annotate(n=Count("pk")))
    tasks = dict(StaffTask.objects.filter(launch=launch).values_list("state").annotate(n=Count("pk")))
    with connection.cursor() as cursor:
        cursor.execute(_BOUGHT, [launch.pk])
        at_goal = int(cursor.fetchone()[0])
    return Numbers(
        entered=ways.count(),
        inside=ways.filter(state=Enrollment.ACTIVE).count(),
        arms=arms,
        asked=sum(states.values()),
        touches=states,
        refused=refusals_of(launch),
        waiting=waiting,
        at_goal=at_goal,
        exits=exits,
        tasks_open=tasks.get(StaffTask.OPEN, 0),
        tasks_done=tasks.get(StaffTask.DONE, 0),
        **times,
    )


def refusals_of(launch: Launch) -> dict[str, int]:
    """Messages of the launch that the governor refused, by reason, the commonest first."""
    rows = (
        TouchDecision.objects.filter(touch__source=f"launch:{launch.pk}", verdict="no")
        .values_list("reason")
        .annotate(n=Count("touch", distinct=True))
    )
    return dict(sorted(rows, key=lambda row: (-row[1], row[0])))


def result_on(launch: Launch) -> datetime | None:
    """When its comparison ends and a verdict is given."""
    experiment = find_experiment(launch.experiment) if launch.experiment else None
    return experiment.ends_at if experiment else None
