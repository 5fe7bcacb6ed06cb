"""What the governor would say to the messages of a draft, without asking for any: its own `judge`, its own rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from huitou.customers.queries import members_of
from huitou.journeys.setting import read_duration
from huitou.journeys.steps.send import VALID, read_content
from huitou.messaging.governor import Candidate, judge
from huitou.messaging.reasons import NO
from huitou.messaging.rules import current_rules
from huitou.messaging.standing import Account, load_accounts, load_climate, load_standings, ways_of

_BLOCK = 5_000


@dataclass(frozen=True)
class Judged:
    """What came of asking for one message to each of some customers: how many would go out by channel account, and
    how many would be refused by reason."""

    allowed: Mapping[int, int]
    refused: Mapping[str, int]


def accounts_now(now: datetime) -> dict[int, Account]:
    """Every account that is set up."""
    return load_accounts(current_rules(), now)


def judge_step(settings: Mapping[str, object], purpose: str, customer_ids: Sequence[int], *, now: datetime) -> Judged:
    """One send step asked for all these customers at once. What only has to wait, for an hour or a list, goes out."""
    rules = current_rules()
    accounts = load_accounts(rules, now)
    climate = load_climate(accounts, now)
    channels = settings.get("channels")
    ways = ways_of([str(c) for c in channels] if isinstance(channels, list) else [], accounts)
    not_after = now + read_duration(str(settings.get("valid") or VALID))
    digest = read_content(settings).digest
    allowed: Counter[int] = Counter()
    refused: Counter[str] = Counter()
    for start in range(0, len(customer_ids), _BLOCK):
        block = list(customer_ids[start : start + _BLOCK])
        candidates = [
            Candidate(
                touch_id=0,
                customer_id=customer,
                purpose=purpose,
                ways=ways,
                not_after=not_after,
                content_hash=digest,
                best_time=False,
                exporting=True,
            )
            for customer in block
        ]
        standings = load_standings(members_of(block), candidates, rules, now)
        for candidate in candidates:
            verdict = judge(candidate, standings[candidate.customer_id], rules, climate, now)
            if verdict.verdict == NO:
                refused[verdict.reason] += 1
            else:
                allowed[verdict.way.account_id if verdict.way else 0] += 1
    return Judged(allowed, refused)
