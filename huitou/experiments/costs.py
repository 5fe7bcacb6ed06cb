"""What a treatment cost, as higher apps know it: an installed app may have `experiment_costs.py` with `costs_of`."""

from __future__ import annotations

import importlib
import importlib.util
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.apps import apps

from huitou.experiments.models import Experiment


@dataclass(frozen=True)
class Cost:
    """Spent on customers, in minor units; `doubtful_minor` is the part of it of which nobody knows whether it was."""

    minor: int = 0
    doubtful_minor: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.minor + other.minor, self.doubtful_minor + other.doubtful_minor)


@dataclass(frozen=True)
class Span:
    """Which costs: on customers who were assigned up to `assigned_until`, spent up to `spent_until`, both included."""

    assigned_until: datetime
    spent_until: datetime


# Cost by arm of the customers as they stand now, arms without any left out; None: knows nothing of the experiment.
Costing = Callable[[Experiment, Span], Mapping[str, Cost] | None]


def costs_of(experiment: Experiment, span: Span) -> dict[str, Cost] | None:
    """The sums by arm of what the apps know, every arm named; None where none of them knows anything."""
    told = [costs for costing in _costings() if (costs := costing(experiment, span)) is not None]
    if not told:
        return None
    found: dict[str, Cost] = defaultdict(Cost)
    for costs in told:
        for arm, cost in costs.items():
            found[arm] += cost
    return {arm.code: found[arm.code] for arm in experiment.shares}


@cache
def _costings() -> tuple[Costing, ...]:
    return tuple(_find())


def _find() -> Iterator[Costing]:
    for config in apps.get_app_configs():
        name = f"{config.name}.experiment_costs"
        if config.name.startswith("huitou.") and importlib.util.find_spec(name) is not None:
            yield importlib.import_module(name).costs_of
