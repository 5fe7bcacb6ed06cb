"""What experiments know of a person: which arm it drew. Numbers only, so there is nothing to erase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from huitou.customers.identifier_kind import Key
from huitou.experiments.models import Assignment, Exposure

IMPERSONAL = {
    "Experiment": "terms of a comparison, in the operator's words",
    "Assignment": "numbers of persons and what they drew; results do not move when somebody is erased",
    "Exposure": "numbers of persons and of touches",
    "HoldoutShare": "a setting",
    "Margin": "a setting",
}


def export(person_ids: Sequence[int], identifiers: Sequence[Key]) -> dict[str, Any]:
    """The arms drawn and the touches that reached the person under them, oldest first."""
    rows = Assignment.objects.filter(person_id__in=person_ids).select_related("experiment").order_by("at", "pk")
    return {
        "experiment_arms": [
            {"experiment": row.experiment.key, "person_id": row.person_id, "arm": row.arm, "at": row.at.isoformat()}
            for row in rows
        ],
        "experiment_exposures": [
            {
                "experiment": row.experiment.key,
                "person_id": row.person_id,
                "at": row.at.isoformat(),
                "touch": row.touch_id,
            }
            for row in Exposure.objects.filter(person_id__in=person_ids).select_related("experiment").order_by("at")
        ],
    }
