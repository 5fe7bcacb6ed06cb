"""Requests made up from the schema, many and with other dice than every day's."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from huitou.accounts.models import Brand
from huitou.core.home import Home
from tests.contract.calling import program
from tests.contract.fuzzing import Fuzz
from tests.contract.test_api_fuzz import _unlimited, brand, known
from tests.soak.outcome import write_result

__all__ = ["_unlimited", "brand"]
ROUNDS, EXAMPLES = 2, 20


@pytest.mark.soak
@pytest.mark.django_db
def test_nothing_that_can_be_sent_breaks_the_api(brand: Brand, home: Home) -> None:
    """Each round has a seed of its own, which the result names; no answer is a fault or other than the schema says."""
    first, started = time.time_ns() % 10**9, time.monotonic()
    headers = {"Authorization": f"Bearer {program().secret}"}
    statuses: Counter[int] = Counter()
    failures: list[str] = []
    succeeded: set[str] = set()
    for number in range(ROUNDS):
        fuzz = Fuzz(headers, examples=EXAMPLES, known=known(brand, home))
        fuzz.run(number=first + number)
        statuses += fuzz.statuses
        failures += fuzz.failures
        succeeded |= fuzz.succeeded
    seconds = round(time.monotonic() - started)
    told = {str(status): count for status, count in sorted(statuses.items())}
    result = {"seed": first, "rounds": ROUNDS, "requests": statuses.total(), "answers": told, "seconds": seconds}
    write_result("api_fuzz", {**result, "operations_that_succeeded": len(succeeded), "failures": failures})
    assert failures == []
    assert not any(status >= 500 for status in statuses)
