"""Out of the door, at most once: decided and written down, sent, and then noted what came of it.

An attempt is committed before it is its message's turn, and marked as leaving, committed again, before the first byte
leaves. A process that dies in between leaves attempts that nobody answers for; the next one to come finds that their
process is gone, calls those that were leaving unknown and plans the others anew. What is unknown is never sent again by
itself.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from huitou.core.clock import Clock
from huitou.core.errors import kind_and_place
from huitou.core.faultpoints import reach
from huitou.customers.queries import customers_of, decided_consents, members_of
from huitou.messaging import sql
from huitou.messaging.accounts import config_of, stop_account
from huitou.messaging.channel import ACCEPTED, REFUSED, Outcome, Outgoing, refused, unknown
from huitou.messaging.deciding import Allowed, decide_due
from huitou.messaging.hours import next_allowed
from huitou.messaging.models import FAILED, PLANNED, SENT, UNKNOWN, ChannelAccount, Touch
from huitou.messaging.receiving import take_strays
from huitou.messaging.rules import current_rules
from huitou.messaging.standing import paused_sources
from huitou.messaging.telling import tell
from huitou.messaging.trying import next_try, tries_of

logger = logging.getLogger(__name__)
# Customers judged in one sitting: few enough that what is allowed leaves within seconds.
SITTING = 200
_CHANGED = "changed_before_sending"


@dataclass(frozen=True)
class Sent:
    """What one run came to."""

    judged: int = 0
    accepted: int = 0
    refused: int = 0
    unknown: int = 0

    def __add__(self, other: Sent) -> Sent:
        return Sent(
            self.judged + other.judged,
            self.accepted + other.accepted,
            self.refused + other.refused,
            self.unknown + other.unknown,
        )


def send_due(*, clock: Clock, limit: int = SITTING, most_sittings: int = 50) -> Sent:
    """Judge and send what is due until nothing is; returns counts. Any number of processes may do so at once."""
    recover_lost(clock=clock)
    return _sit_on(clock, limit, most_sittings, only_urgent=False)


def send_urgent(*, clock: Clock, limit: int = SITTING, most_sittings: int = 50) -> Sent:
    """The same for what has seconds only, beside whoever sends everything else: no slow provider is waited for."""
    with connection.cursor() as cursor:
        cursor.execute(sql.IS_URGENT_DUE, {"now": clock.now()})
        if not cursor.fetchone()[0]:
            return Sent()
    return _sit_on(clock, limit, most_sittings, only_urgent=True)


def _sit_on(clock: Clock, limit: int, most_sittings: int, *, only_urgent: bool) -> Sent:
    total = Sent()
    with run_held() as run_number:
        for _sitting in range(most_sittings):
            sent = _sit(run_number, clock, limit, only_urgent=only_urgent)
            total += sent
            if not sent.judged:
                break
    return total


@contextmanager
def run_held() -> Iterator[int]:
    """The number of a run that lives: whoever finds attempts of it can tell that their process is still there."""
    with connection.cursor() as cursor:
        cursor.execute(sql.NEW_RUN)
        number = int(cursor.fetchone()[0])
        cursor.execute(sql.HOLD_RUN, [number])
    try:
        yield number
    finally:
        with connection.cursor() as cursor:
            cursor.execute(sql.FREE_RUN, [number])


def _sit(run_number: int, clock: Clock, limit: int, *, only_urgent: bool) -> Sent:
    sitting = decide_due(run_number=run_number, now=clock.now(), limit=limit, only_urgent=only_urgent)
    reach("outbox.decided")
    total = Sent(judged=sitting.judged)
    by_account: dict[int, list[Allowed]] = {}
    for each in sitting.allowed:
        by_account.setdefault(each.account.row.pk, []).append(each)
    for together in by_account.values():
        size = max(together[0].account.channel.batch_size, 1)
        for start in range(0, len(together), size):
            total += hand_over(together[start : start + size], clock=clock)
    return total


def hand_over(batch: Sequence[Allowed], *, clock: Clock) -> Sent:
    """Send one batch of one account, and note what came of it."""
    gone = _no_longer_allowed(batch, clock.now())
    outcomes: list[Outcome | None] = [refused(_CHANGED) if n in gone else None for n in range(len(batch))]
    leaving = [n for n in range(len(batch)) if n not in gone]
    if leaving:
        reach("outbox.sending")
        sent = _send([batch[n] for n in leaving], clock)
        reach("outbox.sent")
        for n, outcome in zip(leaving, sent, strict=True):
            outcomes[n] = outcome
    return note_outcomes(list(zip(batch, [o for o in outcomes if o is not None], strict=True)), clock=clock)


def _no_longer_allowed(batch: Sequence[Allowed], now: datetime) -> set[int]:
    """Positions of those that may not leave any more: consent, erasing, pauses and hours are looked at just before."""
    customers = customers_of(each.touch.person_id for each in batch)
    members = members_of(set(customers.values()))
    way = batch[0].account.way
    decided = decided_consents(members, {(way.consent, each.touch.purpose) for each in batch}, now)
    with connection.cursor() as cursor:
        cursor.execute(sql.STILL_OPEN, [[each.attempt.pk for each in batch]])
        still = {int(row[0]) for row in cursor.fetchall()}
    erased = set(
        Touch.objects.filter(pk__in=[e.touch.pk for e in batch], person__erased_at__isnull=False).values_list(
            "pk", flat=True
        )
    )
    paused = paused_sources({each.touch.source for each in batch})
    quiet = not way.by_hand and next_allowed(now, way.quiet) != now
    return {
        n
        for n, each in enumerate(batch)
        if quiet
        or each.attempt.pk not in still
        or each.touch.pk in erased
        or each.touch.source in paused
        or each.touch.not_after < now
        or not decided.get((customers[each.touch.person_id], way.consent, each.touch.purpose), way.kept_elsewhere)
    }


def _send(batch: Sequence[Allowed], clock: Clock) -> Sequence[Outcome]:
    """One outcome per message; what has left, or may have, and was not answered for is unknown."""
    account = batch[0].account
    try:
        config = config_of(account.row)
    except Exception as error:
        logger.warning("channel account %s cannot be used: %s", account.row.pk, kind_and_place(error))
        return [refused("secrets_lost", account_trouble=True)] * len(batch)
    left = _Left(batch)
    messages = [each.outgoing for each in batch]
    try:
        if not account.channel.says_leaving:
            left(messages)
        outcomes = account.channel.send(replace(config, leaving=left), messages, clock)
    except Exception as error:
        why = kind_and_place(error)
        logger.warning("channel account %s broke off: %s", account.row.pk, why)
        return [unknown(why, code="broke_off") if m.key in left.keys else refused("broke_off", why) for m in messages]
    if len(outcomes) != len(batch):
        return [unknown(code="answer_unreadable")] * len(batch)
    return outcomes


class _Left:
    """Writes down what is leaving, before it does; `keys` are those of all messages that may have left."""

    def __init__(self, batch: Sequence[Allowed]) -> None:
        self.keys: set[str] = set()
        self._attempts = {each.outgoing.key: each.attempt.pk for each in batch}

    def __call__(self, messages: Sequence[Outgoing]) -> None:
        new = [message.key for message in messages if message.key not in self.keys]
        with connection.cursor() as cursor:
            cursor.execute(sql.SET_LEAVING, [[self._attempts[key] for key in new]])
            marked = cursor.rowcount
        if marked != len(new):
            raise TakenOverError
        self.keys.update(new)
        reach("outbox.leaving")


class TakenOverError(Exception):
    """Another process holds this one for gone, and may send these messages itself."""


def note_outcomes(told: Sequence[tuple[Allowed, Outcome]], *, clock: Clock) -> Sent:
    """Write down what came of a batch: attempts, touches, places given back, events, all in one transaction."""
    now = clock.now()
    rules = current_rules()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(sql.LOCK_TOUCHES, [sorted(each.touch.pk for each, _outcome in told)])
        counted = _set_outcomes(told, now)
        refusals = [each.touch.pk for each, outcome in told if outcome.kind == REFUSED]
        tries = tries_of(refusals, told[0][0].account.row.pk) if refusals else {}
        ends = []
        for each, outcome in told:
            if each.attempt.pk in counted:
                end = _end_of(each, outcome, tries.get(each.touch.pk, 1), rules.max_retries, now)
                ends.append((each, outcome, end))
        released = [each.touch.pk for each, outcome, _end in ends if outcome.kind == REFUSED]
        with connection.cursor() as cursor:
            cursor.execute(sql.RELEASE_SLOTS, [released])
        _set_ends([(each, end) for each, _outcome, end in ends], now)
        take_strays([each.attempt.pk for each, outcome in told if outcome.kind == ACCEPTED], clock=clock)
        _mark_account(told, now, clock)
        tell(
            [(each.touch, "sent" if o.kind == ACCEPTED else "failed") for each, o, end in ends if _is_told(o, end)],
            at=now,
            clock=clock,
        )
    reach("outbox.noted")
    kinds = [outcome.kind for _each, outcome in told]
    return Sent(accepted=kinds.count(ACCEPTED), refused=kinds.count(REFUSED), unknown=kinds.count("unknown"))


@dataclass(frozen=True)
class _End:
    state: str
    reason: str
    next_at: datetime | None = None
    channels: str | None = None
    sent_at: datetime | None = None
    fallback_at: datetime | None = None
    answerable: bool = False


def _is_told(outcome: Outcome, end: _End) -> bool:
    return outcome.kind == ACCEPTED or end.state == FAILED


def _end_of(each: Allowed, outcome: Outcome, number: int, max_retries: int, now: datetime) -> _End:
    """How a touch goes on after an outcome; `number` tells how often this account's provider has refused it."""
    touch = each.touch
    if outcome.kind == ACCEPTED:
        falls_back = touch.fallback_after is not None and len(touch.channels) > 1
        return _End(
            SENT,
            "allowed",
            sent_at=now,
            fallback_at=now + touch.fallback_after if falls_back and touch.fallback_after else None,
            answerable=bool(each.outgoing.link) or each.account.way.reports_reads,
        )
    if outcome.kind != REFUSED:
        return _End(UNKNOWN, "no_answer", sent_at=now)
    if outcome.code == _CHANGED:
        return _End(PLANNED, _CHANGED, next_at=now)
    tried = next_try(touch, number, outcome, each.account, max_retries, now)
    if tried is not None:
        return _End(PLANNED, tried.reason, next_at=tried.at, channels=tried.channels)
    return _End(FAILED, "provider_refused")


