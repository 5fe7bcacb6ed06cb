"""The hours of the days by which the example's clock is moved on, for apps where something happens by itself.

An installed app of ours may have a `passing_time.py` with `is_needed()` and `pass_time(home, clock)`. While the clock
is moved on, it is called at every full hour of each day, the highest app first, before what was bought on that day is
brought in: nobody knows at ten what is bought at noon. With `keep_up(home)` it does after those hours what a worker
does now and then, such as telling the lake what happened.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from datetime import datetime, timedelta
from types import ModuleType

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
    """Whether the days have to be gone through one by one."""
    return any(module.is_needed() for module in modules_of_apps("passing_time"))


def pass_hours(start: datetime, until: datetime, *, home: Home) -> None:
    """Let the hours after `start` up to `until` pass. Twice without harm."""
    at = start
    while at < until:
        at = min(at + _HOUR, until)
        for module in modules_of_apps("passing_time"):
            module.pass_time(home=home, clock=FixedClock(at))
        if InboxEvent.objects.filter(pk__gt=0).exists():
            drain(home=home, clock=SystemClock(), patience_seconds=_PATIENCE_SECONDS)
    for module in modules_of_apps("passing_time"):
        if keep_up := getattr(module, "keep_up", None):
            keep_up(home=home)
