"""Dead letters mended: replayed, each once, or discarded. Replaying puts an event back into the inbox as it arrived."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from huitou.accounts.models import User
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.core.terminal import Report, silent
from huitou.sources.intake.details import error_words
from huitou.sources.intake.messages import (
    MAX_EVENT_BYTES,
    TOO_DEEP,
    Head,
    decode_head,
    is_too_deep,
    message_id_of,
    parse_instant,
    tells_consent,
)
from huitou.sources.intake.refusals import REASONS
from huitou.sources.masking import restored_payload
from huitou.sources.models import DeadLetter, InboxEvent

_RANGES = 40
_BLOCK = 1000


class LetterUnknownError(DomainError):
    """There is no such dead letter, or it waits for nobody any more."""

    code = "letter_unknown"
    status = 404


class LetterInvalidError(DomainError):
    """A dead letter cannot be replayed as asked."""

    code = "letter_invalid"
    status = 422


@dataclass(frozen=True)
class Replayed:
    """How many letters went back into the inbox, and which of the asked ones were not open any more, or cut."""

    count: int
    skipped: tuple[int, ...] = ()


def list_letters(*, source: str = "", reason: str = "", state: str = "open") -> QuerySet[DeadLetter]:
    """Dead letters, newest first. Raises LetterInvalidError for a reason that there is not."""
    if reason and reason not in REASONS:
        raise LetterInvalidError(
            _("There is no reason %(reason)s. The reasons: %(known)s.")
            % {"reason": reason[:50], "known": ", ".join(REASONS)}
        )
    found = DeadLetter.objects.filter(state=state).order_by("-pk")
    if source:
        found = found.filter(source=source)
    return found.filter(reason=reason) if reason else found


def replay_letters(
    *,
    clock: Clock,
    ids: Sequence[int] = (),
    source: str = "",
    reason: str = "",
    at_receipt: bool = False,
    actor: User | None = None,
    actor_label: str = "cli",
    report: Report = silent,
) -> Replayed:
    """Put open letters back into the inbox: these, or all of a feed or reason. A letter goes at most once, a cut one
    never: of it only the beginning is there.

    They arrive as they did the first time, so their time is corrected as it would have been; with `at_receipt`, they
    count as having happened when they arrived, for devices whose clock is wrong. Should one be refused again, its
    letter is open again. Raises LetterUnknownError where `ids` name no letter at all.
    """
    chosen = list_letters(source=source, reason=reason).filter(size__lte=MAX_EVENT_BYTES).order_by("pk")
    if ids:
        chosen = chosen.filter(pk__in=ids)
        if unknown := sorted(set(ids) - set(DeadLetter.objects.filter(pk__in=ids).values_list("pk", flat=True))):
            text = ngettext("There is no dead letter %(ids)s.", "There are no dead letters %(ids)s.", len(unknown))
            raise LetterUnknownError(text % {"ids": ", ".join(map(str, unknown[:20]))})
    count = 0
    done: set[int] = set()
    # Upward and no further than what is open now: a letter that a consumer opens again meanwhile keeps its number.
    found = chosen.aggregate(last=Max("pk"), total=Count("pk"))
    last, reached = found["last"] or 0, 0
    while True:
        # In blocks: a replay of a hundred thousand letters must not hold them all.
        with transaction.atomic():
            left = chosen.filter(pk__gt=reached, pk__lte=last)
            block = list(left.select_for_update(skip_locked=True)[:_BLOCK])
            if not block:
                break
            reached = block[-1].pk
            _put_back(block, clock=clock, at_receipt=at_receipt)
            record_audit(
                action="event.replayed",
                clock=clock,
                actor=actor,
                actor_label=actor_label,
                count=len(block),
                detail={"source": source, "reason": reason, "letters": _in_ranges([letter.pk for letter in block])},
            )
        count += len(block)
        report(count, max(count, found["total"]), _("taking events in again"))
        if ids:
            done |= {letter.pk for letter in block}
    return Replayed(count, tuple(sorted(set(ids) - done)))


def replay_edited(
    *, letter_id: int, payload: bytes, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> None:
    """Replay one letter with another payload, under the id that it had; marks in it stand for what they hide.

    Raises LetterUnknownError where it is not open, LetterInvalidError where the payload is no JSON object or too long,
    MarkUnknownError for a mark that the letter does not have.
    """
    with transaction.atomic():
        letter = DeadLetter.objects.select_for_update().filter(pk=letter_id, state="open").first()
        if letter is None:
            raise LetterUnknownError(_("Dead letter %(id)s is not open.") % {"id": letter_id})
        before = bytes(letter.payload)
        payload = _readable_event(payload, before)
        message_id = letter.message_id or _own_id(letter)
        letter.payload, letter.size = payload, len(payload)
        letter.digest = hashlib.blake2b(letter.source.encode() + b"\0" + payload, digest_size=16).digest()
        _put_back([letter], clock=clock, at_receipt=False, message_id=message_id)
        record_audit(
            action="event.edited",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=str(letter.pk),
            # What it said may be personal: that it was changed is on record, and by its hash, which text it was.
            detail={"before": hashlib.sha256(before).hexdigest(), "after": hashlib.sha256(payload).hexdigest()},
        )


def discard_letters(
    *,
    clock: Clock,
    ids: Sequence[int] = (),
    source: str = "",
    reason: str = "",
    actor: User | None = None,
    actor_label: str = "cli",
) -> int:
    """Decide against open letters: these, or all of a feed or reason; they stay on record for a while.

    Returns how many were open. Raises LetterInvalidError where nothing says which.
    """
    if not (ids or source or reason):
        raise LetterInvalidError(_("Say which dead letters to discard: numbers, a feed or a reason."))
    chosen = list_letters(source=source, reason=reason).order_by("pk")
    if ids:
        chosen = chosen.filter(pk__in=ids)
    with transaction.atomic():
        locked = list(chosen.select_for_update().values_list("pk", flat=True))
        DeadLetter.objects.filter(pk__in=locked).update(state="discarded", last_at=clock.now())
        if locked:
            record_audit(
                action="event.discarded",
                clock=clock,
                actor=actor,
                actor_label=actor_label,
                count=len(locked),
                detail={"source": source, "reason": reason, "letters": _in_ranges(locked)},
            )
    return len(locked)


def _in_ranges(numbers: Sequence[int]) -> list[str]:
    """Rising numbers as an entry holds them: 3-5, 9; of very many ranges the first, and where the last one ends."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1][1:] = [number]
        else:
            ranges.append([number])
    told = ["-".join(map(str, found)) for found in ranges]
    return told if len(told) <= _RANGES else [*told[:_RANGES], "…", str(numbers[-1])]


