"""Which of some customers meet a condition now: asked of segments, once for many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from huitou.orders.queries import NotRefreshedError
from huitou.segments.queries import matching

Matching = Callable[[Mapping[str, Any], Sequence[int]], frozenset[int]]


def judge_as_of(at: datetime) -> Matching:
    """Judges conditions on customers as of an instant."""

    def judge(condition: Mapping[str, Any], customer_ids: Sequence[int]) -> frozenset[int]:
        asked = sorted(set(customer_ids))
        if not asked:
            return frozenset()
        try:
            return frozenset(matching(condition, asked, at))
        except NotRefreshedError:
            # Nothing is known of anybody yet.
            return frozenset()

    return judge
