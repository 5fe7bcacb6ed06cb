"""Reading JSON: each value by its shape, each mistake with its path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NoReturn

from huitou.analytics.conditions.errors import ConditionError

MOST_TEXT = 200
MOST_VALUES = 1000
# Windows and gaps longer than a century are typing errors.
MOST_DAYS = 36_600
MOST_COUNT = 1_000_000_000_000
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_MOST_NUMBER = Decimal(10) ** 12
# To an engine an asterisk alone would be every property.
NAME_PATTERN = r"""^[^'"\\\[\]?$/*\x00-\x1f][^'"\\\[\]?\x00-\x1f]{0,127}$"""


class Reader:
    """One JSON object and the path to it; keys that nobody knows are refused at once.

    Raises
    ------
    ConditionError
        By every method, where the value is not what it should be.
    """

    def __init__(self, data: object, path: str, known: Sequence[str]) -> None:
        if not isinstance(data, Mapping):
            raise ConditionError("not_an_object", path, given=data)
        for key in data:
            if key not in known:
                raise ConditionError("unknown_key", f"{path}.{key}", given=key, known=known)
        self.data: Mapping[str, Any] = data
        self.path = path

    def __contains__(self, key: str) -> bool:
        return key in self.data

    def fail(self, code: str, where: str, /, **values: object) -> NoReturn:
        """Refuse the value of a key."""
        raise ConditionError(code, self.at(where), **values)

    def at(self, key: str) -> str:
        """Path of a key."""
        return f"{self.path}.{key}"

    def get(self, key: str, wanted: str) -> Any:
        """The value of a key that must be there; `wanted` says what it takes."""
        if key not in self.data:
            raise ConditionError("missing", self.path, key=key, wanted=wanted)
        return self.data[key]

    def text(self, key: str) -> str:
        return read_text(self.get(key, "a text"), self.at(key))

    def texts(self, key: str) -> tuple[str, ...]:
        """One text, or a list of different ones."""
        value = self.get(key, "a text or a list of texts")
        return (read_text(value, self.at(key)),) if isinstance(value, str) else read_texts(value, self.at(key))

    def whole(self, key: str, *, least: int, most: int = MOST_COUNT) -> int:
        return read_whole(self.get(key, "a whole number"), self.at(key), least=least, most=most)

    def flag(self, key: str) -> bool:
        value = self.get(key, "true or false")
        if not isinstance(value, bool):
            self.fail("not_a_flag", key, given=value)
        return value

    def day(self, key: str) -> date:
        return read_day(self.get(key, "a day such as 2024-03-31"), self.at(key))

    def choice(self, key: str, known: Sequence[str]) -> str:
        value = self.get(key, " / ".join(known))
        if not isinstance(value, str) or value not in known:
            self.fail("not_a_choice", key, given=value, known=known)
        return value


def read_text(value: object, path: str) -> str:
    """A text of 1 to MOST_TEXT characters, none of them NUL."""
    if not isinstance(value, str) or not value.strip() or len(value) > MOST_TEXT or "\x00" in value:
        raise ConditionError("not_a_text", path, given=value, most=MOST_TEXT)
    return value


def read_texts(value: object, path: str) -> tuple[str, ...]:
    """A list of 1 to MOST_VALUES different texts."""
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MOST_VALUES:
        raise ConditionError("not_a_list", path, given=value, most=MOST_VALUES)
    texts = tuple(read_text(text, f"{path}[{n}]") for n, text in enumerate(value))
    if len(set(texts)) < len(texts):
        raise ConditionError("not_a_list", path, given=value, most=MOST_VALUES)
    return texts


def read_whole(value: object, path: str, *, least: int, most: int = MOST_COUNT) -> int:
    """A whole number within limits; 3.0 and "3" are none."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ConditionError("not_whole", path, given=value, least=least, most=most)
    return value


def read_number(value: object, path: str) -> Decimal:
    """A number below 10^12 with at most six decimals, exactly as it was written."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ConditionError("not_a_number", path, given=value)
    number = Decimal(str(value))
    if not number.is_finite() or abs(number) >= _MOST_NUMBER or number != round(number, 6):
        raise ConditionError("not_a_number", path, given=value)
    return number


def read_day(value: object, path: str) -> date:
    """A calendar day, written 2024-03-31."""
    try:
        if isinstance(value, str) and len(value) == 10:
            day = date.fromisoformat(value)
            if _FIRST_YEAR <= day.year <= _LAST_YEAR:
                return day
    except ValueError:
        pass
    raise ConditionError("not_a_day", path, given=value)


def read_day_or_instant(value: object, path: str) -> date | datetime:
    """A calendar day, or an instant that says its offset from UTC."""
    if isinstance(value, str) and len(value) == 10:
        return read_day(value, path)
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
        raise ConditionError("not_an_instant", path, given=value)
    return instant
