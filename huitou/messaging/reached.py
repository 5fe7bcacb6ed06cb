"""Who was really reached under which experiment: told to experiments as touches go into the lake."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from huitou.experiments.models import Experiment
from huitou.experiments.services import Reached, record_exposures
from huitou.messaging.models import REACHED_STATES


def note_reached(touches: Iterable[Mapping[str, Any]]) -> int:
    """Record the first touch that reached each customer of a launch; returns how many are new.

    `touches` are rows of fct_touches. In the caller's transaction. A touch counts from when it was delivered, else
    read or clicked, else taken by a provider that tells no more.
    """
    found: dict[str, list[Reached]] = defaultdict(list)
    for touch in touches:
        at = touch["delivered_at"] or touch["read_at"] or touch["clicked_at"] or touch["sent_at"]
        if touch["state"] in REACHED_STATES and at is not None:
            found[touch["source"]].append(Reached(touch["person_id"], at, touch["channel"], touch["touch_id"]))
    experiments = Experiment.objects.filter(key__in=found)
    return sum(record_exposures(experiment, found[experiment.key]) for experiment in experiments)
