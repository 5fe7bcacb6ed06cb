"""A reader of texts: praise or blame with its probability, intents and keywords."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from django.utils.translation import gettext as _

from huitou.core.errors import DomainError
from huitou.predictions.text.keywords import keyword_finder
from huitou.predictions.text.shipped import DATA, lexicon, polarity, read_lists
from huitou.stats.text.intents import IntentFinder, IntentRule
from huitou.stats.text.layer import Layer
from huitou.stats.text.lexicon import BLAME, PRAISE, Lexicon
from huitou.stats.text.ngrams import clean
from huitou.stats.text.polarity import NEUTRAL

AT_ONCE = 2_000
OWN_INTENTS, OWN_WORDS, OWN_NAMES = "intents.yaml", "words.yaml", "names.txt"
"""Files of a brand in the folder `text` of its data directory: rules, words of praise and blame, names of products."""


class TextRulesError(DomainError):
    """A file of rules or words cannot be understood."""

    code = "text_rules"


@dataclass(frozen=True)
class Intent:
    """An intent as it is declared; `names` by language, `asks` where it is a question."""

    rule: IntentRule
    names: dict[str, str]
    asks: bool = False


@dataclass(frozen=True)
class Understood:
    """What one text says. `p_positive` between 0 and 1; the rest in order of weight."""

    sentiment: str
    p_positive: float
    intents: list[str]
    keywords: list[str]


def read_intents(file: Path) -> dict[str, Intent]:
    """Declared intents by code. Raises TextRulesError with the place that cannot be understood."""
    try:
        given = yaml.safe_load(file.read_text(encoding="utf-8"))
        rows: list[dict[str, Any]] = given["intents"]
        found = [_intent(row) for row in rows]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
        told = _(
            "%(file)s is no file of intents: %(reason)s. It needs a list “intents”, each with code, name and any."
        ) % {"file": file, "reason": f"{type(error).__name__} {error}".splitlines()[0]}
        raise TextRulesError(told) from error
    return {intent.rule.code: intent for intent in found}


def _intent(row: dict[str, Any]) -> Intent:
    phrases = tuple(str(phrase) for phrase in row["any"])
    exceptions = tuple(str(phrase) for phrase in row.get("not", ()))
    if not phrases or not all(phrase.strip("* ") for phrase in phrases + exceptions):
        raise KeyError(f"{row['code']}: a phrase is empty")
    name = row.get("name", row["code"])
    names = {str(k): str(v) for k, v in name.items()} if isinstance(name, dict) else {"en": name, "zh-hans": name}
    return Intent(IntentRule(str(row["code"]), phrases, exceptions), names, bool(row.get("asks", False)))


def declared_intents(own: Path | None = None) -> dict[str, Intent]:
    """The intents of the product with those of the brand's folder, which replace one of the same code."""
    found = dict(read_intents(DATA / "intents.yaml"))
    if own is not None and (own / OWN_INTENTS).is_file():
        found.update(read_intents(own / OWN_INTENTS))
    return found


def _own_lexicon(own: Path | None) -> Lexicon:
    if own is None or not (own / OWN_WORDS).is_file():
        return lexicon()
    try:
        groups = read_lists(own / OWN_WORDS)
    except (UnicodeDecodeError, yaml.YAMLError, AttributeError, TypeError) as error:
        told = _("%(file)s is no file of words: it needs praise: and blame:, each with words behind it.")
        raise TextRulesError(told % {"file": own / OWN_WORDS}) from error
    return Lexicon(lexicon().words | Lexicon.of(groups).words)


def _own_names(own: Path | None) -> list[str]:
    if own is None or not (own / OWN_NAMES).is_file():
        return []
    return [line.strip() for line in (own / OWN_NAMES).read_text(encoding="utf-8", errors="replace").splitlines()]


class TextReader:
    """Made once, reads any number of texts.

    `own` is the folder of the brand's rules and words; `names` are names of products; `layer` is what operators'
    corrections taught.
    """

    def __init__(
        self,
        own: Path | None = None,
        names: Sequence[str] = (),
        layer: Layer | None = None,
        scratch: Path | None = None,
    ) -> None:
        self.model, self.lexicon, self.layer = polarity(), _own_lexicon(own), layer
        self.intents = declared_intents(own)
        self._finder = IntentFinder([intent.rule for intent in self.intents.values()])
        self.keywords = keyword_finder((*names, *_own_names(own)), scratch)

    def probabilities(self, texts: Sequence[str]) -> list[float]:
        """Probability of praise of each text, corrections included."""
        if self.layer is None:
            return [float(p) for p in self.model.probabilities(texts, self.lexicon)]
        return [float(p) for p in self.layer.probabilities(texts, self.model, self.lexicon)]

    def read(self, texts: Sequence[str]) -> Iterator[Understood]:
        """What each text says, in order."""
        for at in range(0, len(texts), AT_ONCE):
            part = texts[at : at + AT_ONCE]
            for text, p in zip(part, self.probabilities(part), strict=True):
                intents = self._finder.find(text)
                yield Understood(self._call(text, p, intents), p, intents, self.keywords.find(text))

    def _call(self, text: str, p: float, intents: Sequence[str]) -> str:
        """A question without a strong word of praise or blame is neither, whatever its n-grams remind of."""
        if any(self.intents[code].asks for code in intents):
            said = {hit.kind for hits in self.lexicon.find(clean(text)) for hit in hits}
            if not said & {PRAISE, BLAME}:
                return NEUTRAL
        return self.model.call(p)
