"""Lets adapters call the contract servers, which stand on this machine and speak plain HTTP."""

from __future__ import annotations

from datetime import date, time

import pytest

from huitou.accounts.models import Brand
from huitou.accounts.services import create_brand
from huitou.core.clock import FixedClock
from huitou.messaging import wire
from huitou.messaging.channel import CHANNELS
from huitou.messaging.models import ChannelAccount
from huitou.messaging.tests.stage import NOON, Recorder, a_channel, make_account


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine may be called, and who does not answer within half a second is not waited for."""
    monkeypatch.setattr(wire, "LOOPBACK", True)
    monkeypatch.setattr(wire, "ANSWER_SECONDS", 0.5)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Two channels of which everything is recorded: `chat`, which reports reads, and `text`."""
    made = Recorder()
    entries = dict(CHANNELS._load())
    entries["chat"] = a_channel("chat", made, identifier_kinds=("external_userid",), reports_reads=True)
    entries["text"] = a_channel("text", made, quiet_hours=(time(20), time(9)))
    monkeypatch.setattr(CHANNELS, "_entries", entries)
    return made


@pytest.fixture
def accounts(recorder: Recorder, db: None) -> dict[str, ChannelAccount]:
    """A brand in Shanghai with one account of each recorded channel, and nobody held out."""
    from huitou.experiments.models import HoldoutShare

    create_brand(name="Brand", clock=FixedClock(NOON))
    Brand.objects.update(clock_now=NOON)
    HoldoutShare.objects.create(share_bp=0, first_day=date(2000, 1, 1), at=NOON)
    return {kind: make_account(kind) for kind in ("chat", "text")}
