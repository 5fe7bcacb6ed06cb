"""One sitting of the governor: what is due is judged under locks, and what may go out is written down before it does.

Everything about a customer is decided under the locks of all its persons, and places under caps are taken in the same
transaction: two workers, two paths or two touches never see the same free place.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from huitou.catalog.queries import missing_products
from huitou.core.clock import FixedClock, local_day
from huitou.customers.models import Person
from huitou.customers.queries import customers_of, members_of
from huitou.experiments.services import hold_out
from huitou.messaging import sql
from huitou.messaging.channel import Outgoing
from huitou.messaging.content import Content
from huitou.messaging.governor import Candidate, Climate, Standing, Verdict, judge, note_allowed
from huitou.messaging.hours import week_start
from huitou.messaging.links import link_url, new_code
from huitou.messaging.models import (
    LINK_LIFE,
    REFUSED,
    SENDING,
    WAITING,
    Attempt,
    ContactSlot,
    ShortLink,
    Touch,
    TouchDecision,
)
from huitou.messaging.reasons import NO, WAIT, YES
from huitou.messaging.rendering import address_digest, render_touch, request_digest, target_of
from huitou.messaging.rules import Rules, current_rules
from huitou.messaging.standing import (
    Account,
    load_accounts,
    load_climate,
    load_standings,
    paused_sources,
    run,
    ways_of,
)
from huitou.messaging.timing import active_hours_of

LOOKED_PER_PERSON = 4
# From this priority on a touch has seconds only.
URGENT = 1_000


@dataclass(frozen=True)
class Allowed:
    """A touch that may go out now, its attempt as it is written down, and the message."""

    touch: Touch
    attempt: Attempt
    account: Account
    outgoing: Outgoing


@dataclass(frozen=True)
class Sitting:
    """What one sitting came to: what may go out, and how many touches were judged."""

    allowed: tuple[Allowed, ...]
    judged: int


def decide_due(*, run_number: int, now: datetime, limit: int, only_urgent: bool = False) -> Sitting:
    """Judge what is due of up to `limit` customers, all of it or what has seconds only, in a transaction of its own."""
    with transaction.atomic():
        rules = current_rules()
        accounts = _locked_accounts(rules, now)
        which = {"now": now, "urgent": URGENT, "only_urgent": only_urgent}
        given = which | {"limit": limit, "looked": limit * LOOKED_PER_PERSON}
        members = _locked_members(row[0] for row in run(sql.LOCK_DUE_PERSONS, given))
        persons = [person for together in members.values() for person in together]
        ids = [row[0] for row in run(sql.CLAIM_DUE, which | {"persons": persons})]
        return _decide(ids, members, accounts, rules, run_number, now, exporting=False)


def decide_listed(*, run_number: int, now: datetime, limit: int, account_id: int, source: str) -> Sitting:
    """Judge what is ready for a list of this account, of one source or of all. Within the caller's transaction."""
    rules = current_rules()
    accounts = _locked_accounts(rules, now)
    given = {"account": account_id, "source": source, "looked": limit}
    members = _locked_members(row[0] for row in run(sql.LOCK_LISTED_PERSONS, given))
    persons = [person for together in members.values() for person in together]
    ids = [row[0] for row in run(sql.CLAIM_LISTED, {"persons": persons, "account": account_id, "source": source})]
    return _decide(ids, members, accounts, rules, run_number, now, exporting=True)


def _locked_accounts(rules: Rules, now: datetime) -> dict[int, Account]:
    """Every account; those with quotas for all customers together are locked."""
    accounts = load_accounts(rules, now)
    shared = [a.row.pk for a in accounts.values() if any(q.per == "account" for q in a.way.quotas)]
    if shared:
        with connection.cursor() as cursor:
            cursor.execute(sql.LOCK_ACCOUNTS, [shared])
    return accounts


def _locked_members(persons: Any) -> dict[int, list[int]]:
    """All persons of these customers, locked; customers of whom somebody else holds one are left for later.

    Who belongs together is read again under the locks: a merge that came in between is seen, and its customer is left
    for the next sitting.
    """
    first = customers_of(persons)
    members = members_of(set(first.values()))
    everybody = sorted(person for together in members.values() for person in together)
    with connection.cursor() as cursor:
        cursor.execute(sql.LOCK_MEMBERS, [everybody])
        locked = {int(row[0]) for row in cursor.fetchall()}
    again = members_of(members)
    still = customers_of(everybody)
    return {
        customer: together
        for customer, together in members.items()
        if locked.issuperset(together) and again[customer] == together and all(still[p] == customer for p in together)
    }


