"""The library of plays is read with its mistakes told by file and place, and every ready play can run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from huitou.journeys.definition import find_problems
from huitou.journeys.models import Enrollment
from huitou.journeys.play import LIBRARY, PlayFileError, PlayParametersError, get_play, library, read_library
from huitou.journeys.tests.travelling import HOUR, World
from huitou.messaging.telling import EVENT_NAMES

READY = [
    "post_purchase_care",
    "post_purchase_reminder",
    "due_by_rhythm",
    "birthday",
    "silent_30d",
    "win_back_60d",
    "segment_message",
]


def test_they_are_ready_in_the_order_of_a_customers_life() -> None:
    assert list(library()) == READY


@pytest.mark.parametrize("name", READY)
def test_a_ready_play_runs_as_it_is(name: str) -> None:
    play = library()[name]
    assert find_problems(play.definition_json()) == []
    assert play.definition().control_bp == 1000


@pytest.mark.parametrize("name", READY)
def test_every_message_reads_in_chinese_and_english_and_tells_how_to_opt_out(name: str) -> None:
    told = library()[name].definition_json()
    for step in told["steps"]:
        if step["kind"] == "send":
            assert re.search(r"[\u4e00-\u9fff]", step["text"]["zh"])
            assert not re.search(r"[\u4e00-\u9fff]", step["text"]["en"])
            # Whoever sells nothing need not offer to stop; whoever sells must.
            sells = told.get("purpose", "marketing") == "marketing"
            assert step["text"]["zh"].endswith("拒收请回复R") is sells
            assert step["text"]["en"].endswith("Reply R to opt out.") is sells
            assert "${" not in step["text"]["zh"] + step["text"]["en"]


@pytest.mark.django_db
@pytest.mark.parametrize("answer", [EVENT_NAMES["clicked"], "Message Replied", "Survey Submitted", "Page Viewed"])
def test_who_answers_is_not_asked_again(answer: str) -> None:
    """A click on our own short link, a reply or a survey ends the way of the silent; looking at a page does not."""
    world = World()
    made = get_play("silent_30d").definition_json({"channels": ["console_log"]})
    world.launch(made | {"trigger": {"kind": "event", "event": "Coupon Granted"}, "audience": None})
    world.hear(world.people[0], "Coupon Granted")
    world.turn()
    world.hear(world.people[0], answer)
    world.turn(HOUR)
    entered = Enrollment.objects.get()
    assert (entered.exit_reason == "exit") is (answer != "Page Viewed"), entered.exit_reason


def test_parameters_go_where_their_names_stand_as_values_and_as_words() -> None:
    made = get_play("post_purchase_reminder").definition_json(
        {"day": 3, "channels": ["console_log"], "benefit": {"zh": "满百包邮。", "en": "Free delivery."}}
    )
    assert made["audience"]["value"] == [3, 7]
    assert made["steps"][0]["channels"] == ["console_log"]
    assert "满百包邮。拒收" in made["steps"][0]["text"]["zh"]
    assert "Free delivery. Reply" in made["steps"][0]["text"]["en"]
    assert get_play("silent_30d").definition_json({"wait_days": 2})["steps"][1]["duration"] == "2d"


@pytest.mark.parametrize(
    ("given", "place"),
    [({"day": 9}, r"\$\.day"), ({"days": 5}, r"\$\.days"), ({"benefit": {"zh": "好"}}, r"\$\.benefit\.en")],
)
def test_settings_that_cannot_be_are_told_with_their_place(given: dict[str, Any], place: str) -> None:
    with pytest.raises(PlayParametersError, match=place):
        get_play("post_purchase_reminder").definition_json(given)


def broken(folder: Path, **change: Any) -> Path:
    """A library with one play, changed."""
    told = yaml.safe_load((LIBRARY / "birthday" / "play.yaml").read_text("utf-8")) | change
    (folder / "birthday").mkdir()
    (folder / "birthday" / "play.yaml").write_text(yaml.safe_dump(told, allow_unicode=True), "utf-8")
    return folder


def test_a_mistake_in_the_file_names_file_and_place(tmp_path: Path) -> None:
    with pytest.raises(PlayFileError, match=r"birthday/play\.yaml: \$\.stage: 'sell' is not one of"):
        read_library(broken(tmp_path, stage="sell"))


def test_a_mistake_in_the_journey_names_its_place(tmp_path: Path) -> None:
    with pytest.raises(PlayFileError, match=r"\$\.journey\.steps\[0\]\.kind"):
        read_library(
            broken(tmp_path, journey={"trigger": {"kind": "date", "date": "birthday"}, "steps": [{"id": "a"}]})
        )


def test_a_place_for_a_parameter_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(PlayFileError, match=r"\$\.journey\.trigger\.at: no parameter hour"):
        read_library(broken(tmp_path, journey={"trigger": {"kind": "date", "at": "${hour}"}}))


def test_what_is_not_yaml_is_told(tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "play.yaml").write_text("title: [", "utf-8")
    with pytest.raises(PlayFileError, match=r"odd/play\.yaml: \$: not YAML"):
        read_library(tmp_path)
