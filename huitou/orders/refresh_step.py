"""What higher apps add to a refresh: steps after feat_customers inside the same run, and work after it is published.

An installed app of ours may have a `refresh_steps.py` with

- `STEPS`: a sequence of `RefreshStep`, run in the order of the apps from the lowest layer up,
- `AFTER`: a sequence of functions of the finished run's id, each called by a job of its own once the run is
  published; twice without harm, as jobs are.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from django.apps import apps
from django.utils.functional import Promise

from huitou.accounts.models import Brand
from huitou.analytics.engines import Engine, Lake
from huitou.core.home import Home
from huitou.core.models import RefreshRun


@dataclass(frozen=True)
class Refreshing:
    """A refresh at the point where feat_customers is written: nobody reads it yet.

    `engine` reads the tables of this run, `last` is the finished run before it, None for the first; `same` is whether
    the step's own mark is that of `last`. With `force` nothing of `last` may be continued but what is history.
    """

    run: RefreshRun
    last: RefreshRun | None
    engine: Engine
    lake: Lake
    home: Home
    brand: Brand
    force: bool = False
    same: bool = False

    @property
    def scratch(self) -> Path:
        return self.home.root / "scratch"


@dataclass(frozen=True)
class Stepped:
    """What a step did: versions of the lake tables it wrote, a note for the run's detail, and what is to be written
    to PostgreSQL in the transaction that publishes the run."""

    versions: dict[str, int] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)
    publish: Callable[[], None] | None = None


@dataclass(frozen=True)
class RefreshStep:
    """One step.

    Parameters
    ----------
    name
        Unique; under it stand the step's mark and detail in the run.
    label
        What the progress bar says.
    tables
        Lake tables that the step overwrites; their old versions are forgotten with the others.
    mark
        A JSON value that differs when anything does that the step takes from PostgreSQL; a refresh where every mark
        is as before is skipped.
    run
        Does it. Whatever it writes but what `Stepped.publish` does must be without harm when the run never finishes.
    """

    name: str
    label: str | Promise
    tables: Sequence[str]
    mark: Callable[[Brand, Any], Any]
    run: Callable[[Refreshing], Stepped]


def _modules() -> Iterator[tuple[str, ModuleType]]:
    # INSTALLED_APPS names the highest app first.
    for config in reversed(list(apps.get_app_configs())):
        name = f"{config.name}.refresh_steps"
        if config.name.startswith("huitou.") and importlib.util.find_spec(name) is not None:
            yield config.name, importlib.import_module(name)


@cache
def refresh_steps() -> tuple[RefreshStep, ...]:
    """The steps of the installed apps, those of lower apps first."""
    return tuple(step for _app, module in _modules() for step in getattr(module, "STEPS", ()))


@cache
def after_refresh() -> dict[str, Callable[[int], None]]:
    """What is called with the id of a published run, by a name that jobs can carry."""
    return {
        f"{app}.{function.__name__}": function
        for app, module in _modules()
        for function in getattr(module, "AFTER", ())
    }