@dataclass(frozen=True)
class Fullness:
    """How many letters of a feed wait, of how many that may."""

    source: str
    waiting: int
    limit: int

    @property
    def is_near(self) -> bool:
        """Whether somebody should see to it now."""
        return self.waiting >= self.limit * 0.8

    @property
    def is_full(self) -> bool:
        """Whether refused events of this feed are taken no more."""
        return self.waiting >= self.limit


def measure_fullness() -> list[Fullness]:
    """Every feed that has open letters, the fullest first."""
    counted = DeadLetter.objects.filter(state="open").values_list("source").annotate(n=Count("pk"))
    found = [Fullness(source, waiting, settings.LETTERS_MAX_OPEN) for source, waiting in counted]
    return sorted(found, key=lambda fullness: (-fullness.waiting, fullness.source))


def _readable_event(edited: bytes, before: bytes) -> bytes:
    """An edited event with what its marks hide. Raises LetterInvalidError or MarkUnknownError."""
    try:
        if is_too_deep(edited):
            raise msgspec.ValidationError(TOO_DEEP)
        payload = restored_payload(edited, before)
        decode_head(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise LetterInvalidError(_("This is not an event: %(reason)s.") % {"reason": error_words(error)}) from error
    if max(len(edited), len(payload)) > MAX_EVENT_BYTES:
        raise LetterInvalidError(_("An event has at most %(limit)s KB.") % {"limit": MAX_EVENT_BYTES // 1024})
    return payload


def _put_back(letters: Sequence[DeadLetter], *, clock: Clock, at_receipt: bool, message_id: str | None = None) -> None:
    now = clock.now()
    rows = []
    for letter in letters:
        payload = bytes(letter.payload)
        rows.append(
            InboxEvent(
                received_at=letter.received_at,
                key_id=letter.key_id,
                # A device that sent when it says it happened was right by as much as it was wrong.
                sent_at=(_told_time(payload) or letter.sent_at) if at_receipt else letter.sent_at,
                shared=letter.shared,
                message_id=message_id or _own_id(letter),
                letter_id=letter.pk,
                urgent=tells_consent(payload),
                payload=payload,
            )
        )
        letter.state, letter.replayed_at, letter.last_at = "replayed", now, now
        letter.attempts += 1
    InboxEvent.objects.bulk_create(rows)
    fields = ["state", "replayed_at", "last_at", "attempts", "payload", "size", "digest"]
    DeadLetter.objects.bulk_update(letters, fields, batch_size=_BLOCK)


def _head(payload: bytes) -> Head | None:
    try:
        return decode_head(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _own_id(letter: DeadLetter) -> str | None:
    """The id for an event whose sender gave none and that has none by its content; None where it has one."""
    head = _head(bytes(letter.payload))
    if head is None:
        return letter.message_id or f"letter:{letter.pk}"
    told = message_id_of(head, bytes(letter.payload), 0)
    return f"letter:{letter.pk}" if told.startswith("arrival:") else told[:200]


def _told_time(payload: bytes) -> datetime | None:
    head = _head(payload)
    told = head and (head.original_timestamp or head.timestamp)
    try:
        return parse_instant(told) if told else None
    except ValueError:
        return None
