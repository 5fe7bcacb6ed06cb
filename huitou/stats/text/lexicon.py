"""Words of praise and blame, turned around by negation, as evidence that holds in any trade."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# Kinds of word: strong and weak praise, strong and weak blame, what negates, what strengthens.
PRAISE, MILD_PRAISE, BLAME, MILD_BLAME, NEGATOR, STRENGTHENER = "P", "p", "N", "n", "x", "i"
GROUPS = {
    "mild_praise": MILD_PRAISE,
    "mild_blame": MILD_BLAME,
    "praise": PRAISE,
    "blame": BLAME,
}
_STOPS = "，。！？；,.!?;~～… "
_CLAUSE = re.compile(r"[^，。！？；,.!?;~～…\s]+")
_CONTRAST = re.compile(r"但是|但|不过|就是|可惜|只是|然而|可是|唯一|除了")
# A plane of Unicode for private use.
_PLANE = 0xF0000
# A negation reaches this many characters beyond itself: 不是很好.
_REACH = 2
# How much a word says, unturned and turned around by a negation: not good blames more than not bad praises.
_SAYS = {PRAISE: (1.0, -1.0), MILD_PRAISE: (0.5, -0.5), BLAME: (-1.0, 0.6), MILD_BLAME: (-0.5, 0.3)}
_DOUBT = 0.5
EVIDENCE = 4
"""Columns of evidence: the balance of praise and blame in the whole text, in the last clause that says something, and
from a contrast on; and how much there is of it for the text's length."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One word found: where in the text it begins and ends, its kind, and whether a negation turns it around."""

    start: int
    end: int
    kind: str
    turned: bool

    @property
    def praises(self) -> bool:
        return (self.kind in (PRAISE, MILD_PRAISE)) != self.turned


class Lexicon:
    """Words by kind, found by longest match. Made once and used for many texts."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self.words = dict(words)
        self._longest: dict[str, int] = {}
        for word in self.words:
            self._longest[word[0]] = max(self._longest.get(word[0], 0), len(word))

    @classmethod
    def of(cls, groups: Mapping[str, Iterable[str]]) -> Lexicon:
        """From lists by name of group: praise, mild_praise, blame, mild_blame, negators, strengtheners.

        A word in two groups is what the stronger one says.
        """
        words: dict[str, str] = {}
        for name, kind in GROUPS.items():
            words.update({word.lower(): kind for word in groups.get(name, ()) if word})
        for word in groups.get("negators", ()):
            if words.get(word) in (None, MILD_BLAME):
                words[word] = NEGATOR
        for word in groups.get("strengtheners", ()):
            words.setdefault(word, STRENGTHENER)
        return cls(words)

    def find(self, text: str) -> list[list[Hit]]:
        """The words of each clause, clauses in order; text in lower case."""
        return [self._in_clause(match.group(), match.start()) for match in _CLAUSE.finditer(text)]

    def _in_clause(self, clause: str, offset: int) -> list[Hit]:
        found: list[Hit] = []
        at, length, negated_until, negated = 0, len(clause), 0, False
        while at < length:
            for size in range(min(self._longest.get(clause[at], 0), length - at), 0, -1):
                kind = self.words.get(clause[at : at + size])
                if kind is not None:
                    break
            else:
                at += 1
                continue
            end = at + size
            if kind == NEGATOR:
                negated, negated_until = not negated, end
            elif kind == STRENGTHENER:
                negated_until = end if negated and negated_until == at else negated_until
            else:
                found.append(Hit(offset + at, offset + end, kind, negated and at - negated_until <= _REACH))
                negated = False
            at = end
        return found

    def marked(self, cleaned: str) -> str:
        """The text with every character of a negated word moved to a plane of its own, so that 失望 and the 失望 of
        没有失望 share no n-gram.

        References
        ----------
        Das and Chen 2001, Yahoo! for Amazon: words under a negation become words of their own.
        """
        turned = [hit for clause in self.find(cleaned) for hit in clause if hit.turned]
        if not turned:
            return cleaned
        characters = list(cleaned)
        for hit in turned:
            for at in range(hit.start, hit.end):
                characters[at] = chr((ord(characters[at]) & 0xFFFF) + _PLANE)
        return "".join(characters)

    def evidence(self, cleaned: Sequence[str]) -> np.ndarray:
        """What the words say: shape (texts, EVIDENCE), between -1, all blame, and 1, all praise."""
        return np.array([self._balances(text) for text in cleaned]).reshape(-1, EVIDENCE)

    def _balances(self, text: str) -> tuple[float, float, float, float]:
        contrast = _CONTRAST.search(text)
        # The clause that holds the contrast belongs to what comes behind it.
        turn = max(text.rfind(mark, 0, contrast.start()) for mark in _STOPS) + 1 if contrast else len(text)
        clauses = [hits for hits in self.find(text) if hits]
        every = [hit for hits in clauses for hit in hits]
        praise, blame = _weigh(every)
        return (
            _balance(praise, blame),
            _balance(*_weigh(clauses[-1])) if clauses else 0.0,
            _balance(*_weigh([hit for hit in every if hit.start >= turn])),
            math.tanh((praise - blame) / (1 + math.sqrt(len(text) / 5))),
        )


def _weigh(hits: Iterable[Hit]) -> tuple[float, float]:
    said = [_SAYS[hit.kind][hit.turned] for hit in hits]
    return sum(one for one in said if one > 0), -sum(one for one in said if one < 0)


def _balance(praise: float, blame: float) -> float:
    return (praise - blame) / (praise + blame + _DOUBT)
