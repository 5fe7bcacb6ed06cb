"""`huitou plan` and `huitou feeds`: what an operator types and reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import translation
from typer.testing import CliRunner

from config.cli import build
from huitou.core.clock import SystemClock
from huitou.core.home import Home
from huitou.sources.consuming.batch import Batch
from huitou.sources.consuming.quality import count_quality
from huitou.sources.models import Feed
from huitou.sources.tests.test_tracking_plan import event

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


def run(*words: str) -> str:
    done = CliRunner().invoke(build(), [*words])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_plan_is_declared_shown_exported_applied_and_withdrawn(tmp_path: Path) -> None:
    run("plan", "declare", "Poll Answered", "--zh", "回答投票", "--property", "answer:code:required:yes|no")
    assert "answer                   code required yes|no" in run("plan", "show", "Poll Answered")
    exported = run("plan", "show", "--own", "--json")
    kept = {"type": "code", "required": True, "values": ["yes", "no"], "since": 1}
    assert json.loads(exported)["events"]["Poll Answered"]["properties"] == {"answer": kept}
    assert run("plan", "withdraw", "Poll Answered").strip() == "plan version 2"
    path = tmp_path / "plan.json"
    path.write_text(exported, encoding="utf-8")
    assert run("plan", "apply", str(path)).strip() == "plan version 3"
    assert run("plan", "apply", str(path)).strip() == "plan version 3"
    assert "回答投票" in run("plan", "show", "--own", "--json")


def test_problems_and_feeds_are_listed_with_what_to_do(home: Home) -> None:
    clock = SystemClock()
    now = clock.now()
    sent = [event(n, "Poll Answered", {}, received_at=now, occurred_at=now, user_id="") for n in range(3)]
    count_quality(Batch(sent, home, clock))
    assert "3  app  Poll Answered  event not planned" in run("plan", "problems")
    assert json.loads(run("plan", "problems", "--json"))[0]["count"] == 3
    listed = run("feeds", "list")
    assert "app (events)  3" in listed
    assert "Call identify with your customer number" in listed
    report = json.loads(run("feeds", "list", "--json"))[0]
    assert (report["counts"]["accepted"], report["shares"]["with_user"]) == (3, 0.0)
    run("feeds", "expect", "app", "--hours", "6")
    assert Feed.objects.get().expected_seconds == timedelta(hours=6).total_seconds()
