"""Reads of journeys, launches, ways and staff tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from huitou.customers.queries import persons_of
from huitou.journeys.models import Enrollment, Journey, JourneyVersion, Launch, StaffTask
from huitou.journeys.services import JourneyUnknownError


def list_journeys(*, archived: bool = False) -> QuerySet[Journey]:
    """Journeys by title; those that were put away only where asked for."""
    found = Journey.objects.order_by("title", "pk")
    return found if archived else found.filter(archived_at=None)


def get_journey(name: str) -> Journey:
    """The journey of that name. Raises JourneyUnknownError."""
    found = Journey.objects.filter(name=name).first()
    if found is None:
        raise JourneyUnknownError(_("There is no journey %(name)s.") % {"name": name})
    return found


def newest_version(journey: Journey) -> JourneyVersion:
    """The draft where there is one, else the last live version: what an editor opens."""
    found = journey.versions.order_by("-number").first()
    assert found is not None, "a journey is made with a draft"
    return found


def live_version(journey: Journey) -> JourneyVersion | None:
    """The newest live version."""
    return journey.versions.filter(state=JourneyVersion.LIVE).order_by("-number").first()


def get_version(journey: Journey, number: int) -> JourneyVersion:
    """A version by its number. Raises JourneyUnknownError."""
    found = journey.versions.filter(number=number).first()
    if found is None:
        values = {"name": journey.name, "number": number}
        raise JourneyUnknownError(_("Journey %(name)s has no version %(number)s.") % values)
    return found


def list_launches(journey: Journey | None = None) -> QuerySet[Launch]:
    """Launches, the newest first."""
    found = Launch.objects.select_related("version__journey").order_by("-starts_at", "-pk")
    return found if journey is None else found.filter(version__journey=journey)


def get_launch(launch_id: int) -> Launch:
    """The launch of that number. Raises JourneyUnknownError."""
    found = Launch.objects.select_related("version__journey").filter(pk=launch_id).first()
    if found is None:
        raise JourneyUnknownError(_("There is no launch %(id)s.") % {"id": launch_id})
    return found


@dataclass(frozen=True)
class StepCount:
    """How many customers are at a step now, and how many came to it ever."""

    here: int = 0
    came: int = 0


def counts_by_step(version: JourneyVersion, launch: Launch | None = None) -> Mapping[str, StepCount]:
    """Live counts of each step over the launches of a version, or over one launch."""
    ways = Enrollment.objects.filter(version=version)
    if launch is not None:
        ways = ways.filter(launch=launch)
    here = dict(ways.filter(state="active").values_list("step").annotate(n=Count("pk")))
    came = dict(ways.filter(transitions__to_step__gt="").values_list("transitions__to_step").annotate(n=Count("pk")))
    return {step: StepCount(here.get(step, 0), came.get(step, 0)) for step in {*here, *came}}


@dataclass(frozen=True)
class LaunchCounts:
    """Customers of a launch: who came in by arm, who is inside, how the others left."""

    entered: int
    active: int
    by_arm: Mapping[str, int]
    by_exit: Mapping[str, int]


def launch_counts(launch: Launch) -> LaunchCounts:
    """How a launch stands now."""
    rows = launch.enrollments.values_list("arm", "state", "exit_reason").annotate(n=Count("pk"))
    by_arm: dict[str, int] = {}
    by_exit: dict[str, int] = {}
    active = 0
    for arm, state, reason, count in rows:
        by_arm[arm] = by_arm.get(arm, 0) + count
        if state == "active":
            active += count
        else:
            by_exit[reason] = by_exit.get(reason, 0) + count
    return LaunchCounts(sum(by_arm.values()), active, by_arm, by_exit)


def ways_of(person_id: int) -> list[Enrollment]:
    """Every way of the person's customer, the newest first."""
    found = Enrollment.objects.filter(person_id__in=persons_of(person_id)).select_related("launch__version__journey")
    return list(found.order_by("-entered_at", "-pk"))


def tasks_of(person_id: int) -> list[StaffTask]:
    """Every task about the person's customer, open ones first."""
    found = StaffTask.objects.filter(person_id__in=persons_of(person_id)).select_related("assignee")
    return sorted(found, key=lambda task: (task.state != StaffTask.OPEN, -task.due_at.timestamp()))


def list_tasks(
    *, now: datetime, assignee_id: int | None = None, which: str = "open", kinds: Sequence[str] = ()
) -> QuerySet[StaffTask]:
    """Staff tasks: `which` is open (the most overdue first), snoozed or done; with `assignee_id` one person's own."""
    found = StaffTask.objects.select_related("launch__version__journey", "assignee", "person")
    if assignee_id is not None:
        found = found.filter(assignee_id=assignee_id)
    if kinds:
        found = found.filter(kind__in=list(kinds))
    if which == "open":
        awake = Q(snoozed_until=None) | Q(snoozed_until__lte=now)
        return found.filter(awake, state=StaffTask.OPEN).order_by("due_at", "pk")
    if which == "snoozed":
        return found.filter(state=StaffTask.OPEN, snoozed_until__gt=now).order_by("snoozed_until", "pk")
    return found.exclude(state=StaffTask.OPEN).order_by("-finished_at", "-pk")


def get_task(task_id: int) -> StaffTask | None:
    """The task of that number."""
    return StaffTask.objects.select_related("launch__version__journey", "assignee", "person").filter(pk=task_id).first()
