"""Tags: made, put in groups, given and taken; set-wise, each giving with its origin, time and expiry."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock, SystemClock
from huitou.core.errors import DomainError
from huitou.segments import sql
from huitou.segments.models import Tag, TagAssignment, TagBatch, TagGroup

ORIGINS = tuple(origin for origin, _label in TagAssignment.ORIGINS)
# The audit log tells when somebody acted; the example brand lives in its own past.
_MACHINE = SystemClock()
_NAME = re.compile(r"[^\x00-\x1f\"'|]{1,60}")


class TagRefusedError(DomainError):
    """A tag, group or giving that cannot be."""

    code = "tag_refused"
    status = 422


class TagUnknownError(DomainError):
    """There is no such tag."""

    code = "tag_unknown"
    status = 404


def create_tag_group(*, name: str, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> TagGroup:
    """A group of that name, made where there is none. Raises TagRefusedError."""
    name = _checked_name(name)
    with transaction.atomic():
        group, made = TagGroup.objects.get_or_create(name=name, defaults={"position": TagGroup.objects.count()})
        if made:
            _audit("tag_group.created", actor, actor_label, target=name)
    return group


def create_tag(
    *,
    name: str,
    clock: Clock,
    group: str = "",
    description: str = "",
    actor: User | None = None,
    actor_label: str = "cli",
) -> Tag:
    """The tag of that name; one that is there gets the group and description, where any are given.

    An archived tag is offered again. Raises TagRefusedError.
    """
    name = _checked_name(name)
    with transaction.atomic():
        chosen = create_tag_group(name=group, clock=clock, actor=actor, actor_label=actor_label) if group else None
        tag, made = Tag.objects.select_for_update().get_or_create(
            name=name, defaults={"group": chosen, "description": description[:300], "created_at": clock.now()}
        )
        before = {"group": tag.group.name if tag.group else "", "description": tag.description}
        tag.group = chosen or tag.group
        tag.description = description[:300] or tag.description
        after = {"group": tag.group.name if tag.group else "", "description": tag.description}
        if made or before != after or tag.archived_at:
            tag.archived_at = None
            tag.save()
            action = "tag.created" if made else "tag.changed"
            _audit(action, actor, actor_label, target=name, detail={} if made else {"before": before, "after": after})
    return tag


def archive_tag(*, name: str, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> Tag:
    """Offer the tag nowhere any more; who carries it keeps it. Twice is once. Raises TagUnknownError."""
    with transaction.atomic():
        tag = find_tag(name, lock=True)
        if tag.archived_at is None:
            tag.archived_at = clock.now()
            tag.save(update_fields=["archived_at"])
            _audit("tag.archived", actor, actor_label, target=name)
    return tag


def give_tags(
    *,
    customer_ids: Iterable[int],
    tag: str,
    clock: Clock,
    origin: str = "manual",
    origin_ref: str = "",
    expires_at: datetime | None = None,
    key: str = "",
    actor: User | None = None,
    actor_label: str = "cli",
) -> int:
    """Let customers carry a tag; returns how many did not have it by this origin before.

    Given again, the longer expiry counts. A `key` that was used before changes nothing and returns what it did then.
    Numbers of persons stand for their customers; erased and unknown ones are passed over. `clock` is the brand's.
    Raises TagUnknownError, or TagRefusedError for an expiry that is past.
    """
    now = clock.now()
    assert origin in ORIGINS, f"{origin!r} is no origin of a tag"
    if expires_at is not None and expires_at <= now:
        raise TagRefusedError(_("The tag would expire before it is given; choose a later day."))
    with transaction.atomic(), connection.cursor() as cursor:
        if (done := _done_before(key)) is not None:
            return done
        found = find_tag(tag)
        if found.archived_at is not None:
            raise TagRefusedError(_("The tag %(name)s is archived; restore it first.") % {"name": tag})
        values: dict[str, Any] = {
            "persons": list(customer_ids),
            "tag": found.pk,
            "origin": origin,
            "origin_ref": origin_ref[:100],
            "now": now,
            "label": who(actor, actor_label),
            "expires": expires_at,
        }
        values["customers"] = _lock(cursor, values)
        cursor.execute(sql.CLOSE_EXPIRED, values)
        cursor.execute(sql.GIVE, values)
        count = sum(bool(row[0]) for row in cursor.fetchall())
        detail = {"origin": origin, "origin_ref": origin_ref}
        _finish_batch("tag.given", tag, count, key, now, actor, actor_label, detail)
    return count


def take_tags(
    *,
    customer_ids: Iterable[int],
    tag: str,
    clock: Clock,
    origin: str = "manual",
    only: tuple[str, str] | None = None,
    key: str = "",
    actor: User | None = None,
    actor_label: str = "cli",
) -> int:
    """Take a tag from customers, whatever gave it, or only what one origin and reference gave; returns from how many.

    A rule does not give back what somebody took by hand. Taken twice is once; `key` as for `give_tags`.
    Raises TagUnknownError.
    """
    assert origin in ORIGINS, f"{origin!r} is no origin of a tag"
    now = clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        if (done := _done_before(key)) is not None:
            return done
        found = find_tag(tag)
        kind, ref = only or ("", "")
        values: dict[str, Any] = {
            "persons": list(customer_ids),
            "tag": found.pk,
            "origin": origin,
            "only": kind,
            "only_ref": ref,
            "now": now,
            "label": who(actor, actor_label),
        }
        values["customers"] = _lock(cursor, values)
        cursor.execute(sql.TAKE, values)
        count = len({row[0] for row in cursor.fetchall()})
        _finish_batch("tag.taken", tag, count, key, now, actor, actor_label, {"origin": origin})
    return count


def _lock(cursor: Any, values: dict[str, Any]) -> list[int]:
    cursor.execute(sql.LOCK_CUSTOMERS, values)
    return [int(row[0]) for row in cursor.fetchall()]


def _done_before(key: str) -> int | None:
    """What the batch of this key did, if it was done; two callers at once wait for each other."""
    if not key:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('huitou.tags'), hashtext(%s))", [key])
    return TagBatch.objects.filter(key=key).values_list("count", flat=True).first()


def _finish_batch(
    action: str, tag: str, count: int, key: str, now: datetime, actor: User | None, label: str, detail: dict[str, str]
) -> None:
    if key:
        TagBatch.objects.create(key=key, count=count, at=now)
    if count:
        _audit(action, actor, label, target=tag, count=count, detail={k: v for k, v in detail.items() if v})


def find_tag(name: str, *, lock: bool = False) -> Tag:
    """The tag of that name, perhaps held until the transaction's end. Raises TagUnknownError."""
    tags = Tag.objects.select_for_update() if lock else Tag.objects.all()
    tag = tags.filter(name=name.strip()).first()
    if tag is None:
        raise TagUnknownError(_("There is no tag %(name)s; make it first.") % {"name": name})
    return tag


def is_tag_name(name: str) -> bool:
    """Whether a tag or a group can have that name."""
    return bool(_NAME.fullmatch(" ".join(name.split())))


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not is_tag_name(name):
        raise TagRefusedError(_("A name has 1 to 60 characters and no quotation marks or bars."))
    return name


def who(actor: User | None, label: str) -> str:
    """Whose name stands on what is written."""
    return (actor.get_username() if actor else label)[:150]


def _audit(
    action: str,
    actor: User | None,
    actor_label: str,
    *,
    target: str = "",
    count: int = 1,
    detail: dict[str, Any] | None = None,
) -> None:
    record_audit(
        action=action,
        clock=_MACHINE,
        actor=actor,
        actor_label=actor_label,
        target=target,
        count=count,
        detail=detail,
    )