def _set_outcomes(told: Sequence[tuple[Allowed, Outcome]], now: datetime) -> set[int]:
    rows = [
        (
            each.attempt.pk,
            outcome.kind,
            outcome.provider_ref[:200],
            max(outcome.parts, 1),
            0
            if outcome.kind == REFUSED
            else each.account.channel.cost_minor(each.account.row.settings, max(outcome.parts, 1)),
            outcome.code[:50],
            outcome.message[:500],
            outcome.permanent,
        )
        for each, outcome in told
    ]
    names = ("ids", "outcomes", "refs", "parts", "costs", "codes", "messages", "permanents")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(sql.SET_OUTCOMES, {**columns, "now": now})
        return {int(row[0]) for row in cursor.fetchall()}


def _set_ends(ends: Sequence[tuple[Allowed, _End]], now: datetime) -> None:
    if not ends:
        return
    names = ("ids", "states", "reasons", "next_ats", "channels", "sent_ats", "fallback_ats", "answerables")
    rows = [(each.touch.pk, *vars(end).values()) for each, end in ends]
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(sql.SET_ENDS, {**columns, "now": now})


def _mark_account(told: Sequence[tuple[Allowed, Outcome]], now: datetime, clock: Clock) -> None:
    """What the batch says about the account itself: it works, it wants to be left alone, or it is refused."""
    account = told[0][0].account.row
    trouble = next((o for _each, o in told if o.account_trouble), None)
    waits = (o.retry_after for _each, o in told if o.retry_after is not None and not o.waits_alone)
    later = max(waits, default=None)
    if trouble is not None:
        stop_account(account_id=account.pk, code=trouble.code, detail=trouble.message, clock=clock)
    elif later is not None:
        ChannelAccount.objects.filter(pk=account.pk).update(next_at=now + min(later, timedelta(days=1)))
    if any(o.kind == ACCEPTED for _each, o in told):
        ChannelAccount.objects.filter(pk=account.pk).update(last_ok_at=now)


def recover_lost(*, clock: Clock) -> int:
    """Call unknown what processes that are gone were sending, and plan anew what had not left; returns the unknown."""
    lost = 0
    with connection.cursor() as cursor:
        cursor.execute(sql.OPEN_RUNS)
        for (number,) in cursor.fetchall():
            cursor.execute(sql.TRY_RUN, [number])
            if not cursor.fetchone()[0]:
                continue
            try:
                lost += _call_unknown(number, clock)
            finally:
                cursor.execute(sql.FREE_RUN, [number])
    return lost


def _call_unknown(number: int, clock: Clock) -> int:
    given: dict[str, Any] = {"run": number, "now": clock.now()}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.UNSENT_ATTEMPTS, given)
        unsent = [int(row[0]) for row in cursor.fetchall()]
        cursor.execute(sql.RELEASE_SLOTS, [unsent])
        cursor.execute(sql.UNSENT_TOUCHES, {"ids": unsent, "now": clock.now()})
        cursor.execute(sql.LOST_ATTEMPTS, given)
        touches = [int(row[0]) for row in cursor.fetchall()]
        cursor.execute(sql.LOST_TOUCHES, {"ids": touches})
        return len(cursor.fetchall())
