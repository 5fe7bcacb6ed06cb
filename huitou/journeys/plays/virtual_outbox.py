"""What the governor would have said, touch by touch in the order of time: its own `judge`, in a virtual store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Min, QuerySet

from huitou.core.clock import local_day
from huitou.customers.queries import customers_of, members_of
from huitou.journeys.models import Launch
from huitou.journeys.plays.virtual_store import reveal_contacts
from huitou.messaging.content import Content
from huitou.messaging.governor import Candidate, Standing, Verdict, judge, note_allowed
from huitou.messaging.hours import week_start
from huitou.messaging.models import OPEN_STATES, Attempt, ContactSlot, Touch, TouchDecision
from huitou.messaging.reasons import NO, YES
from huitou.messaging.rules import Rules, current_rules
from huitou.messaging.standing import Account, load_accounts, load_climate, load_standings, ways_of
from huitou.messaging.timing import active_hours_of

# Touches that are due within so long are judged together: real workers look every few seconds.
_TOGETHER = timedelta(minutes=15)
_BLOCK = 5_000


@dataclass
class VirtualOutbox:
    """Judges the launch's touches as their time comes. A list for staff counts as exported when it is ready."""

    launch: Launch
    until: datetime
    rules: Rules = field(default_factory=current_rules)
    _hours: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def send_until(self, upto: datetime) -> None:
        """Judge everything that is due by then."""
        while True:
            first = self._open().filter(next_at__lte=upto).aggregate(first=Min("next_at"))["first"]
            if first is None:
                return
            now = min(first + _TOGETHER, upto)
            due = list(self._open().filter(next_at__lte=now).order_by("-priority", "next_at", "pk"))
            for start in range(0, len(due), _BLOCK):
                self._judge(due[start : start + _BLOCK], now)

    def _open(self) -> QuerySet[Touch]:
        return Touch.objects.filter(source=f"launch:{self.launch.pk}", state__in=OPEN_STATES)

    def _judge(self, touches: Sequence[Touch], now: datetime) -> None:
        reveal_contacts(now)
        accounts = load_accounts(self.rules, now)
        owner = customers_of({touch.person_id for touch in touches})
        members = members_of(set(owner.values()))
        candidates = [self._candidate(touch, owner[touch.person_id], accounts) for touch in touches]
        standings = load_standings(members, candidates, self.rules, now)
        self._add_hours(standings, candidates, {c: list(p) for c, p in members.items()})
        climate = load_climate(accounts, now)
        used = dict(climate.account_used)
        decisions, slots, attempts = [], [], []
        for touch, candidate in zip(touches, candidates, strict=True):
            standing = standings[candidate.customer_id]
            verdict = judge(candidate, standing, self.rules, climate, now)
            if verdict.verdict == YES:
                if self.rules.is_capped(touch.purpose):
                    slots += _slots(touch, candidate.customer_id, standing, self.rules, now)
                note_allowed(candidate, verdict, standing, used, self.rules, now)
                assert verdict.way is not None, "a yes names its way"
                attempts.append(_attempt(touch, verdict.way.account_id, now))
            decisions.append(_decide(touch, verdict, now))
        Touch.objects.bulk_update(touches, ["state", "reason", "next_at", "sent_at", "channel", "account"])
        TouchDecision.objects.bulk_create(decisions)
        ContactSlot.objects.bulk_create(slots)
        Attempt.objects.bulk_create(attempts)

    def _candidate(self, touch: Touch, customer: int, accounts: dict[int, Account]) -> Candidate:
        words = Content.from_json(touch.content).words.values()
        return Candidate(
            touch_id=touch.pk,
            customer_id=customer,
            purpose=touch.purpose,
            ways=ways_of(touch.channels, accounts),
            not_after=touch.not_after,
            content_hash=touch.content_hash,
            best_time=touch.best_time,
            keeps_order=touch.fallback_after is not None,
            has_link=any(word.link for word in words),
            exporting=True,
        )

    def _add_hours(
        self, standings: dict[int, Standing], candidates: Sequence[Candidate], members: dict[int, list[int]]
    ) -> None:
        wanted = {c.customer_id for c in candidates if c.best_time}
        unknown = {customer: members[customer] for customer in wanted if customer not in self._hours}
        if unknown:
            found = active_hours_of(unknown, self.rules.zone)
            self._hours |= {customer: tuple(found.get(customer, ())) for customer in unknown}
        for customer in wanted:
            standings[customer].active_hours = self._hours[customer]


def _decide(touch: Touch, verdict: Verdict, now: datetime) -> TouchDecision:
    """Put the verdict into the touch; returns the decision to be kept beside it."""
    touch.reason = verdict.reason
    if verdict.verdict == YES:
        assert verdict.way is not None, "a yes names its way"
        touch.state, touch.sent_at = "sent", now
        touch.account_id, touch.channel = verdict.way.account_id, verdict.way.kind
    elif verdict.verdict == NO:
        touch.state = "refused"
    else:
        # A wait leads on, else it would be looked at for ever.
        touch.state, touch.next_at = "waiting", max(verdict.next_at or touch.not_after, now + _TOGETHER)
    return TouchDecision(
        touch=touch,
        at=now,
        verdict=verdict.verdict,
        reason=verdict.reason,
        channel=verdict.way.kind if verdict.way else "",
        numbers=dict(verdict.numbers),
    )


def _attempt(touch: Touch, account_id: int, now: datetime) -> Attempt:
    """What quotas and repeated content are counted by later."""
    return Attempt(
        touch=touch, number=1, account_id=account_id, key=f"rehearsal:{touch.pk}", request_hash="", run=0,
        started_at=now, finished_at=now, outcome="accepted",
    )  # fmt: skip


def _slots(touch: Touch, customer: int, standing: Standing, rules: Rules, now: datetime) -> list[ContactSlot]:
    """Places under the day's and the week's cap."""
    today = local_day(now, rules.zone)
    places = (("day", today, standing.day_used), ("week", week_start(today), standing.week_used))
    return [
        ContactSlot(person_id=customer, period=period, starts=starts, number=used + 1, touch=touch)
        for period, starts, used in places
    ]
