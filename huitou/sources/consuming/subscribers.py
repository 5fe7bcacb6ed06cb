"""What higher apps do with the events of a batch: `take(batch)` in an installed app's `event_subscriber.py`.

It is called after the consumer's own subscribers, in the order of the apps from the lowest layer up, inside the batch's
transaction, by the rules that huitou.sources.consuming.batch names. It must not wait for rows that others hold while
they write about the same customers: it only adds rows of its own, and does the rest elsewhere.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from functools import cache

from django.apps import apps

from huitou.sources.consuming.batch import Batch


@cache
def subscribers_of_apps() -> tuple[Callable[[Batch], None], ...]:
    """The subscribers that installed apps bring."""
    found: list[Callable[[Batch], None]] = []
    # INSTALLED_APPS names the highest app first.
    for config in reversed(list(apps.get_app_configs())):
        name = f"{config.name}.event_subscriber"
        if config.name.startswith("huitou.") and importlib.util.find_spec(name) is not None:
            found.append(importlib.import_module(name).take)
    return tuple(found)
