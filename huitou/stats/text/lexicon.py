"""Words of praise and blame, turned around by negation, as evidence that holds in any trade."""

from __future__ import annotations

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
_CLAUSE = re.compile(r"[^，。！？；,.!?;~～…\s]+")
_CONTRAST = re.compile(r"但是|但|不过|就是|可惜|只是|然而|可是|唯一|除了")
# A plane of Unicode for private use.
_PLANE = 0xF0000
# A negation reaches this many characters beyond itself: 不是很好.
_REACH = 2
_KINDS = {
    (kind, turned): place
    for place, (kind, turned) in enumerate(
        (kind, turned) for kind in (PRAISE, MILD_PRAISE, BLAME, MILD_BLAME) for turned in (False, True)
    )
}
EVIDENCE = 3 * len(_KINDS) + 2
"""Columns of evidence: each kind in the whole text, in the last telling clause, and after a contrast; two balances."""


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

    def evidence(self, texts: Sequence[str]) -> np.ndarray:
        """What the words say: shape (texts, EVIDENCE); logarithms of counts, and balances between -1 and 1."""
        table = np.zeros((len(texts), EVIDENCE))
        for row, text in enumerate(texts):
            self._tell(text.lower(), table[row])
        return table

    def _tell(self, text: str, row: np.ndarray) -> None:
        size = len(_KINDS)
        contrast = _CONTRAST.search(text)
        turn = contrast.start() if contrast else len(text)
        turn = max(text.rfind(mark, 0, turn) for mark in "，。！？；,.!?;~～…\n ") + 1 if contrast else turn
        clauses = [hits for hits in self.find(text) if hits]
        for number, hits in enumerate(clauses):
            for hit in hits:
                place = _KINDS[hit.kind, hit.turned]
                row[place] += 1
                if number == len(clauses) - 1:
                    row[size + place] += 1
                if hit.start >= turn:
                    row[2 * size + place] += 1
        praise = row[0] + 0.5 * row[2] + 0.6 * row[5]
        blame = row[4] + 0.5 * row[6] + row[1]
        row[: 3 * size] = np.log1p(row[: 3 * size])
        row[-2] = (praise - blame) / (praise + blame + 0.5)
        row[-1] = np.tanh((praise - blame) / (1 + np.sqrt(len(text) / 5)))
