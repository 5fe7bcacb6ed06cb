"""Long lists as PostgreSQL writes arrays: in one pass, where the driver would adapt every element."""

from __future__ import annotations

from collections.abc import Sequence


def text_array(values: Sequence[str]) -> str:
    """A text[] literal, to be passed as a parameter with a cast. Values hold no NUL, as no text in PostgreSQL does."""
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * max(0, len(values) - 1):
        joined = '","'.join(value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return '{"' + joined + '"}' if values else "{}"


def number_array(values: Sequence[int]) -> str:
    """A bigint[] literal, to be passed as a parameter with a cast."""
    return "{" + ",".join(map(str, values)) + "}"
