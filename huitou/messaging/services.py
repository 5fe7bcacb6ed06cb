"""Every write to touches by programs: asking for them and taking them back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from huitou.core.arrays import instant_array, number_array, text_array, truth_array
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.core.http_api.fields import is_storable
from huitou.messaging import sql
from huitou.messaging.channel import find_channel
from huitou.messaging.content import MARKETING, PURPOSES, SERVICE, Content, TouchRequest, Words
from huitou.messaging.models import PausedSource
from huitou.messaging.recalling import CANCELLED_BY_SOURCE, ask_back_source

__all__ = [
    "MARKETING",
    "SERVICE",
    "Content",
    "TouchRequest",
    "Words",
    "are_products",
    "cancel_touches",
    "pause_source",
    "request_touches",
    "resume_source",
]
_BLOCK = 5_000
_SECOND = timedelta(seconds=1)
_LONGEST_TEXT = 10_000
_MOST_PRODUCTS = 50


class TouchInvalidError(DomainError):
    """A touch cannot be asked for like this."""

    code = "touch_invalid"
    status = 422


def request_touches(requests: Sequence[TouchRequest], *, clock: Clock) -> list[int]:
    """Ask for touches, in the caller's transaction if there is one; returns their ids in the order of the requests.

    A key that was given before is the same touch, unchanged. Whether one goes out is decided when its time has come.
    Raises TouchInvalidError where one is not complete, and then takes none.
    """
    shape_of = _check(requests)
    wanted = {request.key: request for request in requests}
    _check_persons({request.customer_id for request in requests})
    ids: dict[str, int] = {}
    with transaction.atomic():
        # In the order of the keys, so that two callers wait for each other instead of meeting head on.
        ordered = sorted(wanted)
        for start in range(0, len(ordered), _BLOCK):
            block = [wanted[key] for key in ordered[start : start + _BLOCK]]
            ids |= _add(block, [shape_of[request.key] for request in block], clock.now())
    return [ids[request.key] for request in requests]


def _add(block: Sequence[TouchRequest], shapes: Sequence[int], now: datetime) -> dict[str, int]:
    """Write these touches, as far as their keys are new; returns the ids by key. `shapes` tells who shares what."""
    first: dict[int, TouchRequest] = {}
    for request, shape in zip(block, shapes, strict=True):
        first.setdefault(shape, request)
    place = {shape: number for number, shape in enumerate(first, 1)}
    told = list(first.values())
    keys = text_array([request.key for request in block])
    with connection.cursor() as cursor:
        cursor.execute(
            sql.ADD_TOUCHES,
            {
                "sources": text_array([r.source for r in told]),
                "steps": text_array([r.step for r in told]),
                "variants": text_array([r.variant for r in told]),
                "purposes": text_array([r.purpose for r in told]),
                "priorities": number_array([r.priority for r in told]),
                "channels": text_array([json.dumps(list(r.channels)) for r in told]),
                "contents": text_array([json.dumps(_content(r)) for r in told]),
                "hashes": text_array([r.content.digest for r in told]),
                "planned": text_array([r.planned_by[:200] for r in told]),
                "fallbacks": [f"{r.fallback_after / _SECOND} s" if r.fallback_after else None for r in told],
                "best": truth_array([r.best_time for r in told]),
                "keys": keys,
                "persons": number_array([r.customer_id for r in block]),
                "shapes": number_array([place[shape] for shape in shapes]),
                "after": instant_array([r.send_after for r in block]),
                "until": instant_array([r.not_after for r in block]),
                "now": now,
            },
        )
        cursor.execute(sql.IDS_BY_KEY, [keys])
        return {key: int(number) for key, number in cursor.fetchall()}


def _content(request: TouchRequest) -> dict[str, Any]:
    content = request.content.to_json()
    if request.valid_until:
        content.setdefault("valid_until", request.valid_until.isoformat())
    return content


def cancel_touches(
    *,
    source: str,
    clock: Clock,
    customer_ids: Sequence[int] | None = None,
    keys: Sequence[str] | None = None,
    reason: str = CANCELLED_BY_SOURCE,
    at_provider: bool = True,
) -> int:
    """Take back what has not gone out yet of a source, of these customers or keys or of all; returns how many.

    With `keys` also what followed those touches over further channels.

    What a worker has in hand at this moment is awaited, and then it has gone out. What waits at a provider that can
    stop it is asked back and ends when the provider says so, unless `at_provider` is False: a task can only be stopped
    for everybody it was made for. No further channel follows what has gone out. `reason` as in messaging.reasons.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        persons = None if customer_ids is None else sorted(set(customer_ids))
        ids = None
        if keys is not None:
            cursor.execute(sql.WITH_FOLLOWERS, [sorted(set(keys))])
            ids = [int(row[0]) for row in cursor.fetchall()]
        cursor.execute(
            sql.CANCEL, {"source": source, "persons": persons, "ids": ids, "now": clock.now(), "reason": reason}
        )
        cancelled = len(cursor.fetchall())
        if at_provider:
            ask_back_source(source, persons, clock.now(), ids=ids)
        else:
            cursor.execute(sql.END_FALLBACKS, {"source": source, "persons": persons, "ids": ids})
        return cancelled