def _decide(
    ids: Sequence[int],
    members: Mapping[int, Sequence[int]],
    accounts: Mapping[int, Account],
    rules: Rules,
    run_number: int,
    now: datetime,
    *,
    exporting: bool,
) -> Sitting:
    customer_by_person = {person: customer for customer, persons in members.items() for person in persons}
    by_id = Touch.objects.in_bulk(ids)
    touches = [by_id[pk] for pk in ids]
    contents = {t.pk: Content.from_json(t.content) for t in touches}
    gone = missing_products({sku for content in contents.values() for sku in content.products})
    paused = paused_sources({t.source for t in touches})
    candidates = [
        _candidate(t, contents[t.pk], customer_by_person[t.person_id], accounts, gone, paused, exporting=exporting)
        for t in touches
    ]
    asked = {c.customer_id: members[c.customer_id] for c in candidates}
    if not candidates:
        return Sitting((), 0)
    # The quarter's draw is written down before anybody is contacted.
    marketing = sorted({c.customer_id for c in candidates if rules.is_held_out(c.purpose)})
    if marketing:
        hold_out(marketing, clock=FixedClock(now))
    standings = load_standings(asked, candidates, rules, now)
    _add_hours(standings, candidates, asked, rules)
    climate = load_climate(accounts, now)
    used = dict(climate.account_used)
    climate = Climate(climate.contacts, climate.opt_outs, used)
    verdicts: list[Verdict] = []
    for candidate in candidates:
        verdict = judge(candidate, standings[candidate.customer_id], rules, climate, now)
        if verdict.verdict == YES:
            note_allowed(candidate, verdict, standings[candidate.customer_id], used, rules, now)
        verdicts.append(verdict)
    _write_decisions(touches, verdicts, now)
    _take_slots(touches, candidates, verdicts, asked, rules, now)
    allowed = [(t, v) for t, v in zip(touches, verdicts, strict=True) if v.verdict == YES]
    return Sitting(_begin_attempts(allowed, accounts, run_number, now), len(touches))


def _candidate(
    touch: Touch,
    content: Content,
    customer: int,
    accounts: Mapping[int, Account],
    gone: Collection[str],
    paused: Collection[str],
    *,
    exporting: bool,
) -> Candidate:
    ways = ways_of(touch.channels, accounts)
    if exporting:
        ways = tuple(way for way in ways if way.account_id == touch.account_id)
    return Candidate(
        touch_id=touch.pk,
        customer_id=customer,
        purpose=touch.purpose,
        ways=ways,
        not_after=min(touch.not_after, content.valid_until) if content.valid_until else touch.not_after,
        content_hash=touch.content_hash,
        best_time=touch.best_time,
        keeps_order=touch.fallback_after is not None,
        is_fallback=touch.parent_id is not None,
        has_link=any(words.link for words in content.words.values()),
        exporting=exporting,
        is_paused=touch.source in paused,
        content_until=content.valid_until,
        gone_products=tuple(sku for sku in content.products if sku in gone),
    )


def _add_hours(
    standings: Mapping[int, Standing],
    candidates: Sequence[Candidate],
    members: Mapping[int, Sequence[int]],
    rules: Rules,
) -> None:
    """The customers' own hours, for touches that wait for them."""
    wanted = {c.customer_id: members[c.customer_id] for c in candidates if c.best_time}
    for customer, hours in (active_hours_of(wanted, rules.zone) if wanted else {}).items():
        standings[customer].active_hours = hours


def _write_decisions(touches: Sequence[Touch], verdicts: Sequence[Verdict], now: datetime) -> None:
    """One row for each yes, no and new reason to wait, and the touches as they stand now."""
    rows, told = [], []
    for touch, verdict in zip(touches, verdicts, strict=True):
        if verdict.verdict != WAIT or verdict.reason != touch.reason:
            rows.append(
                TouchDecision(
                    touch=touch,
                    at=now,
                    verdict=verdict.verdict,
                    reason=verdict.reason,
                    channel=verdict.way.kind if verdict.way else "",
                    numbers=dict(verdict.numbers),
                )
            )
        state = {YES: SENDING, NO: REFUSED, WAIT: WAITING}[verdict.verdict]
        if verdict.verdict == NO and verdict.reason == "too_late":
            state = "expired"
        way = verdict.way if verdict.way and (verdict.verdict == YES or verdict.way.by_hand) else None
        touch.state, touch.reason = state, verdict.reason
        touch.account_id, touch.channel = (way.account_id, way.kind) if way else (None, "")
        told.append((touch.pk, state, verdict.reason, verdict.next_at, touch.account_id, touch.channel))
    TouchDecision.objects.bulk_create(rows)
    names = ("ids", "states", "reasons", "next_ats", "accounts", "channels")
    with connection.cursor() as cursor:
        columns = dict(zip(names, map(list, zip(*told, strict=True)), strict=True))
        cursor.execute(sql.SET_DECIDED, {**columns, "now": now})


