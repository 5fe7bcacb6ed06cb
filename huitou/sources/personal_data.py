"""What imports and events keep of a person."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from huitou.core.models import StoredAnswer
from huitou.customers.identifier_kind import Key
from huitou.customers.mentions import Mentions, find_mentions
from huitou.customers.needles import Needles
from huitou.sources.consuming.identities import identifiers_in
from huitou.sources.kept_files import Looks, forget_in_files, forget_in_imports, look_in_files
from huitou.sources.models import DeadLetter, EventDetail, InboxEvent

_BLOCK = 1000
PERSONAL = ("ImportRun", "InboxEvent", "DeadLetter", "EventDetail")
IMPERSONAL = {
    "Consumer": "names of our own processes",
    "OrderEvent": "typed order facts under a person's number; free text never gets in",
    "OrderVersion": "order numbers and a digest",
    "PlanVersion": "what the brand declared",
    "PlanProblem": "names of events and properties, with the kind of a value",
    "Feed": "names of feeds",
    "FeedDay": "counts",
    "Connection": "what was set of an outside system, and what it said, redacted",
}


def export(person_ids: Sequence[int], identifiers: Sequence[Key]) -> dict[str, Any]:
    """The personal part of the person's events; what is counted of them lies in the lake without a name."""
    rows = EventDetail.objects.filter(person_id__in=person_ids).order_by("occurred_at", "event_hash")
    return {
        "event_details": [
            {
                "event_id": row.event_hash.hex,
                "person_id": row.person_id,
                "occurred_at": row.occurred_at.isoformat(),
                "properties": row.properties,
            }
            for row in rows
        ]
    }


@dataclass(frozen=True)
class Looked:
    """Events on their way and files, as they were before anything was locked."""

    needles: Needles
    waiting: Held
    letters: Held
    files: Looks
    details: Mentions


def look(person_ids: Sequence[int], identifiers: Sequence[Key]) -> Looked | None:
    """Read every waiting and refused event and every file that may hold the person."""
    needles = Needles(identifiers)
    if not needles:
        return None
    # Inside a transaction rows are read as they come; outside of one PostgreSQL would keep a copy of them all.
    with transaction.atomic():
        waiting, letters = _look_at(InboxEvent, needles), _look_at(DeadLetter, needles)
    details = find_mentions(EventDetail, "properties::text", needles, person_ids)
    return Looked(needles, waiting, letters, look_in_files(needles, settings.HOME), details)


def erase(person_ids: Sequence[int], identifiers: Sequence[Key], looked: Looked | None = None) -> dict[str, int]:
    """Details of events, waiting and refused events that name the person, kept files, and cells that imports quote."""
    counts = {"event_details": EventDetail.objects.filter(person_id__in=person_ids).delete()[0]}
    needles = looked.needles if looked else Needles(identifiers)
    if needles:
        counts["details_of_others"] = _erase_in_details(person_ids, needles, looked.details if looked else None)
        counts["waiting_events"] = _delete_held(InboxEvent, needles, looked.waiting if looked else None)
        counts["dead_letters"] = _delete_held(DeadLetter, needles, looked.letters if looked else None)
        counts |= forget_in_files(needles, settings.HOME, looked.files if looked else None)
        counts["imports"] = forget_in_imports(needles)
        counts["answers"] = _forget_in_answers(needles)
    return counts


def _erase_in_details(person_ids: Sequence[int], needles: Needles, before: Mentions | None) -> int:
    """Take out of the details of others' events what tells of the person: whom they invited, whose number they gave."""
    found = find_mentions(EventDetail, "properties::text", needles, person_ids, before)
    hinted = sorted(found.keys)
    changed = 0
    for start in range(0, len(hinted), _BLOCK):
        for detail in EventDetail.objects.filter(pk__in=hinted[start : start + _BLOCK]).order_by("pk"):
            left = needles.without(detail.properties)
            if left is None:
                detail.delete()
            elif left != detail.properties:
                EventDetail.objects.filter(pk=detail.pk).update(properties=left)
            else:
                continue
            changed += 1
    return changed


