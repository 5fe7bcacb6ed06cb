"""Plays, journeys and staff tasks from the command line: what is said, what is kept, and what is refused and how."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from config.cli import build
from huitou.accounts.models import Brand, User
from huitou.core.errors import DomainError
from huitou.customers.models import Person
from huitou.experiments.models import HoldoutShare
from huitou.journeys.models import Enrollment, Journey, Launch, Signal, StaffTask
from huitou.journeys.play import library
from huitou.journeys.tests.travelling import END, START, WORDS, journey
from huitou.messaging.models import PausedSource

pytestmark = pytest.mark.django_db
REST = {"id": "rest", "kind": "wait", "mode": "for", "duration": "2d"}
CALL = {"id": "call", "kind": "handoff", "title": WORDS, "due": "4h"}


@pytest.fixture
def brand() -> Brand:
    made = Brand.objects.create(pk=1, name="Test", zone="Asia/Shanghai", currency="CNY", clock_now=START)
    HoldoutShare.objects.create(share_bp=0, first_day=START.date().replace(year=2000), at=START)
    return made


def run(*words: str, fails: int = 0) -> str:
    """What is printed; what is refused is said by an error of the domain, which the program prints."""
    answer = CliRunner().invoke(build(), list(words), env={"COLUMNS": "200"})
    assert answer.exit_code == fails, answer.output
    assert isinstance(answer.exception, DomainError | SystemExit | None), answer.exception
    return answer.output + (str(answer.exception) if isinstance(answer.exception, DomainError) else "")


def told(*words: str) -> Any:
    """What is answered as JSON."""
    return json.loads(run(*words, "--json"))


def saved(tmp_path: Path, definition: Any, name: str = "care") -> None:
    file = tmp_path / f"{name}.json"
    file.write_text(json.dumps(definition, ensure_ascii=False), encoding="utf-8")
    run("journeys", "save", name, str(file), "--title", "关怀")


def test_a_journey_from_a_file_to_a_finished_task(brand: Brand, tmp_path: Path) -> None:
    """Saved, checked, published, launched as a play, moved on, and its task taken, put off and finished."""
    saved(tmp_path, journey([CALL, END], reentry="never"))
    assert told("journeys", "list") == [{"name": "care", "title": "关怀", "draft": 1, "live": None, "running": 0}]
    run("journeys", "publish", "care")
    saved(tmp_path, journey([REST, CALL, END]))
    assert told("journeys", "list")[0] | {"title": ""} == {
        "name": "care",
        "title": "",
        "draft": 2,
        "live": 1,
        "running": 0,
    }
    assert [s["id"] for s in json.loads(run("journeys", "show", "care"))["steps"]] == ["rest", "call", "end"]
    assert [s["id"] for s in json.loads(run("journeys", "show", "care", "--version", "1"))["steps"]] == ["call", "end"]
    run("journeys", "save", "care", str(tmp_path / "care.json"))
    launched = told("plays", "launch", "care", "--control", "0%", "--key", "one")
    assert told("plays", "launch", "care", "--control", "0%", "--key", "one") == launched
    person = Person.objects.create(created_at=START)
    event = {"event_id": "e" * 32, "name": "Order Completed", "occurred_at": START, "received_at": START}
    Signal.objects.create(person=person, **event)
    assert told("journeys", "run", "--once") == {"entered": 0, "ended": 0, "events": 1, "steps": 0, "failed": []}
    Brand.objects.update(clock_now=START.replace(day=4))
    assert told("journeys", "run", "--once")["steps"] == 3
    [task] = told("tasks", "list")
    assert (task["person_id"], task["kind"], task["title"]) == (person.pk, "call", "Hello")
    User.objects.create(username="li")
    run("tasks", "take", str(task["id"]), "--user", "li")
    assert [t["id"] for t in told("tasks", "list", "--mine", "li")] == [task["id"]]
    assert told("tasks", "list", "--mine", "nobody") == []
    run("tasks", "snooze", str(task["id"]), "--hours", "3")
    assert (told("tasks", "list"), len(told("tasks", "list", "--which", "snoozed"))) == ([], 1)
    run("tasks", "finish", str(task["id"]), "--outcome", "reached", "--note", "很高兴")
    assert (StaffTask.objects.get().outcome, StaffTask.objects.get().note) == ("reached", "很高兴")


def test_a_journey_that_cannot_run_is_told_place_by_place(brand: Brand, tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(journey([{"id": "call", "kind": "handoff"}, END])), encoding="utf-8")
    problems = json.loads(run("journeys", "validate", str(file), "--json", fails=1))
    assert [(p["path"], p["code"]) for p in problems] == [("$.steps[0].title", "missing")]
    assert "$.steps[0].title\tmissing\t" in run("journeys", "validate", str(file), fails=1)
    run("journeys", "save", "bad", str(file))
    assert "$.steps[0].title" in run("journeys", "publish", "bad", fails=1)
    assert Journey.objects.get().versions.get().state == "draft"
    file.write_text("{", encoding="utf-8")
    assert "bad.json" in run("journeys", "validate", str(file), fails=1)
    file.write_text(json.dumps(journey([CALL, END])), encoding="utf-8")
    assert json.loads(run("journeys", "validate", str(file), "--json")) == []
    assert "nothing-of-that-name" in run("journeys", "show", "nothing-of-that-name", fails=1)


def test_a_launch_is_held_let_go_and_ended(brand: Brand, tmp_path: Path) -> None:
    saved(tmp_path, journey([REST, END]))
    made = told("plays", "launch", "care", "--control", "25%", "--enroll-days", "10", "--starts", "2026-03-05")
    number = str(made["launch"])
    assert (made["state"], made["control_bp"], made["starts_at"]) == ("scheduled", 2500, "2026-03-04T16:00:00+00:00")
    assert made["result_at"] == "2026-04-13T16:00:00+00:00", "ten days of entries and a window of thirty"
    assert number in run("plays", "launch", "care", "--control", "0%", fails=1), "it runs already"
    assert Launch.objects.count() == 1
    assert told("plays", "pause", number)["state"] == "paused"
    assert PausedSource.objects.get().source == f"launch:{number}"
    assert told("plays", "resume", number)["state"] == "scheduled", "its day is still to come"
    assert not PausedSource.objects.exists()
    Brand.objects.update(clock_now=START.replace(day=6))
    run("journeys", "run", "--once")
    assert [one["state"] for one in told("plays", "list")["launches"]] == ["running"]
    assert told("plays", "stop", number)["state"] == "stopped"
    run("plays", "resume", number, fails=1)
    read = told("plays", "readout", number)
    assert (read["readout"]["state"], read["readout"]["comparisons"]) == ("in_progress", [])
    assert "关怀" in run("plays", "readout", number)
    assert not Enrollment.objects.exists()
    assert "99" in run("plays", "pause", "99", fails=1)


def test_every_ready_play_is_listed_and_shown_with_its_settings(brand: Brand) -> None:
    listed = {play["name"] for play in told("plays", "list")["plays"]}
    assert listed == set(library())
    assert all(name in run("plays", "list") for name in listed)
    shown = json.loads(run("plays", "show", "win_back_60d", "--set", "silent_days=90"))
    values = {p["name"]: p["value"] for p in shown["parameters"]}
    assert values["silent_days"] == 90
    assert "90" in json.dumps(shown["definition"])


@pytest.mark.parametrize("share", ["95%", "-1%", "half", "nan", "inf", "100"])
def test_a_share_that_cannot_be_is_refused_with_an_example(brand: Brand, tmp_path: Path, share: str) -> None:
    saved(tmp_path, journey([REST, END]))
    assert "%" in run("plays", "launch", "care", f"--control={share}", fails=2)
    assert not Launch.objects.exists()


@pytest.mark.parametrize(
    ("share", "kept"), [("10%", 1000), ("0.5", 5000), ("50", 5000), ("12.5%", 1250), ("90%", 9000)]
)
def test_a_share_is_read_as_people_write_it(brand: Brand, tmp_path: Path, share: str, kept: int) -> None:
    saved(tmp_path, journey([REST, END]))
    assert told("plays", "launch", "care", "--control", share)["control_bp"] == kept


def test_what_cannot_be_read_is_refused_and_keeps_nothing(brand: Brand, tmp_path: Path) -> None:
    saved(tmp_path, journey([REST, END]))
    assert "2017-10-02" in run("plays", "launch", "care", "--control", "0%", "--starts", "tomorrow", fails=2)
    assert "name=value" in run("plays", "show", "win_back_60d", "--set", "silent_days", fails=2)
    assert "silent_days" in run("plays", "show", "win_back_60d", "--set", "silent_days=soon", fails=1)
    assert "no-such-play" in run("plays", "launch", "no-such-play", "--control", "0%", fails=1)
    assert not Launch.objects.exists()