def _take_slots(
    touches: Sequence[Touch],
    candidates: Sequence[Candidate],
    verdicts: Sequence[Verdict],
    members: Mapping[int, Sequence[int]],
    rules: Rules,
    now: datetime,
) -> None:
    """A place under the day's and the week's cap for each yes that counts."""
    taking = [
        (touch, candidate.customer_id)
        for touch, candidate, verdict in zip(touches, candidates, verdicts, strict=True)
        if verdict.verdict == YES and rules.is_capped(touch.purpose)
    ]
    if not taking:
        return
    today = local_day(now, rules.zone)
    starts = {"day": today, "week": week_start(today)}
    pairs = sorted({(customer, person) for _t, customer in taking for person in members[customer]})
    given = {"customers": [c for c, _p in pairs], "persons": [p for _c, p in pairs]}
    last: dict[tuple[int, str], int] = {}
    for customer, period, used, highest in run(sql.SLOTS_USED, {**given, **starts}):
        last[customer, period] = max(used, highest or 0)
    rows = []
    for touch, customer in taking:
        for period, begins in starts.items():
            last[customer, period] = number = last.get((customer, period), 0) + 1
            rows.append(ContactSlot(person_id=customer, period=period, starts=begins, number=number, touch=touch))
    ContactSlot.objects.bulk_create(rows)


def _begin_attempts(
    allowed: Sequence[tuple[Touch, Verdict]], accounts: Mapping[int, Account], run_number: int, now: datetime
) -> tuple[Allowed, ...]:
    """Write down every attempt, with the links of its message, before anything is sent."""
    if not allowed:
        return ()
    touches = [touch for touch, _verdict in allowed]
    languages = languages_of(touch.person_id for touch in touches)
    links = _links(touches, languages, now)
    numbers = dict(
        run(
            "SELECT touch_id, max(number) FROM messaging_attempt WHERE touch_id = ANY(%(ids)s) GROUP BY touch_id",
            {"ids": [touch.pk for touch in touches]},
        )
    )
    begun = []
    for touch, verdict in allowed:
        assert verdict.way is not None, "a yes names its way"
        assert verdict.address is not None, "and the address"
        number = numbers.get(touch.pk, 0) + 1
        account = accounts[verdict.way.account_id]
        key = f"ht{touch.pk}-{number}-{secrets.token_hex(4)}"
        outgoing = render_touch(
            touch, key=key, to=verdict.address, language=languages[touch.person_id], link=links.get(touch.pk, "")
        )
        attempt = Attempt(
            touch=touch,
            number=number,
            account_id=verdict.way.account_id,
            key=key,
            request_hash=request_digest(outgoing),
            address_hash=address_digest(verdict.address),
            run=run_number,
            started_at=now,
            # Until an answer says how many parts it was: what was never answered for may be billed all the same.
            cost_minor=account.channel.cost_minor(account.row.settings, 1),
        )
        begun.append(Allowed(touch, attempt, account, outgoing))
    Attempt.objects.bulk_create([each.attempt for each in begun])
    return tuple(begun)


def languages_of(person_ids: Any) -> dict[int, str]:
    """The language that each person is written to in: what the person told, else Chinese."""
    wanted = set(person_ids)
    told = Person.objects.filter(pk__in=wanted).values_list("pk", "attributes__language")
    found = {pk: "en" if str(value or "").lower().startswith("en") else "zh" for pk, value in told}
    return {person: found.get(person, "zh") for person in wanted}


def _links(touches: Sequence[Touch], languages: Mapping[int, str], now: datetime) -> dict[int, str]:
    """The short link of each touch that leads somewhere; a touch keeps its own over several attempts."""
    targets = {t.pk: target for t in touches if (target := target_of(t, languages[t.person_id]))}
    if not targets:
        return {}
    ShortLink.objects.bulk_create(
        [
            ShortLink(code=new_code(), touch_id=pk, target=target, created_at=now, expires_at=now + LINK_LIFE)
            for pk, target in targets.items()
        ],
        ignore_conflicts=True,
    )
    found = ShortLink.objects.filter(touch_id__in=targets).values_list("touch_id", "code")
    return {touch_id: link_url(code) for touch_id, code in found}
