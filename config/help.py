"""The command line's own texts (`--help`) in the reader's language, before Django is there."""

from __future__ import annotations

import gettext
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import huitou

_LOCALE = Path(huitou.__path__[0]) / "locale"
# What the command-line library itself writes.
PANELS = ("Arguments", "Options", "Commands")


def walk(command: Any) -> Iterator[Any]:
    """The command (a Typer command of whatever class) and all commands below it."""
    yield command
    below: dict[str, Any] = getattr(command, "commands", {})
    for name in sorted(below):
        yield from walk(below[name])


def help_texts(command: Any) -> Iterator[str]:
    """Every English help text of the command line."""
    yield from PANELS
    for each in walk(command):
        if each.help:
            yield inspect.cleandoc(each.help)
        for parameter in each.params:
            if text := getattr(parameter, "help", None):
                yield text


def translate_help(command: Any, language: str) -> None:
    """Replace the help texts by those of `language` (zh-hans or en), where the catalogue has them."""
    if not language.startswith("zh"):
        return
    catalogue = gettext.translation("django", _LOCALE, ["zh_Hans"], fallback=True)
    _translate_library(catalogue.gettext)
    for each in walk(command):
        if each.help:
            each.help = catalogue.gettext(inspect.cleandoc(each.help))
        for parameter in each.params:
            if text := getattr(parameter, "help", None):
                parameter.help = catalogue.gettext(text)


def _translate_library(translate: Callable[[str], str]) -> None:
    from typer import rich_utils

    rich_utils.ARGUMENTS_PANEL_TITLE, rich_utils.OPTIONS_PANEL_TITLE, rich_utils.COMMANDS_PANEL_TITLE = (
        translate(title) for title in PANELS
    )
