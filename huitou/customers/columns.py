"""Columns of customer lists as files that other apps add, in their `customer_columns.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps
from django.utils.functional import Promise


@dataclass(frozen=True)
class Column:
    """One column; `values` gives the text by customer for many at once, and leaves out who has none."""

    title: str | Promise
    values: Callable[[Sequence[int]], Mapping[int, str]]


def customer_columns() -> list[Column]:
    """Every column that an app adds, in the order of the apps."""
    found: list[Column] = []
    for config in apps.get_app_configs():
        name = f"{config.name}.customer_columns"
        if config.name.startswith("huitou.") and find_spec(name) is not None:
            found += import_module(name).COLUMNS
    return found
