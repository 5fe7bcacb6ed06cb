"""Who was really reached under which experiment: told to experiments as touches go into the lake."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from huitou.experiments.models import Experiment
from huitou.experiments.services import Reached, record_exposures
from huitou.messaging.models import REACHED_STATES, SENT, WELCOME_STEP
from huitou.messaging.recalling import kinds_that_take_back


def has_reached(state: str, channel: str | None, step: str) -> bool:
    """Whether a touch has reached its customer, as far as its channel ever tells.

    What a provider took counts where it tells no more than that. It does not where somebody there has to confirm it
    first, and it could still be taken back; a welcome is an answer, which nobody has to confirm.
    """
    if state == SENT and step != WELCOME_STEP:
        return channel not in kinds_that_take_back()
    return state in REACHED_STATES


def note_reached(touches: Iterable[Mapping[str, Any]]) -> int:
    """Record the first touch that reached each customer of a launch; returns how many are new.

    `touches` are rows of fct_touches. In the caller's transaction. A touch counts from when it was delivered, else
    read or clicked, else taken by a provider that tells no more.
    """
    found: dict[str, list[Reached]] = defaultdict(list)
    for touch in touches:
        at = touch["delivered_at"] or touch["read_at"] or touch["clicked_at"] or touch["sent_at"]
        if at is not None and has_reached(touch["state"], touch["channel"], touch["step"]):
            found[touch["source"]].append(Reached(touch["person_id"], at, touch["channel"], touch["touch_id"]))
    experiments = Experiment.objects.filter(key__in=found)
    return sum(record_exposures(experiment, found[experiment.key]) for experiment in experiments)
