"""The terminal tells times as the console does: by the brand's clock."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from config.cli import build
from huitou.core.clock import FixedClock
from huitou.messaging.models import ChannelAccount
from huitou.messaging.outbox import send_due
from huitou.messaging.services import request_touches
from huitou.messaging.tests.stage import NOON, Recorder, ask, make_customer

pytestmark = pytest.mark.django_db


def test_a_message_is_shown_with_the_brands_time(accounts: dict[str, ChannelAccount], recorder: Recorder) -> None:
    """Sent at four in the morning by UTC, which is noon in Shanghai."""
    clock = FixedClock(NOON)
    [touch] = request_touches([ask("a", make_customer())], clock=clock)
    send_due(clock=clock)
    told = CliRunner().invoke(build(), ["messages", "show", str(touch)], catch_exceptions=False).output
    sent = next(line for line in told.splitlines() if line.startswith("sent_at"))
    assert sent.split()[1:] == ["2026-03-04", "12:00"]
    assert "04:00" not in told
