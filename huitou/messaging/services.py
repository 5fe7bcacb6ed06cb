"""Every write to touches by programs: asking for them and taking them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.core.http_api.fields import is_storable
from huitou.customers.models import Person
from huitou.messaging import sql
from huitou.messaging.channel import find_channel
from huitou.messaging.content import MARKETING, PURPOSES, SERVICE, Content, TouchRequest, Words
from huitou.messaging.models import Touch
from huitou.messaging.recalling import ask_back_source

__all__ = ["MARKETING", "SERVICE", "Content", "TouchRequest", "Words", "cancel_touches", "request_touches"]
_BLOCK = 5_000
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
    for request in requests:
        _check(request)
    wanted = {request.key: request for request in requests}
    _check_persons({request.customer_id for request in requests})
    ids: dict[str, int] = {}
    with transaction.atomic():
        # In the order of the keys, so that two callers wait for each other instead of meeting head on.
        ordered = sorted(wanted)
        for start in range(0, len(ordered), _BLOCK):
            keys = ordered[start : start + _BLOCK]
            Touch.objects.bulk_create((_touch(wanted[key], clock) for key in keys), ignore_conflicts=True)
            ids |= dict(Touch.objects.filter(key__in=keys).values_list("key", "pk"))
    return [ids[request.key] for request in requests]


def _touch(request: TouchRequest, clock: Clock) -> Touch:
    content = request.content.to_json()
    if request.valid_until:
        content.setdefault("valid_until", request.valid_until.isoformat())
    return Touch(
        key=request.key,
        person_id=request.customer_id,
        source=request.source,
        step=request.step,
        variant=request.variant,
        purpose=request.purpose,
        priority=request.priority,
        channels=list(request.channels),
        content=content,
        content_hash=request.content.digest,
        planned_by=request.planned_by[:200],
        send_after=request.send_after,
        not_after=request.not_after,
        fallback_after=request.fallback_after,
        best_time=request.best_time,
        created_at=clock.now(),
        next_at=request.send_after,
        lake_version=1,
    )


def cancel_touches(
    *, source: str, clock: Clock, customer_ids: Sequence[int] | None = None, keys: Sequence[str] | None = None
) -> int:
    """Take back what has not gone out yet of a source, of these customers or keys or of all; returns how many.

    With `keys` also what followed those touches over further channels.

    What a worker has in hand at this moment is awaited, and then it has gone out. What waits at a provider that can
    stop it is asked back and ends when the provider says so. No further channel follows what has gone out.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        persons = None if customer_ids is None else sorted(set(customer_ids))
        ids = None
        if keys is not None:
            cursor.execute(sql.WITH_FOLLOWERS, [sorted(set(keys))])
            ids = [int(row[0]) for row in cursor.fetchall()]
        cursor.execute(sql.CANCEL, {"source": source, "persons": persons, "ids": ids, "now": clock.now()})
        cancelled = len(cursor.fetchall())
        ask_back_source(source, persons, clock.now(), ids=ids)
        return cancelled


def _check(request: TouchRequest) -> None:
    problem = _problem(request)
    if problem:
        raise TouchInvalidError(
            _("The message %(key)s cannot be planned: %(problem)s") % {"key": request.key[:100], "problem": problem}
        )


def _problem(request: TouchRequest) -> str:
    for name, longest in (("key", 200), ("source", 100)):
        value: Any = getattr(request, name)
        if not value or len(value) > longest or not is_storable(value):
            return _("%(name)s must have 1 to %(longest)s characters.") % {"name": name, "longest": longest}
    if len(request.step) > 100 or len(request.variant) > 50:
        return _("step or variant is too long.")
    if request.purpose not in PURPOSES:
        return _("the purpose must be one of %(purposes)s.") % {"purposes": ", ".join(PURPOSES)}
    if not request.channels:
        return _("name at least one channel.")
    for named in request.channels:
        if find_channel(named.split("/", 1)[0]) is None:
            return _("there is no channel %(channel)s.") % {"channel": named[:100]}
    if request.not_after < request.send_after:
        return _("it would have to be sent before its first moment.")
    return _content_problem(request.content)


def _content_problem(content: Content) -> str:
    if not content.words and not content.template:
        return _("it says nothing: give a text in at least one language, or a template.")
    if content.valid_until is not None and content.valid_until.tzinfo is None:
        return _("valid_until needs an offset, like 2026-11-30T23:59:00+08:00.")
    if len(content.products) > _MOST_PRODUCTS or not all(
        0 < len(s) <= 200 and is_storable(s) for s in content.products
    ):
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


def _check_persons(persons: set[int]) -> None:
    known = set(Person.objects.filter(pk__in=persons).values_list("pk", flat=True))
    for unknown in sorted(persons - known)[:1]:
        raise TouchInvalidError(_("There is no customer #%(id)s.") % {"id": unknown})
