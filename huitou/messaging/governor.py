"""May this touch go out now? One judge for every path: journeys, sends by hand, test sends, fallbacks, lists.

`judge` reads nothing and writes nothing: whoever calls it brings what is known of the customer, whether that is
PostgreSQL at the moment of sending (outbox), or a rehearsal with a clock of its own (rehearsal).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from huitou.core.clock import local_day
from huitou.messaging.channel import Address, Quota
from huitou.messaging.content import MARKETING
from huitou.messaging.hours import Quiet, next_allowed, next_day, next_hour_of, next_week
from huitou.messaging.reasons import NO, WAIT, YES
from huitou.messaging.rules import Rules

# How long to wait before an account, or a source, that is paused is looked at again.
_PAUSED = timedelta(minutes=15)
_LEAST_RESPONSES = 3
# When a quota that is used up is looked at again.
_QUOTA_LOOKS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(minutes=10),
    "day": timedelta(hours=1),
    "week": timedelta(hours=6),
    "month": timedelta(hours=12),
}
# Fewer contacts than that say nothing about how many opt out.
LEAST_CONTACTS = 200


@dataclass(frozen=True)
class Way:
    """One account that a touch could go through."""

    account_id: int
    kind: str
    name: str
    consent: str
    identifier_kinds: tuple[str, ...]
    namespace: str = ""
    kept_elsewhere: bool = False
    quiet: tuple[Quiet, ...] = ()
    quotas: tuple[Quota, ...] = ()
    is_active: bool = True
    by_hand: bool = False
    reports_reads: bool = False


@dataclass(frozen=True)
class Candidate:
    """A touch as the judge sees it. `ways` in order of preference; `gone_products` are named and not in the catalog.

    `is_paused`: nothing of its source goes out for now.
    """

    touch_id: int
    customer_id: int
    purpose: str
    ways: tuple[Way, ...]
    not_after: datetime
    content_hash: str = ""
    best_time: bool = False
    keeps_order: bool = False
    is_fallback: bool = False
    has_link: bool = False
    exporting: bool = False
    is_paused: bool = False
    content_until: datetime | None = None
    gone_products: tuple[str, ...] = ()


@dataclass
class Standing:
    """What is known of one customer, all its persons together. Counts grow as touches are allowed.

    `dead_kinds`: kinds of identifiers of which every one was reported as undeliverable for good.
    `consents`: (consent channel, purpose) that are granted now, `withdrawn` those that were decided against.
    `same_at`: by content, when it last went out. `quota_used`: by account and quota, how many count now.
    `active_hours` are hours of the brand's day, empty where too little is known. `responses`: by channel kind, how many
    got there and how many were answered. `bought_in`: the sales channel in which the customer usually buys.
    """

    known: bool = True
    erased: bool = False
    addresses: Mapping[str, Sequence[Address]] = field(default_factory=dict)
    dead_kinds: frozenset[str] = frozenset()
    consents: frozenset[tuple[str, str]] = frozenset()
    withdrawn: frozenset[tuple[str, str]] = frozenset()
    held_out: bool = False
    day_used: int = 0
    week_used: int = 0
    same_at: dict[str, datetime] = field(default_factory=dict)
    quota_used: dict[tuple[int, str], int] = field(default_factory=dict)
    unanswered: int = 0
    last_contact_at: datetime | None = None
    active_hours: tuple[int, ...] = ()
    responses: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    bought_in: str = ""

    def agrees(self, way: Way, purpose: str) -> bool:
        """Whether the customer wants to hear this way: agreed, or where consent is kept elsewhere, did not refuse."""
        asked = (way.consent, purpose)
        return asked not in self.withdrawn if way.kept_elsewhere else asked in self.consents

    def address(self, way: Way) -> Address | None:
        """By what the way reaches the customer: the first of its kinds that is known, in the way's own space."""
        known = (address for kind in way.identifier_kinds for address in self.addresses.get(kind, ()))
        return next((a for a in known if not way.namespace or a.namespace == way.namespace), None)

    def response_rate(self, kind: str) -> int:
        """Answered per contact over a channel in basis points, drawn towards a tenth where there were few; 0 for none.

        Fewer than three contacts say nothing.
        """
        contacts, answered = self.responses.get(kind, (0, 0))
        return (answered * 10_000 + 5_000) // (contacts + 5) if contacts >= _LEAST_RESPONSES else 0


@dataclass(frozen=True)
class Climate:
    """What holds for everybody at the moment: opt-outs and contacts of seven days, and what accounts used up."""

    contacts: int = 0
    opt_outs: int = 0
    account_used: Mapping[tuple[int, str], int] = field(default_factory=dict)

    @property
    def opt_out_bp(self) -> int:
        """Opt-outs per contact in basis points; 0 where too few were contacted to tell."""
        return self.opt_outs * 10_000 // self.contacts if self.contacts >= LEAST_CONTACTS else 0


