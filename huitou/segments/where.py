"""Conditions as people and programs hand them in: read with errors that can be shown, put into words, looked into."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from huitou.analytics.conditions import (
    Condition,
    ConditionError,
    Leaf,
    Moment,
    describe,
    leaves_of,
    parse_condition,
)
from huitou.analytics.conditions.kinds.segment import SegmentLeaf
from huitou.analytics.conditions.kinds.tag import TagLeaf
from huitou.analytics.conditions.tree import All, AnyOf, Not
from huitou.core.errors import DomainError
from huitou.core.http_api.fields import is_storable
from huitou.segments.models import Segment, Tag
from huitou.segments.wording import names_in

_ANY_INSTANT = datetime(2020, 1, 1, tzinfo=UTC)


class WhereRefusedError(DomainError):
    """A condition that cannot be; `path` says where, as a JSON path."""

    code = "condition_refused"
    status = 422

    def __init__(self, message: str, *, path: str = "$", code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.path = path


Where = Mapping[str, Any] | Condition


def read_where(data: object) -> Condition:
    """A condition that can be asked of an audience, from its JSON form or as it was read before.

    Raises WhereRefusedError in the reader's language, with the JSON path, also for segments that are not there.
    """
    condition = _parsed(data)
    names = set(segments_in(condition))
    known = set(Segment.objects.filter(name__in=names, archived_at=None).values_list("name", flat=True))
    if missing := sorted(names - known):
        text = _("There is no segment %(names)s, or it is archived. Choose another one.")
        raise WhereRefusedError(text % {"names": ", ".join(missing)}, code="segment_unknown")
    return condition


def check_tags(condition: Condition) -> None:
    """Raise WhereRefusedError where a condition that is to be kept names a tag that is not there."""
    names = set(tags_in(condition))
    if missing := sorted(names - set(Tag.objects.filter(name__in=names).values_list("name", flat=True))):
        text = _("There is no tag %(names)s. Make it first, or choose another one.")
        raise WhereRefusedError(text % {"names": ", ".join(missing)}, code="tag_unknown")


def _parsed(data: object) -> Condition:
    try:
        condition = data if isinstance(data, All | AnyOf | Not | Leaf) else parse_condition(data)
        # Some leaves can be asked of the event at hand only, and say so when they are asked.
        for leaf in leaves_of(condition):
            leaf.asks(Moment(_ANY_INSTANT, "UTC"))
    except ConditionError as error:
        text = error.sentence(get_language() or "en")
        raise WhereRefusedError(text, path=error.path, code=error.code) from error
    if isinstance(data, Mapping | list) and not _is_storable(data):
        raise WhereRefusedError(_("The condition holds a control character, such as NUL; leave it out."))
    return condition


def _is_storable(data: object) -> bool:
    """Whether every text in it can be kept by a database."""
    if isinstance(data, Mapping):
        return all(_is_storable(key) and _is_storable(value) for key, value in data.items())
    if isinstance(data, list | tuple):
        return all(_is_storable(value) for value in data)
    return not isinstance(data, str) or is_storable(data)


def segments_in(condition: Condition) -> list[str]:
    """Names of the segments that a condition asks about."""
    return [name for leaf in leaves_of(condition) if isinstance(leaf, SegmentLeaf) for name in leaf.segments]


def tags_in(condition: Condition) -> list[str]:
    """Names of the tags that a condition asks about."""
    return [name for leaf in leaves_of(condition) if isinstance(leaf, TagLeaf) for name in leaf.tags]


def in_words(definition: object, language: str | None = None) -> str:
    """A kept definition as a sentence; one that cannot be read any more says why."""
    chosen = language or get_language() or "en"
    try:
        condition = parse_condition(definition)
    except ConditionError as error:
        return error.sentence(chosen)
    with override(chosen):
        names = names_in(definition)
    return describe(condition, chosen, names)
