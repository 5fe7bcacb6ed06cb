"""Conditions on customers inside a definition: checked here, judged by segments."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from huitou.journeys.problems import Problem


def check_condition(value: object, path: str) -> Iterator[Problem]:
    """What keeps a condition from being read, with its place inside the definition."""
    if not isinstance(value, dict) or not value:
        yield Problem(path, "not_an_object", _("A condition is an object with at least one key."))


def tell_condition(value: object) -> str:
    """A condition in words of the reader's language."""
    return str(value)
