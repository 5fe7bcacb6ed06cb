"""Taking back what a provider accepted and has not delivered: mass messages that wait for a member to confirm them.

A launch that was stopped, a consent that was withdrawn, a holdout, and the next channel that is about to take over all
ask for it; the asking is written down first, the provider is asked then, and only its certain answer ends the touch.
Who shares the task with somebody who asked is planned again, since a task can only be stopped as a whole.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from huitou.core.clock import Clock
from huitou.core.errors import kind_and_place
from huitou.core.faultpoints import reach
from huitou.customers.models import Person
from huitou.customers.queries import customers_of, decided_consents, members_of
from huitou.experiments.queries import held_out
from huitou.messaging import sql
from huitou.messaging.accounts import config_of
from huitou.messaging.channel import CHANNELS, NotTakenBackError, find_channel
from huitou.messaging.fallbacks import REPLACED, plan_next_channel
from huitou.messaging.governor import Way
from huitou.messaging.models import FAILED, REACHED_STATES, SENT, Attempt, ChannelAccount, Touch, TouchDecision
from huitou.messaging.rendering import address_digest
from huitou.messaging.rules import Rules, current_rules
from huitou.messaging.standing import load_accounts, run

logger = logging.getLogger(__name__)
CANCELLED_BY_SOURCE = "cancelled"
# What an attempt is left with when its customer is erased.
FORGOTTEN = {"provider_ref": "", "address_hash": "", "message": ""}
_TASKS, _PAGE, _WATCHED_DAYS = 100, 2_000, 30
# Asked after 1, 2, 4, ... minutes; then it is too late to hope.
_TRIES, _FIRST = 8, timedelta(minutes=1)
# While one worker asks, the others leave it alone.
_LEASE = timedelta(minutes=2)


@dataclass(frozen=True)
class Recalled:
    """What one run came to, in touches: taken back, gone out already, not answered for good, planned again."""

    taken_back: int = 0
    gone: int = 0
    unanswered: int = 0
    planned_again: int = 0

    def __add__(self, other: Recalled) -> Recalled:
        return Recalled(
            self.taken_back + other.taken_back,
            self.gone + other.gone,
            self.unanswered + other.unanswered,
            self.planned_again + other.planned_again,
        )


def kinds_that_take_back() -> list[str]:
    """Kinds of the channels that can stop what they accepted."""
    return [channel.kind for channel in CHANNELS if channel.take_back is not None]


def ask_back(touch_ids: Iterable[int], reason: str, now: datetime) -> None:
    """Note that these touches are to be taken back, in the caller's transaction. `reason` as in messaging.reasons."""
    with connection.cursor() as cursor:
        cursor.execute(sql.ASK_BACK, {"ids": sorted(touch_ids), "reason": reason, "now": now})


