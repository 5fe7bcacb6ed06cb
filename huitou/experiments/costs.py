"""What a treatment cost, as higher apps know it: an installed app may have `experiment_costs.py` with `cost_of`."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from functools import cache

from django.apps import apps

from huitou.experiments.models import Experiment

# Cost in minor units up to the experiment's end; None from an app that knows nothing of the experiment.
Costing = Callable[[Experiment], int | None]


def cost_of(experiment: Experiment) -> int | None:
    """The sum of what the apps know; None where none of them knows anything."""
    told = [cost for costing in _costings() if (cost := costing(experiment)) is not None]
    return sum(told) if told else None


@cache
def _costings() -> tuple[Costing, ...]:
    return tuple(_find())


def _find() -> Iterator[Costing]:
    for config in apps.get_app_configs():
        name = f"{config.name}.experiment_costs"
        if config.name.startswith("huitou.") and importlib.util.find_spec(name) is not None:
            yield importlib.import_module(name).cost_of
