"""What a definition may say, and that every mistake is told with its place."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from huitou.journeys.definition import find_problems, parse_definition, read_steps
from huitou.journeys.flow import lay_out
from huitou.journeys.problems import DefinitionError
from huitou.journeys.schema import definition_schema
from huitou.journeys.setting import LANGUAGES
from huitou.journeys.step import STEPS
from huitou.journeys.trigger import TRIGGERS

WORDS = dict.fromkeys(LANGUAGES, "Hello")
SIMPLE: dict[str, Any] = {
    "trigger": {"kind": "event", "event": "Order Completed"},
    "steps": [
        {"id": "pause", "kind": "wait", "mode": "for", "duration": "5d", "at": "10:00"},
        {
            "id": "answer",
            "kind": "wait",
            "mode": "event",
            "event": "Product Viewed",
            "at_most": "2d",
            "timeout": "call",
            "next": "end",
        },
        {"id": "call", "kind": "handoff", "title": WORDS},
        {"id": "end", "kind": "exit"},
    ],
}


def changed(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(SIMPLE), **changes}


def told(data: object) -> list[tuple[str, str]]:
    return [(problem.path, problem.code) for problem in find_problems(data)]


def step(**settings: Any) -> dict[str, Any]:
    return {"id": "a", "kind": "wait", "mode": "for", "duration": "1d", **settings}


END = {"id": "end", "kind": "exit"}


def test_a_sound_definition_is_read_whole() -> None:
    """Steps lead to the one behind them where they name none; every event that it waits for is known."""
    read = parse_definition(SIMPLE)
    assert read.first == "pause"
    assert read.steps["pause"].ways == {"next": "answer"}
    assert read.steps["answer"].ways == {"next": "end", "timeout": "call"}
    assert read.events == {"Order Completed", "Product Viewed"}
    assert (read.reentry, read.window_days, read.control_bp, read.purpose) == ("never", 30, 1000, "marketing")


@pytest.mark.parametrize(
    ("data", "path", "code"),
    [
        ([], "$", "not_an_object"),
        (changed(trigger=None), "$.trigger", "missing"),
        (changed(trigger={"kind": "moon"}), "$.trigger.kind", "unknown_trigger"),
        (changed(trigger={"kind": "event"}), "$.trigger.event", "missing"),
        (changed(nonsense=1), "$.nonsense", "unknown_key"),
        (changed(steps=[]), "$.steps", "missing"),
        (changed(steps=[{**step(), "next": "nowhere"}, END]), "$.steps[0].next", "unknown_step"),
        (changed(steps=[step()]), "$.steps[0].next", "no_way_out"),
        (changed(steps=[step(duration="5 days"), END]), "$.steps[0].duration", "no_duration"),
        (changed(steps=[step(at="25:00"), END]), "$.steps[0].at", "no_time"),
        (changed(steps=[{**step(), "next": "end"}, {**step(), "id": "b"}, END]), "$.steps[1]", "unreachable"),
        (changed(steps=[step(), step(), END]), "$.steps[1].id", "repeated_id"),
        (changed(steps=[{**step(), "id": "1 2"}, END]), "$.steps[0].id", "no_id"),
        (changed(steps=[{**step(), "kind": "dance"}, END]), "$.steps[0].kind", "unknown_step_kind"),
        (changed(steps=[{**step(), "colour": "red"}, END]), "$.steps[0].colour", "unknown_key"),
        (changed(steps=[step(mode="event", at_most="2d", event="X", duration="")]), "$.steps[0].next", "no_way_out"),
        (
            changed(steps=[{"id": "a", "kind": "handoff", "title": {"zh": "你好"}}, END]),
            "$.steps[0].title.en",
            "language_missing",
        ),
        (
            changed(steps=[{"id": "a", "kind": "handoff", "title": WORDS, "next": "a"}]),
            "$.steps[0]",
            "loop_without_wait",
        ),
        (changed(control_bp=10_000), "$.control_bp", "out_of_range"),
        (changed(reentry="after_days"), "$.reentry_days", "missing"),
        (changed(reentry="sometimes"), "$.reentry", "unknown_choice"),
        (changed(goal={"events": [{"where": []}]}), "$.goal.events[0]", "no_event"),
        (
            changed(trigger={"kind": "event", "event": "X", "where": [{"property": "a", "is": "~", "value": 1}]}),
            "$.trigger.where[0].is",
            "unknown_choice",
        ),
    ],
)
def test_every_mistake_is_told_with_its_place(data: object, path: str, code: str) -> None:
    assert (path, code) in told(data)
    with pytest.raises(DefinitionError):
        parse_definition(data)


def test_a_circle_with_a_wait_is_allowed() -> None:
    circle = [step(id="a"), {"id": "b", "kind": "handoff", "title": WORDS, "next": "a"}]
    assert told(changed(steps=circle)) == []


def test_the_schema_knows_every_kind() -> None:
    schema = definition_schema()
    steps = {form["properties"]["kind"]["const"] for form in schema["properties"]["steps"]["items"]["oneOf"]}
    triggers = {form["properties"]["kind"]["const"] for form in schema["properties"]["trigger"]["oneOf"]}
    assert steps == set(STEPS.kinds())
    assert triggers == set(TRIGGERS.kinds())


@pytest.mark.django_db
def test_whatever_stands_in_a_draft_is_told_and_never_breaks() -> None:
    """Every value of a sound definition is replaced by things that do not belong there, one at a time."""
    odd: list[Any] = [None, 7, -1.5, True, "", "x", [], [1], {}, {"a": []}, [[]], [{"kind": []}], {"kind": {}}]

    def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        return [path, *(found for key, part in inner for found in places(part, (*path, key)))]

    for path in places(SIMPLE)[1:]:
        for strange in odd:
            data = copy.deepcopy(SIMPLE)
            holder: Any = data
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = strange
            problems = find_problems(data)
            assert all(problem.text for problem in problems)
            lay_out(read_steps(data.get("steps")), {}, problems)
