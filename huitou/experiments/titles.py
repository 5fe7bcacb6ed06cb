"""What experiments are called in the reader's language: an app may have `experiment_titles.py` with `title_of(key)`."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from functools import cache

from django.apps import apps

# The title of an experiment by its key; None: it is not one of the app's.
Titling = Callable[[str], str | None]


def told_title(key: str) -> str | None:
    """What the app that opened the experiment calls it now; None where none says so."""
    return next((title for titling in _titlings() if (title := titling(key)) is not None), None)


@cache
def _titlings() -> tuple[Titling, ...]:
    names = (f"{config.name}.experiment_titles" for config in apps.get_app_configs())
    return tuple(
        importlib.import_module(name).title_of
        for name in names
        if name.startswith("huitou.") and importlib.util.find_spec(name) is not None
    )