@dataclass(frozen=True)
class Verdict:
    """Yes, no or not yet, with its one reason and the numbers that led to it."""

    verdict: str
    reason: str
    way: Way | None = None
    address: Address | None = None
    next_at: datetime | None = None
    numbers: Mapping[str, Any] = field(default_factory=dict)


def judge(candidate: Candidate, standing: Standing, rules: Rules, climate: Climate, now: datetime) -> Verdict:
    """Whether the touch may go out at `now` (an aware instant), through which account, and why.

    The order: who the customer is, the window, whether the content is still true, whether its source is paused, consent
    and identifier, the holdout, duplicates, fatigue, the hours, the provider's quotas, the caps. A touch that only
    comes too early waits, if there is time.
    """
    if not standing.known:
        return Verdict(NO, "unknown_customer")
    if standing.erased:
        return Verdict(NO, "erased")
    if candidate.content_until is not None and now > candidate.content_until:
        return Verdict(NO, "content_ended", numbers={"valid_until": candidate.content_until.isoformat()})
    if now > candidate.not_after:
        return Verdict(NO, "too_late")
    if candidate.gone_products:
        return Verdict(NO, "product_gone", numbers={"products": list(candidate.gone_products)})
    if candidate.is_paused:
        return _in_time(Verdict(WAIT, "source_paused", next_at=now + _PAUSED), candidate)
    ways, closed = _open_ways(candidate, standing, rules)
    if not ways:
        return closed
    if standing.held_out and rules.is_held_out(candidate.purpose):
        return Verdict(NO, "held_out", ways[0])
    for check in (_duplicate, _fatigue):
        if found := check(candidate, standing, rules, climate, now):
            return _in_time(found, candidate)
    way, waits = _choose(ways, candidate, standing, climate, now)
    if waits is not None:
        return _in_time(waits, candidate)
    if way.by_hand and not candidate.exporting:
        return Verdict(WAIT, "ready_for_list", way, standing.address(way))
    if found := _caps(candidate, standing, rules, now):
        return _in_time(_after_quiet(found, way), candidate)
    if candidate.best_time and not way.by_hand:
        best = next_allowed(next_hour_of(now, standing.active_hours, rules.zone), way.quiet)
        if best is not None and now < best <= candidate.not_after:
            return Verdict(WAIT, "best_time", way, next_at=best, numbers={"hours": list(standing.active_hours)})
    return Verdict(YES, "allowed", way, standing.address(way), numbers=_counted(candidate, standing, rules))


def _open_ways(candidate: Candidate, standing: Standing, rules: Rules) -> tuple[list[Way], Verdict]:
    """The ways that consent and identifiers leave open, the preferred first; and what to say where there is none."""
    if not candidate.ways:
        return [], Verdict(NO, "no_account")
    agreed = [way for way in candidate.ways if standing.agrees(way, candidate.purpose)]
    if not agreed:
        asked = sorted({way.consent for way in candidate.ways})
        return [], Verdict(NO, "no_consent", candidate.ways[0], numbers={"asked": asked})
    reachable = [way for way in agreed if standing.address(way) is not None]
    if not reachable:
        kinds = sorted({kind for way in agreed for kind in way.identifier_kinds})
        reason = "address_dead" if standing.dead_kinds.intersection(kinds) else "no_identifier"
        return [], Verdict(NO, reason, agreed[0], numbers={"kinds": kinds})
    if not candidate.keeps_order:
        # Where the customer responds, then what belongs to where it buys; equal ones stay as they were asked for.
        reachable.sort(
            key=lambda way: (-standing.response_rate(way.kind), not rules.is_home(way.kind, standing.bought_in))
        )
    return reachable, Verdict(YES, "allowed")


def _duplicate(
    candidate: Candidate, standing: Standing, rules: Rules, climate: Climate, now: datetime
) -> Verdict | None:
    before = standing.same_at.get(candidate.content_hash)
    if before is None or candidate.purpose != MARKETING or candidate.is_fallback:
        return None
    days = (local_day(now, rules.zone) - local_day(before, rules.zone)).days
    return Verdict(NO, "duplicate", numbers={"days_since_same": days}) if days < rules.duplicate_days else None


