"""All dead letters of a reason at once: the page hands them to the worker, and says how far it is."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from django.test import Client as Browser
from procrastinate.contrib.django.models import ProcrastinateJob

from huitou.accounts.models import AuditEntry, User
from huitou.accounts.services import create_first_admin
from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError
from huitou.core.home import Home
from huitou.sources import dead_letters, tasks
from huitou.sources.job_progress import read_state
from huitou.sources.models import DeadLetter, InboxEvent
from huitou.sources.tests.eventing import NOW, Client, track

AHEAD = (NOW + timedelta(days=2)).isoformat()
PASSWORD = "a long enough secret"


@pytest.fixture
def page(home: Home) -> Browser:
    create_first_admin(clock=SystemClock(), password=PASSWORD)
    browser = Browser()
    browser.login(username="admin", password=PASSWORD)
    return browser


def refuse(client: Client, count: int) -> None:
    client.batch(*(track(f"m{n}", timestamp=AHEAD) for n in range(count)))
    assert DeadLetter.objects.filter(state="open").count() == count


def ask(page: Browser) -> str:
    answer = page.post("/data/letters/", {"action": "replay_reason", "reason": "time_future"}, follow=True)
    return answer.content.decode()


def work() -> None:
    """What a worker does with the jobs that wait."""
    for job in ProcrastinateJob.objects.filter(status="todo"):
        tasks.replay_letters_job(**job.args)


def test_the_worker_replays_and_the_page_watches(client: Client, page: Browser, home: Home) -> None:
    refuse(client, 3)
    assert "every 1s" in ask(page)
    assert not InboxEvent.objects.exists(), "nothing is done inside the request"
    assert "every 1s" in page.get("/data/letters/?progress").content.decode()
    # Asked again while it waits, it is done once.
    assert "every 1s" in ask(page)
    assert ProcrastinateJob.objects.count() == 1
    work()
    assert InboxEvent.objects.count() == 3
    entry = AuditEntry.objects.get(action="event.replayed")
    assert (entry.actor, entry.count) == (User.objects.get(), 3)
    assert page.get("/data/letters/?progress").headers["HX-Redirect"] == "/data/letters/"
    shown = page.get("/data/letters/").content.decode()
    assert "事件已重新接收" in shown
    assert "every 1s" not in shown
    assert "事件已重新接收" not in page.get("/data/letters/").content.decode(), "said once"


def test_progress_is_told_by_blocks(client: Client, page: Browser, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(client, 5)
    monkeypatch.setattr(dead_letters, "_BLOCK", 2)
    told: list[tuple[int, int | None]] = []
    dead_letters.replay_letters(
        clock=client.clock, reason="time_future", report=lambda done, total=None, step="": told.append((done, total))
    )
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_why_it_failed_is_said(client: Client, page: Browser, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(client, 1)
    ask(page)

    def fail(**_asked: object) -> None:
        raise DomainError("the disk is full")

    monkeypatch.setattr(dead_letters, "replay_letters", fail)
    with suppress(DomainError):
        work()
    state = read_state(home, tasks.REPLAY)
    assert state is not None
    assert state.state == "failed"
    assert "the disk is full" in page.get("/data/letters/").content.decode()
