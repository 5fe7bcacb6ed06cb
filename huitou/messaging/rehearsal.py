"""What the governor would say, with a clock of its own: nothing is written, nothing goes out.

For replays of drafts: the requests of a past month are judged in the order of their moments, each yes counts for those
that follow, each wait is taken up when it ends. Consent is as it stood at each customer's first request; what was
really sent in that time counts too.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from huitou.core.clock import local_day
from huitou.customers.queries import customers_of, members_of
from huitou.messaging.content import TouchRequest
from huitou.messaging.governor import Candidate, Climate, Standing, Way, judge, note_allowed
from huitou.messaging.hours import week_start
from huitou.messaging.reasons import WAIT, YES
from huitou.messaging.rules import Rules, current_rules
from huitou.messaging.standing import load_accounts, load_standings, ways_of

_BLOCK = 2_000


@dataclass(frozen=True)
class Rehearsed:
    """What would have become of one request: yes or no, why, over which channel and when it was settled."""

    key: str
    customer_id: int
    verdict: str
    reason: str
    channel: str
    at: datetime


def rehearse(requests: Sequence[TouchRequest]) -> list[Rehearsed]:
    """Judge requests by the moments they name; in the order of the requests."""
    found: dict[str, Rehearsed] = {}
    customers = customers_of(request.customer_id for request in requests)
    by_customer: dict[int, list[TouchRequest]] = {}
    for request in requests:
        by_customer.setdefault(customers[request.customer_id], []).append(request)
    ordered, rules = sorted(by_customer), current_rules()
    for start in range(0, len(ordered), _BLOCK):
        chosen = {customer: by_customer[customer] for customer in ordered[start : start + _BLOCK]}
        found |= _rehearse_block(chosen, rules)
    return [found[request.key] for request in requests]


def _rehearse_block(asked: dict[int, list[TouchRequest]], rules: Rules) -> dict[str, Rehearsed]:
    first = min(request.send_after for requests in asked.values() for request in requests)
    accounts = load_accounts(rules, first)
    pairs = [
        (request, _candidate(request, customer, ways_of(request.channels, accounts)))
        for customer, requests in asked.items()
        for request in requests
    ]
    standings = load_standings(members_of(asked), [candidate for _request, candidate in pairs], rules, first)
    days: dict[int, tuple[date, date]] = {}
    queue = [(request.send_after, -request.priority, n) for n, (request, _candidate) in enumerate(pairs)]
    heapq.heapify(queue)
    found: dict[str, Rehearsed] = {}
    while queue:
        at, priority, n = heapq.heappop(queue)
        request, candidate = pairs[n]
        standing = standings[candidate.customer_id]
        _turn_day(standing, days, candidate.customer_id, at, rules)
        verdict = judge(candidate, standing, rules, Climate(), at)
        if verdict.verdict == WAIT and verdict.next_at is not None and verdict.next_at > at:
            heapq.heappush(queue, (verdict.next_at, priority, n))
            continue
        if verdict.verdict == YES:
            note_allowed(candidate, verdict, standing, {}, rules, at)
        channel = verdict.way.kind if verdict.way else ""
        found[request.key] = Rehearsed(request.key, request.customer_id, verdict.verdict, verdict.reason, channel, at)
    return found


def _candidate(request: TouchRequest, customer: int, ways: tuple[Way, ...]) -> Candidate:
    return Candidate(
        touch_id=0,
        customer_id=customer,
        purpose=request.purpose,
        ways=ways,
        not_after=request.not_after,
        content_hash=request.content.digest,
        keeps_order=request.fallback_after is not None,
        has_link=any(words.link for words in request.content.words.values()),
        # A list that would have been made at once.
        exporting=True,
    )


def _turn_day(
    standing: Standing, days: dict[int, tuple[date, date]], customer: int, at: datetime, rules: Rules
) -> None:
    """Places under caps are those of the day and week of the moment."""
    today = local_day(at, rules.zone)
    now = (today, week_start(today))
    before = days.setdefault(customer, now)
    if before[0] != now[0]:
        standing.day_used = 0
    if before[1] != now[1]:
        standing.week_used = 0
    days[customer] = now
