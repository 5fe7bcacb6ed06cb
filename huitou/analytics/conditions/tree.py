"""The tree of a condition: all, any and not over leaves; reading it, judging one customer, saying it in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from huitou.analytics.conditions.errors import ConditionError
from huitou.analytics.conditions.facts import History
from huitou.analytics.conditions.leaf import KINDS, Leaf, spaced, told
from huitou.analytics.conditions.moment import Moment
from huitou.analytics.conditions.naming import Names, named
from huitou.analytics.conditions.reading import Reader

MOST_DEPTH = 8
MOST_LEAVES = 100
JOINTS = ("all", "any", "not")


@dataclass(frozen=True)
class All:
    """Every part is met; of no parts: everybody."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class AnyOf:
    """One part at least is met."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Not:
    """The part is not met."""

    part: Condition


Condition = All | AnyOf | Not | Leaf


def parse_condition(data: object) -> Condition:
    """A condition from its JSON form.

    Parameters
    ----------
    data
        `{"all": [...]}`, `{"any": [...]}`, `{"not": ...}`, or a leaf with the key of its kind.

    Raises
    ------
    ConditionError
        With the JSON path of what is wrong, and how to mend it.
    """
    condition = _read(data, "$", 1)
    if sum(1 for _ in leaves_of(condition)) > MOST_LEAVES:
        raise ConditionError("too_many", "$", most=MOST_LEAVES)
    return condition


def _read(data: object, path: str, depth: int) -> Condition:
    if depth > MOST_DEPTH:
        raise ConditionError("too_deep", path, most=MOST_DEPTH)
    if not isinstance(data, Mapping):
        raise ConditionError("not_an_object", path, given=data)
    asked = [key for key in data if key in JOINTS or key in KINDS]
    if not asked:
        raise ConditionError("unknown_kind", path, given=list(data), known=[*JOINTS, *KINDS.kinds()])
    if len(asked) > 1:
        raise ConditionError("several_kinds", path, given=asked)
    joint = asked[0]
    if joint not in JOINTS:
        return KINDS[joint].read(data, path)
    reader = Reader(data, path, (joint,))
    if joint == "not":
        return Not(_read(data["not"], reader.at("not"), depth + 1))
    listed = data[joint]
    if not isinstance(listed, list | tuple) or len(listed) > MOST_LEAVES:
        raise ConditionError("not_a_list", reader.at(joint), given=listed, most=MOST_LEAVES)
    if joint == "any" and not listed:
        raise ConditionError("empty_list", reader.at(joint), key=joint)
    parts = tuple(_read(part, f"{reader.at(joint)}[{n}]", depth + 1) for n, part in enumerate(listed))
    return All(parts) if joint == "all" else AnyOf(parts)


def leaves_of(condition: Condition) -> Iterator[Leaf]:
    """Every leaf, in order."""
    if isinstance(condition, All | AnyOf):
        for part in condition.parts:
            yield from leaves_of(part)
    elif isinstance(condition, Not):
        yield from leaves_of(condition.part)
    else:
        yield condition


def holds(condition: Condition, history: History, moment: Moment) -> bool:
    """Whether one customer meets a condition.

    Parameters
    ----------
    condition
        From `parse_condition`.
    history
        The customer's facts; what lies at or after the moment is not looked at.
    moment
        The instant and the zone.
    """
    if isinstance(condition, All):
        return all(holds(part, history, moment) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return any(holds(part, history, moment) for part in condition.parts)
    if isinstance(condition, Not):
        return not holds(condition.part, history, moment)
    return condition.holds(history, moment)


def describe(condition: Condition, language: str, names: Names | None = None) -> str:
    """The condition as a sentence.

    Parameters
    ----------
    condition
        From `parse_condition`.
    language
        zh-hans (and its kin) or en.
    names
        What events, segments and values are called in that language; by default as they are known.
    """
    with named(names or Names()):
        sentence = _words(condition, language, outer=True)
    return told(language, sentence, spaced(sentence))


def _words(condition: Condition, language: str, *, outer: bool = False) -> str:
    if isinstance(condition, Not):
        inner = _words(condition.part, language, outer=True)
        return told(language, f"not ({inner})", f"并非（{inner}）")
    if isinstance(condition, Leaf):
        return condition.words(language)
    if not condition.parts:
        return told(language, "everybody", "所有客户")
    parts = [_words(part, language) for part in condition.parts]
    if len(parts) == 1:
        return parts[0]
    if isinstance(condition, All):
        text = told(language, " and ", "，并且").join(parts)
    else:
        text = told(language, " or ", "，或者").join(parts)
    return text if outer else told(language, f"({text})", f"（{text}）")
