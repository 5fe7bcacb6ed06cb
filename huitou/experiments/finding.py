"""Which experiments there are, which arm a customer has, and who is held out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from huitou.accounts.queries import get_brand
from huitou.core.errors import DomainError
from huitou.experiments import sql
from huitou.experiments.holdout import Quarter, quarter_of
from huitou.experiments.models import CONTROL, Assignment, Experiment


class ExperimentUnknownError(DomainError):
    """There is no experiment of that key."""

    code = "experiment_unknown"
    status = 404


@dataclass(frozen=True)
class CustomerArm:
    """One customer's arm in one experiment, and since when; the earliest of its persons counts."""

    experiment: Experiment
    arm: str
    at: datetime


def list_experiments() -> QuerySet[Experiment]:
    """Every experiment, the newest first."""
    return Experiment.objects.order_by("-starts_at", "-pk")


def find_experiment(key: str) -> Experiment | None:
    """The experiment of that key."""
    return Experiment.objects.filter(key=key).first()


def get_experiment(key: str) -> Experiment:
    """The experiment of that key; raises ExperimentUnknownError."""
    found = find_experiment(key)
    if found is None:
        raise ExperimentUnknownError(
            _("There is no experiment %(key)s; huitou experiments list shows them.") % {"key": key}
        )
    return found


def arms_of(experiment: Experiment, customer_ids: Collection[int]) -> dict[int, str]:
    """The recorded arm by customer, as numbered in the question; whoever has none is left out."""
    given = _canonical(customer_ids)
    with connection.cursor() as cursor:
        cursor.execute(sql.RECORDED, {"experiment": experiment.pk, "customers": list(given)})
        arms = {int(customer): str(arm) for customer, arm, _at in cursor.fetchall()}
    return {asked: arms[customer] for asked, customer in given.items() if customer in arms}


def held_out(customer_ids: Collection[int], at: datetime) -> set[int]:
    """Of these customers those whom nobody may contact at `at`: the global holdout of that quarter.

    Set-wise, one statement. Asking records nothing: `services.hold_out` is for whoever is about to contact.
    """
    quarter = current_quarter(at)
    known = find_experiment(quarter.key)
    section = known.sections[0] if known else quarter.held
    given = _canonical(customer_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.IN_ARM,
            {
                "experiment": known.pk if known else 0,
                "customers": list(given),
                "salt": quarter.key,
                "arm": CONTROL,
                "low": section.low,
                "high": section.high,
            },
        )
        held = {int(row[0]) for row in cursor.fetchall()}
    return {asked for asked, customer in given.items() if customer in held}


def current_quarter(at: datetime) -> Quarter:
    """The holdout's quarter at an instant, in the brand's zone."""
    return quarter_of(at, get_brand().tz)


def arms_of_customer(person_ids: Collection[int]) -> list[CustomerArm]:
    """The arms of one customer, given all its persons: one for each experiment, the newest first."""
    rows = Assignment.objects.filter(person_id__in=list(person_ids)).select_related("experiment")
    first: dict[int, CustomerArm] = {}
    for row in rows.order_by("at", "pk"):
        first.setdefault(row.experiment_id, CustomerArm(row.experiment, row.arm, row.at))
    return sorted(first.values(), key=lambda found: found.at, reverse=True)


def count_by_arm(experiment: Experiment) -> Mapping[str, int]:
    """How many persons were assigned to each arm; arms that drew nobody stand with 0."""
    with connection.cursor() as cursor:
        cursor.execute(sql.ARM_COUNTS, {"experiment": experiment.pk})
        counts = {str(arm): int(count) for arm, count in cursor.fetchall()}
    return {arm.code: counts.get(arm.code, 0) for arm in experiment.shares}


def _canonical(customer_ids: Collection[int]) -> dict[int, int]:
    """The customers that these numbers belong to now."""
    with connection.cursor() as cursor:
        cursor.execute(sql.CANONICAL, {"customers": list(customer_ids)})
        return {int(asked): int(customer) for asked, customer in cursor.fetchall()}
