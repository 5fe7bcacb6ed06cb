"""What a brand does not count as a purchase, and the cut-offs of its customer layers. Pure values, no Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

# What an order line can be besides an ordinary sale; see fct_order_lines.order_type.
ORDER_TYPES = ("normal", "sample", "staff", "brushing")


class RuleError(ValueError):
    """A brand setting that cannot be. `code` is stable, `field` names the setting, `value` what was given."""

    def __init__(self, code: str, field: str, value: object) -> None:
        super().__init__(f"{field}: {code}: {value!r}")
        self.code = code
        self.field = field
        self.value = value


@dataclass(frozen=True)
class Part:
    """One piece of a sentence: a stable `code` that the reader's language turns into words, and its values."""

    code: str
    values: tuple[str | int, ...]


def _known_fields(cls: type, data: Mapping[str, Any]) -> None:
    known = {f.name for f in fields(cls)}
    for name in data:
        if name not in known:
            raise RuleError("unknown_setting", str(name), data[name])


def _texts(field: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) and v.strip() for v in value):
        raise RuleError("not_a_list_of_texts", field, value)
    return tuple(sorted({str(v) for v in value}))


def _whole(field: str, value: object, *, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise RuleError("not_a_whole_number", field, value)
    if value < least:
        raise RuleError("too_small", field, value)
    return value


@dataclass(frozen=True)
class Exclusions:
    """Orders that are no purchases and no revenue. They are printed beside every figure.

    An order is excluded if its amount is below `min_amount_minor` (minor units), its type is one of
    `order_types`, its channel one of `channels`, its person one of `person_ids`, or all its lines are of `skus`.
    Samples, staff orders and brushing (刷单) are excluded unless the brand says otherwise.

    Raises
    ------
    RuleError
        A value has the wrong shape, or an order type does not exist.
    """

    min_amount_minor: int | None = None
    order_types: tuple[str, ...] = ("brushing", "sample", "staff")
    channels: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    person_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.min_amount_minor is not None:
            _whole("min_amount_minor", self.min_amount_minor, least=1)
        for name in ("order_types", "channels", "skus"):
            object.__setattr__(self, name, _texts(name, getattr(self, name)))
        for order_type in self.order_types:
            if order_type not in ORDER_TYPES or order_type == "normal":
                raise RuleError("unknown_order_type", "order_types", order_type)
        if not isinstance(self.person_ids, list | tuple):
            raise RuleError("not_a_list_of_numbers", "person_ids", self.person_ids)
        ids = tuple(sorted({_whole("person_ids", v, least=1) for v in self.person_ids}))
        object.__setattr__(self, "person_ids", ids)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Exclusions:
        """From a JSON object; what it does not name keeps its default."""
        _known_fields(cls, data)
        return cls(**data)

    def to_json(self) -> dict[str, Any]:
        """Everything, as plain JSON values; `from_json` gives the same object back."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    def parts(self) -> list[Part]:
        """What is excluded, for printing as one sentence; empty if nothing is."""
        parts = []
        if self.min_amount_minor is not None:
            parts.append(Part("min_amount_minor", (self.min_amount_minor,)))
        for name in ("order_types", "channels", "skus", "person_ids"):
            values = getattr(self, name)
            if values:
                parts.append(Part(name, values))
        return parts


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Thresholds:
    """Cut-offs of the customer features. Ascending cut-offs of four numbers make five scores.

    Raises
    ------
    RuleError
        A number is no whole number or too small, a share is over 100, or cut-offs do not ascend.
    """

    # Days since the last purchase: at most the first is score 5, over the last is score 1.
    rfm_recency_days: tuple[int, int, int, int] = (30, 60, 90, 180)
    # Purchases and money: below the first is score 1, at least the last is score 5.
    rfm_order_count: tuple[int, int, int, int] = (2, 3, 5, 10)
    rfm_spend_minor: tuple[int, int, int, int] = (10_000, 30_000, 60_000, 120_000)

    # Lifecycle: a first purchase this recent is still new; three purchases make a customer mature.
    new_days: int = 30
    mature_order_count: int = 3
    # Declining: silent for more than this share of the own mean gap, or this long where there is no rhythm yet.
    declining_gap_percent: int = 200
    declining_days: int = 90

    # Repurchase bands: share of buyers, and repeat purchases within 365 days that are needed besides.
    band_high_percent: int = 10
    band_high_repeat_count: int = 5
    band_medium_percent: int = 30
    band_medium_repeat_count: int = 2

    # Layers. "A month" is 30 days, looked at over the last 90.
    vip_monthly_count: int = 3
    vip_aov_percent: int = 20
    nurture_aov_percent: int = 20
    nurture_gap_days: int = 60
    traffic_monthly_count: int = 1
    traffic_aov_percent: int = 50
    dormant_days: int = 30
    long_dormant_days: int = 60

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.startswith("rfm_"):
                object.__setattr__(self, field.name, _ascending(field.name, value))
            elif _whole(field.name, value, least=1) > 100 and field.name.endswith(
                ("_aov_percent", "band_high_percent")
            ):
                raise RuleError("over_one_hundred_percent", field.name, value)
        if self.long_dormant_days <= self.dormant_days:
            raise RuleError("not_ascending", "long_dormant_days", self.long_dormant_days)
        if self.band_high_percent + self.band_medium_percent > 100:
            raise RuleError("over_one_hundred_percent", "band_medium_percent", self.band_medium_percent)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Thresholds:
        """From a JSON object; what it does not name keeps its default."""
        _known_fields(cls, data)
        return cls(**data)

    def to_json(self) -> dict[str, Any]:
        """Everything, as plain JSON values; `from_json` gives the same object back."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    def parts(self) -> list[Part]:
        """Every cut-off, for printing."""
        return [Part(f.name, v if isinstance(v := getattr(self, f.name), tuple) else (v,)) for f in fields(self)]


def _ascending(field: str, value: object) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or len(value) != 4:
        raise RuleError("not_four_numbers", field, value)
    numbers = tuple(_whole(field, v, least=0) for v in value)
    if any(a >= b for a, b in pairwise(numbers)):
        raise RuleError("not_ascending", field, value)
    return numbers