def pause_source(*, source: str, clock: Clock) -> None:
    """Let nothing of a source go out until it is resumed, in the caller's transaction. Twice is once.

    What is planned waits, whatever planned it, and is refused when its time is over meanwhile.
    """
    PausedSource.objects.get_or_create(source=source, defaults={"at": clock.now()})


def resume_source(*, source: str, clock: Clock) -> None:
    """Let it go on, governed anew, in the caller's transaction. Twice is once."""
    if PausedSource.objects.filter(source=source).delete()[0]:
        with connection.cursor() as cursor:
            cursor.execute(sql.GO_ON, {"source": source, "now": clock.now()})


def _check(requests: Sequence[TouchRequest]) -> dict[str, int]:
    """By key the number of what a request shares with others: all but key, customer and time. It is looked at once."""
    shapes: dict[tuple[Any, ...], int] = {}
    shape_of: dict[str, int] = {}
    for request in requests:
        # The requests keep their contents alive, so an id stands for one.
        shape = (
            id(request.content),
            request.source,
            request.step,
            request.variant,
            request.purpose,
            request.priority,
            tuple(request.channels),
            request.planned_by,
            request.fallback_after,
            request.best_time,
            request.valid_until,
        )
        problem = _problem_of_one(request) or ("" if shape in shapes else _problem(request))
        if problem:
            raise TouchInvalidError(
                _("The message %(key)s cannot be planned: %(problem)s") % {"key": request.key[:100], "problem": problem}
            )
        shape_of[request.key] = shapes.setdefault(shape, len(shapes) + 1)
    return shape_of


def _problem_of_one(request: TouchRequest) -> str:
    """What is wrong with what each request has of its own: key and times."""
    if not request.key or len(request.key) > 200 or not is_storable(request.key):
        return _("%(name)s must have 1 to %(longest)s characters.") % {"name": "key", "longest": 200}
    if request.not_after < request.send_after:
        return _("it would have to be sent before its first moment.")
    return ""


def _problem(request: TouchRequest) -> str:
    """What is wrong with what it shares with others of its step."""
    if not request.source or len(request.source) > 100 or not is_storable(request.source):
        return _("%(name)s must have 1 to %(longest)s characters.") % {"name": "source", "longest": 100}
    if len(request.step) > 100 or len(request.variant) > 50:
        return _("step or variant is too long.")
    if request.purpose not in PURPOSES:
        return _("the purpose must be one of %(purposes)s.") % {"purposes": ", ".join(PURPOSES)}
    if not request.channels:
        return _("name at least one channel.")
    for named in request.channels:
        if find_channel(named.split("/", 1)[0]) is None:
            return _("there is no channel %(channel)s.") % {"channel": named[:100]}
    return _content_problem(request.content)


def _content_problem(content: Content) -> str:
    if not content.words and not content.template:
        return _("it says nothing: give a text in at least one language, or a template.")
    if content.valid_until is not None and content.valid_until.tzinfo is None:
        return _("valid_until needs an offset, like 2026-11-30T23:59:00+08:00.")
    if not are_products(content.products):
        return _("name at most %(most)s products, each by its code.") % {"most": _MOST_PRODUCTS}
    for language, words in content.words.items():
        texts = (language, words.title, words.text, words.link, *content.params.values(), *content.extra.values())
        if any(len(text) > _LONGEST_TEXT or not is_storable(text) for text in texts):
            return _("a text is too long or holds characters that cannot be stored.")
        if words.link and not words.link.startswith(("https://", "http://")):
            return _("the link must begin with https:// or http://.")
        if not words.text.strip() and not content.template:
            return _("the text in %(language)s is empty.") % {"language": language}
    return ""


def are_products(codes: Sequence[str]) -> bool:
    """Whether a message can name these products: not too many, each by a code of at most 200 characters."""
    return len(codes) <= _MOST_PRODUCTS and all(0 < len(code) <= 200 and is_storable(code) for code in codes)


def _check_persons(persons: set[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.UNKNOWN_PERSONS, [number_array(sorted(persons))])
        for (unknown,) in cursor.fetchall():
            raise TouchInvalidError(_("There is no customer #%(id)s.") % {"id": unknown})
