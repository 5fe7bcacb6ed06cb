"""What providers are asked about, and who counts as reached while a member has not confirmed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from huitou.core.home import Home
from huitou.experiments.models import Exposure
from huitou.experiments.services import assign, open_experiment
from huitou.messaging import following
from huitou.messaging.accounts import pause_account
from huitou.messaging.coverage import coverage_of
from huitou.messaging.following import poll_accounts
from huitou.messaging.lake import write_touches
from huitou.messaging.models import Touch
from huitou.messaging.outbox import send_due
from huitou.messaging.services import request_touches
from huitou.messaging.tests.providers.wecom import WeCom
from huitou.messaging.tests.stage import NOON, ask
from huitou.messaging.tests.test_end_to_end import CLOCK, a_customer, at, wecom_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback", "accounts")]


def over_wecom(*keys: str) -> list[int]:
    """Touches of new customers, each with words of its own and so a task of its own, taken by the provider."""
    ids = request_touches([ask(key, a_customer("wecom"), channels=("wecom",)) for key in keys], clock=CLOCK)
    assert send_due(clock=CLOCK).accepted == len(keys)
    return ids


def states(ids: list[int]) -> list[str]:
    return [Touch.objects.get(pk=pk).state for pk in ids]


def test_what_nobody_confirms_keeps_no_other_message_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """More wait than are asked for at once, and the oldest of them wait for good."""
    monkeypatch.setattr(following, "_POLL_LIMIT", 2)
    with WeCom() as provider:
        wecom_account(provider)
        ids = over_wecom("a", "b", "c", "d", "e")
        by_words = {task.content.split()[-1]: task for task in provider.tasks.values()}
        for key in "cde":
            provider.confirm(by_words[key].msgid, next(iter(by_words[key].by_member)))
        found = [poll_accounts(clock=at(minutes=3 * n)) for n in range(1, 6)]
        assert sum(found) == 3
        assert states(ids) == ["sent", "sent", "delivered", "delivered", "delivered"]
        provider.confirm(by_words["a"].msgid, next(iter(by_words["a"].by_member)))
        assert sum(poll_accounts(clock=at(minutes=20 + 3 * n)) for n in range(3)) == 1, "and then from the beginning"
        assert states(ids)[:2] == ["delivered", "sent"]


def test_an_account_that_is_paused_is_still_asked() -> None:
    with WeCom() as provider:
        account = wecom_account(provider)
        [touch] = over_wecom("a")
        pause_account(account_id=account.pk, clock=CLOCK)
        for task in provider.tasks.values():
            provider.confirm(task.msgid, next(iter(task.by_member)))
        assert poll_accounts(clock=at(minutes=3)) == 1
        assert states([touch]) == ["delivered"]


def test_nobody_is_reached_before_the_member_has_confirmed(home: Home) -> None:
    with WeCom() as provider:
        wecom_account(provider)
        customer = a_customer("wecom")
        experiment = open_experiment(
            key="launch:1",
            arms={"control": 0, "treatment": 10_000},
            window_days=7,
            starts_at=NOON,
            ends_at=NOON + timedelta(days=30),
            clock=CLOCK,
        )
        assign(experiment, [customer], CLOCK)
        request_touches([ask("a", customer, channels=("wecom",))], clock=CLOCK)
        send_due(clock=CLOCK)
        write_touches(home=home, clock=CLOCK)
        assert not Exposure.objects.exists()
        assert coverage_of("launch:1").reached == 0
        for task in provider.tasks.values():
            provider.confirm(task.msgid, next(iter(task.by_member)), at(hours=1).now().timestamp())
        poll_accounts(clock=at(hours=2))
        write_touches(home=home, clock=at(hours=2))
        assert Exposure.objects.get().person_id == customer
        assert coverage_of("launch:1").reached == 1