def ask_back_source(
    source: str, persons: Sequence[int] | None, now: datetime, *, ids: Sequence[int] | None = None
) -> None:
    """The same for a source that ended: what waits at a provider and what is being sent; its fallbacks end too."""
    chosen = {"source": source, "persons": persons, "ids": ids}
    given: dict[str, Any] = {**chosen, "reason": CANCELLED_BY_SOURCE, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(sql.ASK_BACK_SOURCE, {**given, "kinds": kinds_that_take_back()})
        cursor.execute(sql.END_FALLBACKS, given)


def look_again(account: ChannelAccount, *, clock: Clock) -> int:
    """Ask back what waits at this account for customers who may not be contacted any more; returns how many."""
    now, rules, found, after = clock.now(), current_rules(), 0, 0
    loaded = load_accounts(rules, now).get(account.pk)
    if loaded is None or loaded.channel.take_back is None:
        return 0
    since = now - timedelta(days=_WATCHED_DAYS)
    while True:
        given = {"account": account.pk, "since": since, "after": after, "limit": _PAGE}
        rows = run(sql.WAITING_AT_PROVIDER, given)
        if not rows:
            return found
        after = rows[-1][0]
        for reason, ids in _no_longer(rows, loaded.way, rules, now).items():
            with transaction.atomic():
                ask_back(ids, reason, now)
            found += len(ids)


def _no_longer(rows: Sequence[tuple[Any, ...]], way: Way, rules: Rules, now: datetime) -> dict[str, list[int]]:
    """Of touches (id, person, purpose, valid until) those that may not go out any more, by the reason."""
    customers = customers_of(row[1] for row in rows)
    members = members_of(set(customers.values()))
    decided = decided_consents(members, {(way.consent, row[2]) for row in rows}, now)
    held = held_out(list(members), now)
    erased = set(
        Person.objects.filter(pk__in=[row[1] for row in rows], erased_at__isnull=False).values_list("pk", flat=True)
    )
    found: dict[str, list[int]] = {}
    for touch_id, person, purpose, until in rows:
        customer = customers[person]
        if person in erased:
            found.setdefault("erased", []).append(touch_id)
        elif not decided.get((customer, way.consent, purpose), way.kept_elsewhere):
            found.setdefault("no_consent", []).append(touch_id)
        elif customer in held and rules.is_held_out(purpose):
            found.setdefault("held_out", []).append(touch_id)
        elif until and datetime.fromisoformat(until) < now:
            found.setdefault("content_ended", []).append(touch_id)
    return found


def run_recalls(*, clock: Clock) -> Recalled:
    """Ask providers to stop what is to be taken back and is due, and note what came of it."""
    total = _settle(clock)
    for account_id, reference in _claim(clock):
        total += _recall(account_id, reference, clock)
    return total


def _settle(clock: Clock) -> Recalled:
    """What needs no question: it arrived or failed meanwhile, or went over a channel that stops nothing."""
    now, kinds = clock.now(), kinds_that_take_back()
    with transaction.atomic():
        rows = run(sql.RECALLS_WITHOUT_QUESTION, {"kinds": kinds, "now": now})
        touches = list(Touch.objects.filter(pk__in=[row[0] for row in rows]).order_by("pk"))
        stoppable = [touch for touch in touches if touch.channel in kinds and not touch.reply_token]
        gone = [touch for touch in stoppable if touch.state in REACHED_STATES and touch.state != SENT]
        nameless = [touch for touch in stoppable if touch.state == SENT]
        _give_up(gone, "recall_refused", now, "")
        _give_up(nameless, "recall_unanswered", now, "")
        plan_next_channel([t for t in stoppable if t.state == FAILED and t.recall == REPLACED], clock=clock)
        Touch.objects.filter(pk__in=[touch.pk for touch in touches]).update(recall="", recall_at=None)
    return Recalled(gone=len(gone), unanswered=len(nameless))


def _claim(clock: Clock) -> list[tuple[int, str]]:
    """Tasks that are ours to ask for, by account and reference."""
    now = clock.now()
    with transaction.atomic():
        rows = run(sql.CLAIM_RECALLS, {"now": now, "lease": now + _LEASE, "limit": _TASKS})
    return sorted({(int(account), str(reference)) for account, reference in rows})


def _recall(account_id: int, reference: str, clock: Clock) -> Recalled:
    account = ChannelAccount.objects.get(pk=account_id)
    channel = find_channel(account.kind)
    assert channel is not None, "only touches of installed channels are claimed"
    assert channel.take_back is not None, "and of those that can stop them"
    reach("recall.asking")
    try:
        reached = channel.take_back(config_of(account), reference, clock)
    except NotTakenBackError as error:
        return _note(account_id, reference, None, error.code, clock)
    except Exception as error:
        logger.warning("channel account %s did not say what it took back: %s", account_id, kind_and_place(error))
        return _note_silence(account_id, reference, clock)
    reach("recall.asked")
    return _note(account_id, reference, {address_digest(address) for address in reached}, "", clock)


def _locked(account_id: int, reference: str) -> list[tuple[Touch, Attempt]]:
    """What was accepted under the reference and is not known to have arrived, locked, with its attempt."""
    attempts = {
        attempt.touch_id: attempt
        for attempt in Attempt.objects.filter(account=account_id, provider_ref=reference, outcome="accepted")
    }
    touches = Touch.objects.select_for_update(no_key=True).filter(pk__in=attempts).order_by("pk")
    return [(touch, attempts[touch.pk]) for touch in touches]


def _note(account_id: int, reference: str, reached: Collection[str] | None, code: str, clock: Clock) -> Recalled:
    """What became of a task: `reached` are the recipients it went out to, None for all of them."""
    now = clock.now()
    back: list[tuple[Touch, Attempt]] = []
    again: list[tuple[Touch, Attempt]] = []
    gone: list[Touch] = []
    with transaction.atomic():
        for touch, attempt in _locked(account_id, reference):
            # What is not waiting any more is settled next time, by what became of it.
            if touch.state != SENT:
                continue
            if reached is not None and attempt.address_hash not in reached:
                (back if touch.recall else again).append((touch, attempt))
            elif touch.recall:
                gone.append(touch)
        _give_up(gone, "recall_refused", now, code)
        _end(back, again, now)
        replaced = [touch for touch, _attempt in back if touch.recall == REPLACED]
        plan_next_channel(replaced, clock=clock)
    return Recalled(taken_back=len(back), gone=len(gone), planned_again=len(again))


def _end(back: Sequence[tuple[Touch, Attempt]], again: Sequence[tuple[Touch, Attempt]], now: datetime) -> None:
    """Nothing went out: places are free, those who asked are done, and the others are planned anew."""
    both = [*back, *again]
    Attempt.objects.filter(pk__in=[attempt.pk for _touch, attempt in both]).update(
        outcome="refused", code="taken_back", cost_minor=0
    )
    with connection.cursor() as cursor:
        cursor.execute(sql.RELEASE_SLOTS, [[touch.pk for touch, _attempt in both]])
        cursor.execute(sql.END_RECALLED, {"ids": [touch.pk for touch, _attempt in back], "now": now})
        cursor.execute(sql.PLAN_RECALLED, {"ids": [touch.pk for touch, _attempt in again], "now": now})
    _forget([touch for touch, _attempt in both])
    rows = [_decision(touch, "no", touch.recall, now) for touch, _attempt in back]
    rows += [_decision(touch, "wait", "task_recalled", now) for touch, _attempt in again]
    TouchDecision.objects.bulk_create(rows)


def _note_silence(account_id: int, reference: str, clock: Clock) -> Recalled:
    """Nobody knows: asked again later, until it is given up. No next channel takes over from what may still go out."""
    now, given_up = clock.now(), []
    with transaction.atomic():
        for touch, _attempt in _locked(account_id, reference):
            if not touch.recall or touch.state != SENT:
                continue
            if touch.recall_tries >= _TRIES:
                given_up.append(touch)
            else:
                touch.recall_at = now + _FIRST * 2 ** max(touch.recall_tries - 1, 0)
                touch.save(update_fields=["recall_at"])
        _give_up(given_up, "recall_unanswered", now, "")
    return Recalled(unanswered=len(given_up))


def _give_up(touches: Sequence[Touch], reason: str, now: datetime, code: str) -> None:
    if not touches:
        return
    _forget(touches)
    rows = [_decision(touch, "no", reason, now, wanted=touch.recall, code=code) for touch in touches]
    TouchDecision.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute(sql.GIVE_UP_RECALLS, {"ids": [touch.pk for touch in touches], "reason": reason})


def _forget(touches: Sequence[Touch]) -> None:
    """The references of erased customers were kept to take their messages back, and are not needed any more."""
    Attempt.objects.filter(touch__in=touches, touch__person__erased_at__isnull=False).update(**FORGOTTEN)


def _decision(touch: Touch, verdict: str, reason: str, now: datetime, **numbers: str) -> TouchDecision:
    told = {name: value for name, value in numbers.items() if value}
    return TouchDecision(touch=touch, at=now, verdict=verdict, reason=reason, channel=touch.channel, numbers=told)
