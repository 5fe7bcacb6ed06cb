"""Intents of a text by declared phrases."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from huitou.stats.text.ngrams import clean

# A star in a phrase stands for so many characters, and never passes a stop.
_STAR = r"[^，。！？；,.!?;\n]{0,8}?"


@dataclass(frozen=True)
class IntentRule:
    """One intent: a text has it if one of `phrases` stands in it once `exceptions` are taken out."""

    code: str
    phrases: tuple[str, ...]
    exceptions: tuple[str, ...] = ()


def _pattern(phrases: Iterable[str]) -> re.Pattern[str] | None:
    # The longest first: a phrase that goes on must not be cut short by its own beginning.
    parts = [_STAR.join(re.escape(part) for part in clean(phrase).split("*")) for phrase in phrases]
    return re.compile("|".join(sorted(parts, key=len, reverse=True))) if parts else None


class IntentFinder:
    """Rules, made ready once for many texts.

    >>> finder = IntentFinder([IntentRule("repurchase", ("会再来", "下次*还"), ("不会再来",))])
    >>> finder.find("味道好，会再来"), finder.find("不会再来了")
    (['repurchase'], [])
    """

    def __init__(self, rules: Sequence[IntentRule]) -> None:
        self._rules = [(rule.code, _pattern(rule.phrases), _pattern(rule.exceptions)) for rule in rules]

    def find(self, text: str) -> list[str]:
        """Codes of the intents of a text, in the order of the rules."""
        text = clean(text)
        found = []
        for code, wanted, exceptions in self._rules:
            if wanted is None or not wanted.search(text):
                continue
            if exceptions is None or wanted.search(exceptions.sub("|", text)):
                found.append(code)
        return found
