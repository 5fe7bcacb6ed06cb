"""The hours of the days by which the example's clock is moved on, for apps where something happens by itself.

An installed app of ours may have a `passing_time.py` with any of these, called the highest app first: `is_needed()`,
whether something waits for its time; then `pass_time(home, clock)` is called at every full hour of each day, before
what was bought on that day is brought in: nobody knows at ten what is bought at noon. `keep_up(home)` does after those
hours what a worker does now and then, such as telling the lake what happened. `counts_days()` says whether something is
counted at each refresh, so that every day needs one of its own.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

from django.apps import apps

from huitou.core.clock import FixedClock, SystemClock
from huitou.core.home import Home
from huitou.sources.consuming.consumer import drain
from huitou.sources.models import InboxEvent

_HOUR = timedelta(hours=1)
_PATIENCE_SECONDS = 60.0


def modules_of_apps(kind: str) -> Iterator[ModuleType]:
    """The modules of that name in our apps, the highest app first."""
    for config in apps.get_app_configs():
        name = f"{config.name}.{kind}"
        if config.name.startswith("huitou.") and importlib.util.find_spec(name) is not None:
            yield importlib.import_module(name)


def is_anything_waiting() -> bool:
    """Whether the days have to be gone through hour by hour."""
    return any(is_needed() for is_needed in _told("is_needed"))


def is_each_day_counted() -> bool:
    """Whether each day needs a refresh of its own."""
    return any(counts_days() for counts_days in _told("counts_days"))


def _told(name: str) -> list[Callable[..., Any]]:
    found = (getattr(module, name, None) for module in modules_of_apps("passing_time"))
    return [each for each in found if each is not None]


def pass_hours(start: datetime, until: datetime, *, home: Home) -> None:
    """Let the hours after `start` up to `until` pass. Twice without harm."""
    at, passing = start, _told("pass_time")
    while at < until:
        at = min(at + _HOUR, until)
        for pass_time in passing:
            pass_time(home=home, clock=FixedClock(at))
        if InboxEvent.objects.filter(pk__gt=0).exists():
            drain(home=home, clock=SystemClock(), patience_seconds=_PATIENCE_SECONDS)
    for keep_up in _told("keep_up"):
        keep_up(home=home)
