"""Long lists as PostgreSQL writes arrays: in one pass, where the driver would adapt every element."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime


def text_array(values: Sequence[str]) -> str:
    """A text[] literal, to be passed as a parameter with a cast. Values hold no NUL, as no text in PostgreSQL does."""
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * max(0, len(values) - 1):
        joined = '","'.join(value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return '{"' + joined + '"}' if values else "{}"


def number_array(values: Sequence[int | None]) -> str:
    """A bigint[] literal, to be passed as a parameter with a cast; None is NULL."""
    return "{" + ",".join(map(str, values)).replace("None", "NULL") + "}"


def truth_array(values: Sequence[bool]) -> str:
    """A boolean[] literal, to be passed as a parameter with a cast."""
    return "{" + ",".join(["t" if value else "f" for value in values]) + "}"


def instant_array(values: Sequence[datetime | None]) -> str:
    """A timestamptz[] literal of aware instants, to be passed as a parameter with a cast; None is NULL."""
    kept: dict[datetime | None, str] = {None: "NULL"}
    for value in values:
        if value not in kept:
            assert value is not None
            assert value.tzinfo is not None, "an instant has an offset"
            kept[value] = value.isoformat()
    return "{" + ",".join([kept[value] for value in values]) + "}"


def read_instants(texts: Sequence[str]) -> list[datetime]:
    """Instants as PostgreSQL writes them in UTC (`at::text`); the same text is the same object."""
    kept = {text: datetime.fromisoformat(text) for text in set(texts)}
    return [kept[text] for text in texts]