def _forget_in_answers(needles: Needles) -> int:
    """Blank names of files in what the API answered to uploads and imports, which it keeps for repetitions."""
    changed = 0
    for answer in StoredAnswer.objects.filter(body__contains="file_name").order_by("pk"):
        told = json.loads(answer.body)
        held = [name for name in ("file_name", "lines_file_name") if needles.in_file_name(told.get(name) or "")]
        held += ["error"] if needles.in_text(told.get("error") or "") else []
        if held:
            body = json.dumps({**told, **dict.fromkeys(held, _("erased"))}, ensure_ascii=False)
            changed += StoredAnswer.objects.filter(pk=answer.pk).update(body=body)
    return changed


@dataclass(frozen=True)
class Held:
    """Rows that were looked at, and those among them that are the person's.

    A row is known by what changes with its payload, never by a number up to which all was seen: what began earlier
    may commit later, under a lower number. A waiting event keeps its payload for ever; a letter may be mended.
    """

    seen: frozenset[Any]
    own: frozenset[Any]


_KNOWN_BY: dict[type[Model], tuple[str, ...]] = {InboxEvent: ("pk",), DeadLetter: ("pk", "digest")}


def _look_at(model: type[Model], needles: Needles) -> Held:
    return _look_through(model._default_manager.all(), _KNOWN_BY[model], needles)


def _look_through(rows: QuerySet[Any], known_by: tuple[str, ...], needles: Needles) -> Held:
    seen, own = set(), set()
    for *key, payload, shared in rows.values_list(*known_by, "payload", "shared").iterator(chunk_size=2000):
        known = _known(key)
        seen.add(known)
        if _is_about(needles, bytes(payload), None if shared is None else bytes(shared)):
            own.add(known)
    return Held(frozenset(seen), frozenset(own))


def _known(key: Sequence[Any]) -> Any:
    return key[0] if len(key) == 1 else (key[0], *map(bytes, key[1:]))


def _look_again(model: type[Model], needles: Needles, before: Held) -> frozenset[Any]:
    """The person's rows as of now; those that were looked at before are not read again."""
    rows, known_by = model._default_manager.all(), _KNOWN_BY[model]
    present = {_known(key) for key in rows.values_list(*known_by).iterator(chunk_size=20_000)}
    own = set(before.own & present)
    fresh = sorted(key if isinstance(key, int) else key[0] for key in present - before.seen)
    for start in range(0, len(fresh), _BLOCK):
        own |= _look_through(rows.filter(pk__in=fresh[start : start + _BLOCK]), known_by, needles).own
    return frozenset(own)


def _delete_held(model: type[Model], needles: Needles, before: Held | None) -> int:
    """Delete events that are the person's.

    Rows that a consumer has in hand at this moment are its own: what it makes of them is somebody new. Waiting for
    them would be a deadlock, for it waits for the resolution lock.
    """
    own = _look_at(model, needles).own if before is None else _look_again(model, needles, before)
    held = [key if isinstance(key, int) else key[0] for key in own]
    rows = model._default_manager.all()
    free = list(rows.filter(pk__in=held).select_for_update(skip_locked=True).values_list("pk", flat=True))
    return rows.filter(pk__in=free).delete()[0] if free else 0


def _is_about(needles: Needles, payload: bytes, shared: bytes | None) -> bool:
    """Whether an event is the person's or tells of the person.

    A name tells only where nothing else does: an event of somebody with an identifier may be a namesake's.
    """
    told = identifiers_in(_object(payload), _object(shared))
    if told & needles.keys:
        return True
    return any(needles.in_bytes(part, names=not told) for part in (payload, shared) if part is not None)


def _object(raw: bytes | None) -> dict[str, Any]:
    try:
        value = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