def _fatigue(candidate: Candidate, standing: Standing, rules: Rules, climate: Climate, now: datetime) -> Verdict | None:
    if not rules.fatigue_is_on or candidate.purpose != MARKETING:
        return None
    if rules.fatigue_optout_bp and climate.opt_out_bp >= rules.fatigue_optout_bp:
        numbers = {"opt_out_bp": climate.opt_out_bp, "limit_bp": rules.fatigue_optout_bp, "contacts": climate.contacts}
        return Verdict(WAIT, "opt_outs_high", next_at=now + timedelta(days=1), numbers=numbers)
    told = {"unanswered": standing.unanswered}
    if standing.unanswered >= rules.fatigue_stop_after:
        return Verdict(NO, "fatigue_stop", numbers=told | {"limit": rules.fatigue_stop_after})
    if standing.unanswered >= rules.fatigue_unanswered and standing.last_contact_at is not None:
        again = standing.last_contact_at + timedelta(days=rules.fatigue_gap_days)
        if now < again:
            return Verdict(WAIT, "fatigue_gap", next_at=again, numbers=told | {"gap_days": rules.fatigue_gap_days})
    return None


def _choose(
    ways: Sequence[Way], candidate: Candidate, standing: Standing, climate: Climate, now: datetime
) -> tuple[Way, Verdict | None]:
    """The first way that can be gone in time, with what it waits for; the first of all where none can."""
    found = [_at_this_hour(way, candidate, standing, climate, now) for way in ways]
    for way, waits in zip(ways, found, strict=True):
        if waits is None or (waits.next_at is not None and waits.next_at <= candidate.not_after):
            return way, waits
    return ways[0], found[0]


def _at_this_hour(
    way: Way, candidate: Candidate, standing: Standing, climate: Climate, now: datetime
) -> Verdict | None:
    """What keeps this way from being gone at this moment."""
    if not way.is_active:
        return Verdict(WAIT, "account_paused", way, next_at=now + _PAUSED)
    if way.by_hand:
        return None
    allowed = next_allowed(now, way.quiet)
    if allowed != now:
        holding = next(quiet for quiet in way.quiet if quiet.holds(now))
        numbers = {"quiet_from": f"{holding.start:%H:%M}", "quiet_to": f"{holding.end:%H:%M}"}
        return Verdict(WAIT, "quiet_hours", way, next_at=allowed, numbers=numbers)
    for quota in way.quotas:
        counts = climate.account_used if quota.per == "account" else standing.quota_used
        used = counts.get((way.account_id, quota.code), 0)
        if used >= quota.limit:
            counted = {"quota": quota.code, "quota_used": used, "quota_limit": quota.limit}
            return Verdict(WAIT, "quota", way, next_at=now + _QUOTA_LOOKS[quota.period], numbers=counted)
    return None


def _caps(candidate: Candidate, standing: Standing, rules: Rules, now: datetime) -> Verdict | None:
    if not rules.is_capped(candidate.purpose):
        return None
    today = local_day(now, rules.zone)
    numbers = _counted(candidate, standing, rules)
    if standing.week_used >= rules.cap_week:
        return Verdict(WAIT, "cap_week", next_at=next_week(today, rules.zone), numbers=numbers)
    if standing.day_used >= rules.cap_day:
        return Verdict(WAIT, "cap_day", next_at=next_day(today, rules.zone), numbers=numbers)
    return None


def _after_quiet(waits: Verdict, way: Way) -> Verdict:
    """The same wait, until the way is open then."""
    opens = waits.next_at if waits.next_at is None or way.by_hand else next_allowed(waits.next_at, way.quiet)
    return Verdict(waits.verdict, waits.reason, way, next_at=opens, numbers=waits.numbers)


def _in_time(found: Verdict, candidate: Candidate) -> Verdict:
    """A wait that would end too late is a no for the same reason."""
    if found.verdict == WAIT and (found.next_at is None or found.next_at > candidate.not_after):
        return Verdict(NO, found.reason, found.way, numbers=found.numbers)
    return found


def _counted(candidate: Candidate, standing: Standing, rules: Rules) -> dict[str, int]:
    if not rules.is_capped(candidate.purpose):
        return {}
    return {
        "day_used": standing.day_used,
        "cap_day": rules.cap_day,
        "week_used": standing.week_used,
        "cap_week": rules.cap_week,
    }


def note_allowed(
    candidate: Candidate,
    verdict: Verdict,
    standing: Standing,
    used: dict[tuple[int, str], int],
    rules: Rules,
    now: datetime,
) -> None:
    """Count an allowed touch, so that the customer's next one in the same sitting is judged with it.

    `used` holds what accounts used up, as in Climate.
    """
    assert verdict.way is not None, "a yes names its way"
    if rules.is_capped(candidate.purpose):
        standing.day_used += 1
        standing.week_used += 1
    standing.same_at[candidate.content_hash] = now
    for quota in verdict.way.quotas:
        counts = used if quota.per == "account" else standing.quota_used
        place = (verdict.way.account_id, quota.code)
        counts[place] = counts.get(place, 0) + 1
    if candidate.purpose == MARKETING:
        standing.last_contact_at = now
        standing.unanswered += candidate.has_link or verdict.way.reports_reads
