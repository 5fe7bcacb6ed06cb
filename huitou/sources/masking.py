"""Events as they may be shown: what could name somebody is hidden, and comes back where an edited text leaves it so."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from django.utils.translation import gettext as _

from huitou.core.errors import DomainError
from huitou.sources.consuming.properties import is_code, is_personal_name, names_owner, names_somebody, own_marks
from huitou.sources.intake.details import detail_words
from huitou.sources.intake.messages import is_too_deep
from huitou.sources.models import DeadLetter
from huitou.sources.tracking.queries import current_plan

HIDDEN = "[hidden]"
# What every event of the spec has, and is no word of a person.
_PLAIN = frozenset({"type", "event", "messageId", "timestamp", "originalTimestamp", "sentAt", "version", "channel"})
_IDENTITIES = frozenset({"userId", "anonymousId", "previousId", "groupId", "writeKey"})
_LONGEST_WORD = 20


def masked_payload(payload: bytes) -> str | None:
    """The event as indented JSON with numbered marks for what is hidden; None where it cannot be shown in parts."""
    try:
        told = None if is_too_deep(payload) else json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or _has_telling_names(told):
        return None
    return json.dumps(_masked(told, [], _own(told)), ensure_ascii=False, indent=2)


class MarkUnknownError(DomainError):
    """An edited event has a mark that hides nothing: taken as it stands, it would be somebody's name or number."""

    code = "mark_unknown"
    status = 422


def restored_payload(text: bytes, payload: bytes) -> bytes:
    """An edited text with its marks replaced by what they hide in `payload`.

    Raises ValueError where the text is no JSON, MarkUnknownError for a mark that `payload` does not have.
    """
    hidden: list[Any] = []
    try:
        told = None if is_too_deep(payload) else json.loads(payload)
    except (ValueError, RecursionError):
        told = None
    if isinstance(told, dict):
        _masked(told, hidden, _own(told))
    by_mark = {_mark(number): value for number, value in enumerate(hidden, 1)}
    return json.dumps(_restored(json.loads(text), by_mark), ensure_ascii=False, separators=(",", ":")).encode()


def shown_detail(letter: DeadLetter) -> str:
    """What exactly was wrong with a letter, without what a person may have written."""
    detail = letter.detail
    if letter.reason == "name_personal" or names_somebody(detail):
        return HIDDEN
    if not letter.reason.startswith("order_"):
        return detail_words(detail)
    name, colon, value = detail.partition(": ")
    if letter.reason == "order_incomplete":
        if not colon:
            return _("%(name)s is missing") % {"name": name}
        return _("product %(product)s has no price") % {"product": value if is_code(value) else HIDDEN}
    # An unknown word of a shop has to be seen to be mended; it is short.
    fits = is_code(value) or (letter.reason == "order_word" and len(value) <= _LONGEST_WORD)
    return detail if not colon or fits else f"{name}: {HIDDEN}"


def shown_name(letter: DeadLetter) -> str:
    """The event's name, unless it names somebody."""
    return masked_name(letter.name)


def masked_name(name: str) -> str:
    """A name that an event was given, unless it names somebody."""
    return HIDDEN if names_somebody(name) else name


def _mark(number: int) -> str:
    return f"[hidden {number}]"


def _looks_like_mark(value: str) -> bool:
    return "[hidden" in value.lower()


def _has_telling_names(value: Any) -> bool:
    if isinstance(value, dict):
        return any(names_somebody(name) or _has_telling_names(inner) for name, inner in value.items())
    return isinstance(value, list) and any(_has_telling_names(inner) for inner in value)


def _own(told: Mapping[str, Any]) -> tuple[tuple[str, bool], ...]:
    """What the event says that its person is known by."""
    return own_marks(str(told[name]) for name in _IDENTITIES if isinstance(told.get(name), str | int))


def _masked(
    value: Any, hidden: list[Any], own: Collection[tuple[str, bool]], name: str = "", about_person: bool = False
) -> Any:
    """The value with marks, in the order of `hidden`, which the hidden ones are added to."""
    if isinstance(value, dict):
        about = {key: about_person or key == "traits" or (name != "" and is_personal_name(key)) for key in value}
        return {key: _masked(inner, hidden, own, key, about[key]) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, hidden, own, name, about_person) for inner in value]
    if value is None or isinstance(value, bool) or _may_be_shown(value, name, about_person, own):
        return value
    hidden.append(value)
    return _mark(len(hidden))


def _may_be_shown(value: str | int | float, name: str, about_person: bool, own: Collection[tuple[str, bool]]) -> bool:
    if isinstance(value, str) and (names_somebody(value) or _looks_like_mark(value)):
        return False
    if name in _PLAIN:
        return True
    plan = current_plan()
    if about_person or name in _IDENTITIES or name in plan.personal or is_personal_name(name):
        return False
    if isinstance(value, float):
        return True
    if names_owner(str(value), own):
        return False
    return is_code(value) or (isinstance(value, str) and name in plan.codes)


def _restored(value: Any, by_mark: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _restored(inner, by_mark) for name, inner in value.items()}
    if isinstance(value, list):
        return [_restored(inner, by_mark) for inner in value]
    if not isinstance(value, str) or not _looks_like_mark(value):
        return value
    if value not in by_mark:
        text = _("Nothing is hidden as %(mark)s in this event. Its marks: %(marks)s.")
        raise MarkUnknownError(text % {"mark": value[:_LONGEST_WORD], "marks": ", ".join([*by_mark][:20]) or "–"})
    return by_mark[value]
