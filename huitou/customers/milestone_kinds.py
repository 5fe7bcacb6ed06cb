"""Milestones: typed attributes that plans hang on, such as a birthday or the age of a child. All are declared here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.customers.normalizing import fold

_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ].*)?")
_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})")
_EARLIEST = date(1900, 1, 1)


@dataclass(frozen=True)
class MilestoneKind:
    """One typed attribute. `form` is date, number (in `unit`, from `low` to `high`) or choice.

    `aliases` are further names under which sources send it. `ahead_days`: how far a date may lie ahead.
    `mirrored_as` names the attribute that analysis sees, and `mirrored_part` the stretch of the value (from, length)
    that it holds; without a name nothing leaves PostgreSQL.
    """

    kind: str
    label: str | Promise
    form: str
    aliases: tuple[str, ...] = ()
    unit: str = ""
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    ahead_days: int = 0
    choices: Mapping[str, str | Promise] = field(default_factory=dict)
    spoken: Mapping[str, str] = field(default_factory=dict)
    mirrored_as: str = ""
    mirrored_part: tuple[int, int] = (1, 100)


_MONTH, _MONTH_OF_YEAR = (1, 7), (6, 2)
_ALL = (
    MilestoneKind(
        kind="birthday",
        label=gettext_lazy("Birthday"),
        form="date",
        aliases=("birth_date", "birthdate", "dob", "生日", "出生日期"),
        # A whole date of birth is personal; the month is enough to count and to plan with.
        mirrored_as="birth_month",
        mirrored_part=_MONTH_OF_YEAR,
    ),
    MilestoneKind(
        kind="child_birth_date",
        label=gettext_lazy("Child's date of birth"),
        form="date",
        aliases=("child_birthday", "baby_birthday", "baby_birth_date", "due_date", "宝宝生日", "预产期"),
        ahead_days=300,
        # Age in months follows from it as of any instant; an age would be wrong a month later.
        mirrored_as="child_birth_month",
        mirrored_part=_MONTH,
    ),
    MilestoneKind(
        kind="pet_birth_date",
        label=gettext_lazy("Pet's date of birth"),
        form="date",
        aliases=("pet_birthday", "宠物生日"),
        mirrored_as="pet_birth_month",
        mirrored_part=_MONTH,
    ),
    MilestoneKind(
        kind="wedding_date",
        label=gettext_lazy("Wedding day"),
        form="date",
        aliases=("wedding_anniversary", "结婚纪念日"),
        ahead_days=730,
        mirrored_as="wedding_month",
        mirrored_part=_MONTH_OF_YEAR,
    ),
    MilestoneKind(
        kind="skin_type",
        label=gettext_lazy("Skin type"),
        form="choice",
        aliases=("肤质", "肌肤类型"),
        choices={
            "dry": gettext_lazy("Dry skin"),
            "oily": gettext_lazy("Oily skin"),
            "combination": gettext_lazy("Combination skin"),
            "normal": gettext_lazy("Normal skin"),
            "sensitive": gettext_lazy("Sensitive skin"),
        },
        spoken={
            "干性": "dry",
            "干皮": "dry",
            "油性": "oily",
            "油皮": "oily",
            "混合": "combination",
            "混合性": "combination",
            "混油": "combination",
            "混干": "combination",
            "中性": "normal",
            "敏感": "sensitive",
            "敏感肌": "sensitive",
        },
        mirrored_as="skin_type",
    ),
    MilestoneKind(
        kind="pet_kind",
        label=gettext_lazy("Pet"),
        form="choice",
        aliases=("宠物类型",),
        choices={"cat": gettext_lazy("Cat"), "dog": gettext_lazy("Dog"), "other": gettext_lazy("Another pet")},
        spoken={"猫": "cat", "猫咪": "cat", "狗": "dog", "狗狗": "dog", "其他": "other"},
        mirrored_as="pet_kind",
    ),
    MilestoneKind(
        kind="height_cm",
        label=gettext_lazy("Height"),
        form="number",
        aliases=("height", "身高"),
        unit="cm",
        low=Decimal(30),
        high=Decimal(250),
    ),
    MilestoneKind(
        kind="shoe_size_eu",
        label=gettext_lazy("Shoe size"),
        form="number",
        aliases=("shoe_size", "鞋码"),
        unit="EU",
        low=Decimal(15),
        high=Decimal(52),
        mirrored_as="shoe_size_eu",
    ),
)
MILESTONE_KINDS: dict[str, MilestoneKind] = {kind.kind: kind for kind in _ALL}
_BY_NAME = {name: kind for kind in _ALL for name in (kind.kind, *kind.aliases)}


class MilestoneRefusedError(ValueError):
    """The value is none of its kind; the message says why."""


def find_milestone(name: str) -> MilestoneKind | None:
    """The milestone that sources send under this name."""
    return _BY_NAME.get(name.strip().lower())


def read_milestone(kind: MilestoneKind, value: object, today: date) -> str:
    """The value as it is kept: 2024-05-01, a plain number, or a choice. Raises MilestoneRefusedError."""
    text = fold(str(value))
    if kind.form == "date":
        return _read_date(kind, value, text, today)
    if kind.form == "number":
        return _read_number(kind, text)
    spoken = text.lower()
    chosen = spoken if spoken in kind.choices else kind.spoken.get(spoken)
    if chosen is None:
        raise MilestoneRefusedError(_("is none of %(known)s") % {"known": ", ".join([*kind.choices, *kind.spoken])})
    return chosen


def _read_date(kind: MilestoneKind, value: object, text: str, today: date) -> str:
    if isinstance(value, datetime):
        found = value.date()
    elif isinstance(value, date):
        found = value
    else:
        parts = _DATE.fullmatch(text) or _DIGITS.fullmatch(text)
        if parts is None:
            raise MilestoneRefusedError(_("is not a date; write it like 2024-05-01"))
        try:
            found = date(*(int(part) for part in parts.groups()))
        except ValueError as error:
            raise MilestoneRefusedError(_("is not a day of the calendar")) from error
    if found < _EARLIEST:
        raise MilestoneRefusedError(_("lies before 1900"))
    if found > today + timedelta(days=kind.ahead_days):
        raise MilestoneRefusedError(_("lies too far ahead"))
    return found.isoformat()


def _read_number(kind: MilestoneKind, text: str) -> str:
    bare = text.lower().removesuffix(kind.unit.lower()).strip()
    try:
        number = Decimal(bare)
    except InvalidOperation as error:
        raise MilestoneRefusedError(_("is not a number of %(unit)s") % {"unit": kind.unit}) from error
    if not number.is_finite() or not kind.low <= number <= kind.high:
        raise MilestoneRefusedError(
            _("is not between %(low)s and %(high)s %(unit)s") % {"low": kind.low, "high": kind.high, "unit": kind.unit}
        )
    return f"{number.normalize():f}"


def milestone_text(kind: str, value: str) -> str:
    """The value in the reader's language, with its unit."""
    declared = MILESTONE_KINDS.get(kind)
    if declared is None:
        return value
    if declared.form == "choice":
        return str(declared.choices.get(value, value))
    return f"{value} {declared.unit}" if declared.unit else value
