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
from huitou.accounts.keys import create_key
from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError
from huitou.core.home import Home
from huitou.sources.consuming.batch import Batch
from huitou.sources.consuming.quality import count_quality
from huitou.sources.models import Feed, PlanVersion
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
    assert run("plan", "withdraw", "Poll Answered").strip() == "The tracking plan is at version 2."
    path = tmp_path / "plan.json"
    path.write_text(exported, encoding="utf-8")
    assert run("plan", "apply", str(path)).strip() == "The tracking plan is at version 3."
    assert run("plan", "apply", str(path)).strip() == "The tracking plan is at version 3."
    assert "回答投票" in run("plan", "show", "--own", "--json")


def test_what_is_misspelled_is_refused_with_what_there_is(tmp_path: Path, home: Home) -> None:
    """A near miss of a keyword is no value, and a name that nobody knows is no empty answer."""

    def refused(*words: str) -> str:
        error = CliRunner().invoke(build(), [*words]).exception
        assert isinstance(error, DomainError), error
        return str(error)

    assert "a: requird is neither" in refused("plan", "declare", "X Y", "--property", "a:code:requird")
    assert not PlanVersion.objects.exists()
    run("plan", "declare", "X Y", "--property", "a:code:red|")
    assert "code red" in run("plan", "show", "X Y")
    assert "Product Viewed" in refused("plan", "show", "Product Viewd")
    assert "nope.yaml" in refused("plan", "apply", str(tmp_path / "nope.yaml"))
    assert "order_word" in refused("events", "letters", "--reason", "order_wrd")
    assert "order_word" in refused("events", "discard", "--reason", "order_wrd")
    assert "nosuch" in refused("events", "tail", "--source", "nosuch")
    create_key(name="k", kind="write", source="quiet", clock=SystemClock())
    assert "Nothing has arrived yet." in run("events", "tail", "--source", "quiet")


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
    assert "late after 6 hours" in run("feeds", "expect", "app", "--hours", "6")
    assert Feed.objects.get().expected_seconds == timedelta(hours=6).total_seconds()
