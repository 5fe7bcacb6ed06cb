"""What messages cost under an experiment, by the price of each account as it was when they were handed over."""

from __future__ import annotations

from typing import Any

from django.db import connection

from huitou.experiments.costs import Cost, Span
from huitou.experiments.models import HOLDOUT, Experiment
from huitou.messaging import sql


def costs_of(experiment: Experiment, span: Span) -> dict[str, Cost] | None:
    """By arm, in minor units; None where no message was handed over to anybody of the experiment.

    Counts whatever a provider took, in every arm, fallbacks and messages to joined persons included; what it reported
    as failed is not billed, and what was never answered for counts as if it had gone out, and is told apart. A launch
    has its own messages. The global holdout has everybody's, each for as long as the customer is watched, as it is
    what all messages together brought that they are held against.
    """
    asked: dict[str, Any] = {
        "experiment": experiment.pk,
        "until": span.assigned_until,
        "spent_until": span.spent_until,
        "source": experiment.key,
        "days": experiment.window_days,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.HOLDOUT_COSTS if experiment.kind == HOLDOUT else sql.LAUNCH_COSTS, asked)
        found = {str(arm): Cost(int(cost), int(doubtful)) for arm, cost, doubtful in cursor.fetchall()}
    return found or None
