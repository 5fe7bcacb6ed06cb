"""What the analytics only know by code is called in sentences; whoever asks for a sentence says it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True)
class Names:
    """Names by code, in the language of the sentence; a code without one stands for itself.

    `values` are those of a column or feature, by its name. Amounts have `digits` decimals in the currency's own unit.
    """

    events: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    segments: Mapping[str, str] = field(default_factory=dict)
    dates: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    digits: int = 2

    def value(self, column: str, code: str) -> str:
        """What a value of a column or feature is called."""
        return self.values.get(column, {}).get(code) or code

    def amount(self, minor: int | Decimal) -> Decimal:
        """An amount in the currency's own unit from one in minor units, without zeros behind."""
        return Decimal(minor).scaleb(-self.digits).normalize()


_AS_KNOWN = Names()
_NAMES: ContextVar[Names | None] = ContextVar("names", default=None)


def names() -> Names:
    """The names of the sentence that is being put together."""
    return _NAMES.get() or _AS_KNOWN


@contextmanager
def named(told: Names) -> Iterator[None]:
    """Put sentences together with these names."""
    token = _NAMES.set(told)
    try:
        yield
    finally:
        _NAMES.reset(token)


def of_one(english: str) -> str:
    """Words around numbers only, of which one is 1: `1 days`, as patterns make it, is 1 day."""
    return re.sub(r"\b1 (day|hour|week|month|time)s\b", r"1 \1", english)
