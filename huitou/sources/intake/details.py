"""What exactly was wrong with an event, in the reader's language. Details are kept as they were found: programs and
logs read them; here are the words for people."""

from __future__ import annotations

import json
import re
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_WORDS: Final[tuple[tuple[re.Pattern[str], Promise], ...]] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"(?P<count>\d+) bytes", gettext_lazy("%(count)s bytes")),
        (r"(?P<count>\d+) characters", gettext_lazy("%(count)s characters")),
        (r"nested deeper than (?P<count>\d+) levels", gettext_lazy("nested deeper than %(count)s levels")),
        (r"Expected `(?P<wanted>[^`]*)`, got `(?P<came>[^`]*)`", gettext_lazy("%(wanted)s expected, %(came)s came")),
        (r"Expected `(?P<wanted>[^`]*)`", gettext_lazy("%(wanted)s expected")),
        (r"JSON is malformed: .*\(byte (?P<byte>\d+)\)", gettext_lazy("no JSON at byte %(byte)s")),
        (r"Input data was truncated", gettext_lazy("the JSON is cut short")),
        (r"Object missing required field `(?P<name>[^`]*)`", gettext_lazy("%(name)s is missing")),
        (r"Invalid UTF-8.*|'utf-8' codec can't decode.*", gettext_lazy("the text is not UTF-8")),
        (r"(?P<name>[\w.\[\]]+) is missing", gettext_lazy("%(name)s is missing")),
        (r"(?P<name>\w+) is no word", gettext_lazy("%(name)s is no word")),
        (r"granted is neither true nor false", gettext_lazy("granted is neither true nor false")),
        (r"not an object", gettext_lazy("not an object")),
        (
            r"only a withdrawal may be of every (?P<name>\w+)",
            gettext_lazy("only a withdrawal may be of every %(name)s"),
        ),
        (r"(?P<told>.+), received (?P<at>[-+:T\d]+)", gettext_lazy("%(told)s, received %(at)s")),
    )
)
_TYPES = {
    "object": gettext_lazy("an object"),
    "array": gettext_lazy("a list"),
    "str": gettext_lazy("a text"),
    "int": gettext_lazy("a whole number"),
    "float": gettext_lazy("a number"),
    "bool": gettext_lazy("true or false"),
    "null": gettext_lazy("nothing"),
}


def detail_words(detail: str) -> str:
    """A detail in words; as it is where there are none for it, such as a value that was sent."""
    core, _at, path = detail.partition(" - at `")
    words = _find(core)
    if words is None and ": " in core:
        place, _colon, rest = core.partition(": ")
        inner = _find(rest)
        words = None if inner is None else _("%(place)s: %(what)s") % {"place": place, "what": inner}
    if words is None:
        return detail
    place = path.rstrip("`").removeprefix("$").lstrip(".")
    return _("%(place)s: %(what)s") % {"place": place, "what": words} if place else words


def error_words(error: Exception) -> str:
    """Why something could not be read as JSON, in words."""
    if isinstance(error, json.JSONDecodeError):
        return _("no JSON at line %(line)s, column %(column)s") % {"line": error.lineno, "column": error.colno}
    return detail_words(str(error))


def _find(core: str) -> str | None:
    for pattern, words in _WORDS:
        if found := pattern.fullmatch(core):
            return str(words) % {name: _type_words(text) for name, text in found.groupdict().items()}
    return None


def _type_words(text: str) -> str:
    parts = text.split(" | ")
    return _(" or ").join(str(_TYPES[part]) for part in parts) if all(part in _TYPES for part in parts) else text
