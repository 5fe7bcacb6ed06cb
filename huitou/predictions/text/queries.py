"""Reads: the reader with what the brand and its corrections add, recent texts of customers, what was learned."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import numpy as np

from huitou.catalog.models import Product
from huitou.console.formats import mask_text
from huitou.core.home import Home
from huitou.customers.queries import customers_of
from huitou.predictions.text.models import CorrectedText, TextLesson
from huitou.predictions.text.reading import TextReader, Understood
from huitou.sources.models import EventDetail
from huitou.stats.text.layer import Layer

# Properties of events in which customers write; EventDetail has an index of those that have one.
WRITTEN = ("review_body", "comment", "message")
_MOST_NAMES = 20_000
# The folder of the data directory with the brand's own rules and words.
OWN_FOLDER = "text"


@dataclass(frozen=True)
class Word:
    """One word of a text, and how much it speaks for praise (above 0) or blame: log-odds."""

    text: str
    share: float

    @property
    def side(self) -> str:
        """praise, blame, or empty where it hardly decides."""
        if abs(self.share) < 0.1:
            return ""
        return "praise" if self.share > 0 else "blame"


@dataclass(frozen=True)
class Shown:
    """One text with what it says and why; `corrected` is what somebody here said of it.

    What a customer wrote has its event's id in hexadecimal digits, the customer and the time.
    """

    text: str
    understood: Understood
    words: list[Word]
    corrected: str
    event: str = ""
    person_id: int | None = None
    at: datetime | None = None


def digest_of(text: str) -> bytes:
    """What makes two texts the same: wide and narrow forms, case and spaces make no difference."""
    plain = " ".join(unicodedata.normalize("NFKC", text).lower().split())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()


def current_layer() -> Layer | None:
    """What corrections taught, if a lesson is in use."""
    lesson = TextLesson.objects.filter(in_use=True).first()
    return None if lesson is None else layer_of(lesson)


def layer_of(lesson: TextLesson) -> Layer | None:
    """A lesson's layer."""
    if lesson.layer is None:
        return None
    return Layer(np.array(lesson.layer["buckets"], dtype=np.int64), np.array(lesson.layer["weights"]))


def brand_reader(*, shipped: bool = False) -> TextReader:
    """A reader with the brand's rules and words, the names of its products and what corrections taught.

    `shipped` leaves all of that out.
    """
    home = Home.from_environment()
    scratch = home.staging if home.staging.is_dir() else None
    if shipped:
        return TextReader(scratch=scratch)
    names = Product.objects.exclude(name="").order_by("name").values_list("name", flat=True).distinct()[:_MOST_NAMES]
    own = home.root / OWN_FOLDER
    return TextReader(own if own.is_dir() else None, list(names), current_layer(), scratch)


def explain(reader: TextReader, text: str) -> list[Word]:
    """The text's words in order, each with what it adds to the log-odds of praise, corrections included."""
    cleaned, shares = reader.model.character_shares(text, reader.lexicon)
    words, at = [], 0
    for word in reader.keywords.words(text):
        words.append(Word(word, float(shares[at : at + len(word)].sum())))
        at += len(word)
    return words if at == len(cleaned) else [Word(cleaned, float(shares.sum()))]


def show_texts(reader: TextReader, texts: Sequence[str]) -> list[Shown]:
    """Each text with what it says and why."""
    return _show(reader, texts, _corrected(texts))


def show_recent(reader: TextReader, limit: int) -> list[Shown]:
    """The latest texts that customers wrote in reviews, comments, replies and to the service, the newest first;
    phones and addresses in them are masked.
    """
    rows = [
        (row, text)
        for row in EventDetail.objects.filter(properties__has_any_keys=list(WRITTEN)).order_by("-occurred_at")[:limit]
        if (text := written_in(row))
    ]
    said = _corrected([text for _row, text in rows])
    shown = _show(reader, [mask_text(text) for _row, text in rows], said)
    customers = customers_of([row.person_id for row, _text in rows])
    return [
        replace(
            one, event=row.event_hash.hex, person_id=customers.get(row.person_id, row.person_id), at=row.occurred_at
        )
        for one, (row, _text) in zip(shown, rows, strict=True)
    ]


def written_in(detail: EventDetail) -> str:
    """What the customer wrote, of everything that an event said."""
    parts = [detail.properties.get(name) for name in WRITTEN]
    return " ".join(part.strip() for part in parts if isinstance(part, str)).strip()


def find_written(event: str) -> tuple[str, int] | None:
    """The text of an event, not masked, and whose it is."""
    try:
        row = EventDetail.objects.filter(pk=UUID(hex=event)).first()
    except ValueError:
        return None
    return (written_in(row), row.person_id) if row is not None else None


def _corrected(texts: Sequence[str]) -> list[str]:
    digests = [digest_of(text) for text in texts]
    rows = CorrectedText.objects.filter(digest__in=digests).values_list("digest", "sentiment")
    said = {bytes(digest): sentiment for digest, sentiment in rows}
    return [said.get(digest, "") for digest in digests]


def _show(reader: TextReader, texts: Sequence[str], said: Sequence[str]) -> list[Shown]:
    return [
        Shown(text, understood, explain(reader, text), corrected)
        for text, understood, corrected in zip(texts, reader.read(texts), said, strict=True)
    ]


def list_lessons(limit: int = 10) -> list[TextLesson]:
    """What was learned, the latest first."""
    return list(TextLesson.objects.order_by("-pk")[:limit])


def count_corrections() -> int:
    """Texts that somebody here corrected or confirmed."""
    return CorrectedText.objects.count()
