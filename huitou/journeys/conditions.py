"""Conditions on customers inside a definition: checked here, judged by segments."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import get_language

from huitou.analytics.conditions import ConditionError, parse_condition
from huitou.journeys.problems import Problem
from huitou.segments.queries import in_words


def check_condition(value: object, path: str) -> Iterator[Problem]:
    """What keeps a condition from being read, with its place inside the definition."""
    try:
        parse_condition(value)
    except ConditionError as error:
        place = path + error.path.removeprefix("$")
        sentence = error.sentence(get_language() or "zh")
        # The sentence begins with a place of its own, inside the condition.
        told = sentence.removeprefix(f"{error.path}: ").removeprefix(f"{error.path}：")
        yield Problem(place, error.code, told.replace("%", "%%"))


def tell_condition(value: object) -> str:
    """A condition in words of the reader's language, segments by their titles."""
    try:
        parse_condition(value)
    except ConditionError:
        return "?"
    return in_words(value, get_language() or "zh")
