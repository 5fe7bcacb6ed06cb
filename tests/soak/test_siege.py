"""Forty thousand attempted touches on all paths at once, with kills in between and providers that break."""

from __future__ import annotations

import time

import pytest

from huitou.accounts.models import Brand
from huitou.accounts.services import create_brand
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.messaging import wire
from tests.faults.siege import START, besiege
from tests.soak.outcome import write_result


@pytest.mark.soak
@pytest.mark.django_db(transaction=True)
def test_a_long_siege(home: Home, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def report(text: str) -> None:
        with capfd.disabled():
            print(text, flush=True)  # noqa: T201  # a long and silent siege looks as if it hung

    monkeypatch.setattr(wire, "LOOPBACK", True)
    create_brand(name="Brand", clock=FixedClock(START))
    Brand.objects.update(clock_now=START)
    told = besiege(home, customers=8_000, touches=40_000, rounds=25, seed=time.time_ns() % 1_000_000_000, report=report)
    assert told["arrived"] > 4_000, told
    assert told["kills"] >= 50
    write_result("siege", told)
