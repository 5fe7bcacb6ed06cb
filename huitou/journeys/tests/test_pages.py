"""The console: journeys drawn with counts, edited step by step, published; the inbox of tasks; a customer card."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from huitou.accounts.models import Brand, User
from huitou.accounts.roles import OPERATOR
from huitou.journeys.forms import SettingsForm
from huitou.journeys.models import Journey, StaffTask
from huitou.journeys.services import create_journey, save_draft
from huitou.journeys.step import STEPS
from huitou.journeys.tests.travelling import END, WORDS, World, journey
from huitou.journeys.trigger import TRIGGERS
from huitou.segments.builder.lists import FILTERS
from huitou.segments.builder.tree import from_list, read_form
from huitou.segments.services import create_tag

pytestmark = pytest.mark.django_db
CALL = {"id": "call", "kind": "handoff", "title": WORDS, "context": WORDS, "due": "4h"}
BRANCH: dict[str, Any] = {
    "id": "big",
    "kind": "branch",
    "cases": [{"data": [{"property": "total", "is": ">=", "value": 100}], "next": "call", "label": "Big order"}],
    "next": "end",
}


@pytest.fixture
def client() -> Client:
    operator = User.objects.create_user("anna", password="long enough 1", role=OPERATOR, language="en")
    found = Client()
    found.cookies["django_language"] = "en"
    found.force_login(operator)
    return found


def definition(name: str = "test") -> dict[str, Any]:
    kept = Journey.objects.get(name=name).versions.order_by("-number").first()
    assert kept is not None
    found: dict[str, Any] = kept.definition
    return found


def test_a_journey_is_drawn_with_its_ways_and_live_counts(client: Client) -> None:
    world = World(3)
    world.launch(journey([BRANCH, CALL, {"id": "pause", "kind": "wait", "mode": "for", "duration": "2d"}, END]))
    for number, person in enumerate(world.people):
        world.hear(person, "Order Completed", total=number * 100)
    world.turn()
    page = client.get("/journeys/test/").content.decode()
    assert "Big order" in page
    assert 'id="step-pause"' in page
    assert page.index("Big order") < page.index('id="step-call"') < page.index('id="step-end"')
    assert "2 days" in page


def test_a_journey_is_made_edited_and_published_in_forms(client: Client) -> None:
    World()
    made = client.post("/journeys/", {"title": "Care", "name": "test"})
    assert made.headers["Location"] == "/journeys/test/"
    added = client.post("/journeys/test/", {"action": "add", "kind": "handoff", "after": "wait1", "outlet": "next"})
    assert added.headers["Location"] == "/journeys/test/steps/handoff1/"
    page = client.get("/journeys/test/").content.decode()
    assert "to mend before it can be published" in page
    assert "Title is missing." in page
    refused = client.post("/journeys/test/", {"action": "publish"}, follow=True).content.decode()
    assert "The journey cannot run" in refused
    told = {"action": "save", "task": "call", "title-zh": "你好", "title-en": "Hello", "way-next": "end"}
    client.post("/journeys/test/steps/handoff1/", told)
    step = next(step for step in definition()["steps"] if step["id"] == "handoff1")
    assert step == {
        "id": "handoff1",
        "kind": "handoff",
        "task": "call",
        "title": {"zh": "你好", "en": "Hello"},
        "next": "end",
    }
    published = client.post("/journeys/test/", {"action": "publish"}, follow=True).content.decode()
    assert "Version 1 is live." in published
    client.post("/journeys/test/steps/wait1/", {"action": "remove"})
    assert [step["id"] for step in definition()["steps"]] == ["handoff1", "end"]
    assert Journey.objects.get().versions.count() == 2


def test_a_length_of_time_is_a_number_and_a_unit(client: Client) -> None:
    """As it was written it comes back; without a number it is left out; both parts have a name for who cannot see."""
    World()
    wait = {"id": "pause", "kind": "wait", "mode": "for", "duration": "36h"}
    create_journey(name="test", title="T", definition=journey([wait, CALL, END]), clock=World.clock_of_machine())
    page = client.get("/journeys/test/steps/pause/").content.decode()
    assert 'name="duration" value="36"' in page
    assert '<option value="h" selected>' in page
    assert 'aria-label="Unit of time"' in page
    told = {"action": "save", "mode": "for", "duration": "2", "duration_unit": "w"}
    client.post("/journeys/test/steps/pause/", told)
    told = {"action": "save", "title-zh": "x", "title-en": "x", "due": "", "due_unit": "d"}
    client.post("/journeys/test/steps/call/", told)
    pause, call, _end = definition()["steps"]
    assert pause["duration"] == "2w"
    assert "due" not in call
    wrong = client.post(
        "/journeys/test/steps/pause/", {"action": "save", "mode": "for", "duration": "soon"}, follow=True
    )
    assert "is a length of time" in wrong.content.decode()


def test_channels_and_tags_are_chosen_from_what_there_is(client: Client) -> None:
    """In the order of preference and once each; new tags may stand between Chinese commas."""
    world = World()
    for name in ("sleeping", "gold"):
        create_tag(name=name, clock=world.clock_of_machine())
    send = {"id": "hello", "kind": "send", "channels": ["console_log/shop"], "title": WORDS, "text": WORDS}
    give = {"id": "mark", "kind": "tag", "give": ["gold"]}
    create_journey(name="test", title="T", definition=journey([send, give, END]), clock=World.clock_of_machine())
    page = client.get("/journeys/test/steps/hello/").content.decode()
    assert '<option value="console_log/shop" selected>' in page
    assert '<option value="wecom">' in page
    words = {f"{part}-{language}": "x" for part in ("title", "text") for language in ("zh", "en")}
    chosen = {"channels-1": "wecom", "channels-2": "", "channels-3": "list_handoff"}
    client.post("/journeys/test/steps/hello/", {"action": "save", **words, **chosen})
    page = client.get("/journeys/test/steps/mark/").content.decode()
    assert page.count("checked") == 1
    told = {"action": "save", "give": ["sleeping"], "give-new": "老客，高潜", "take": ["gold"], "take-new": ""}
    client.post("/journeys/test/steps/mark/", told)
    hello, mark, _end = definition()["steps"]
    assert hello["channels"] == ["wecom", "list_handoff"]
    assert (mark["give"], mark["take"]) == (["sleeping", "老客", "高潜"], ["gold"])


def test_a_branch_is_edited_in_rows_of_menus(client: Client) -> None:
    World()
    draft = create_journey(
        name="test", title="T", definition=journey([BRANCH, CALL, END]), clock=World.clock_of_machine()
    )
    page = client.get("/journeys/test/steps/big/").content.decode()
    assert 'name="f0value-cases_0_data" id="f0value-cases_0_data" value="100"' in page
    told = {
        "action": "save",
        "cases-0-label": "Big",
        "w-cases_0_data": "filters",
        "f0of-cases_0_data": "p:total",
        "f0is-cases_0_data": "number >=",
        "f0value-cases_0_data": "200",
        "f1of-cases_0_data": "p:",
        "f1name-cases_0_data": "channel",
        "f1is-cases_0_data": "text in",
        "f1value-cases_0_data": "app, web",
        "cases-0-next": "call",
        "g-cases_1_when": "all",
        "w-cases_1_when-0": "segment",
        "n0v-cases_1_when-0": "sleepers",
        "cases-1-next": "end",
        "way-next": "end",
    }
    wrong = client.post("/journeys/test/steps/big/", told | {"f0value-cases_0_data": "many"})
    assert wrong.status_code == 200
    assert "many" in wrong.content.decode().split('id="e-cases_0_data"')[1][:200]
    pressed = {key: value for key, value in told.items() if key != "action"} | {"act": "more:cases_0_data:f"}
    assert 'name="f2is-cases_0_data"' in client.post("/journeys/test/steps/big/", pressed).content.decode()
    assert definition()["steps"][0]["cases"] == BRANCH["cases"], "a button of the tree saves nothing"
    assert client.post("/journeys/test/steps/big/", told).status_code == 302
    assert draft.journey.name == "test"
    cases = [
        {
            "label": "Big",
            "next": "call",
            "data": [
                {"property": "total", "is": ">=", "value": 200},
                {"property": "channel", "is": "in", "value": ["app", "web"]},
            ],
        },
        {"next": "end", "when": {"segment": "sleepers"}},
    ]
    assert definition()["steps"][0]["cases"] == cases


def test_a_wait_keeps_what_goes_with_its_mode(client: Client) -> None:
    """Fields of other modes are in the page unseen: wrong or filled, they neither hinder nor are saved."""
    World()
    wait = {"id": "pause", "kind": "wait", "mode": "for", "duration": "2d"}
    create_journey(name="test", title="T", definition=journey([wait, END]), clock=World.clock_of_machine())
    page = client.get("/journeys/test/steps/pause/").content.decode()
    assert 'data-goes-with="mode" data-values="for until"' in page
    told = {"action": "save", "mode": "event", "event": "Order Completed", "at_most": "3d", "duration": "2d"}
    told |= {"day": "many", "w-where": "filters", "f0of-where": "p:total", "f0is-where": "not_empty", "way-next": "end"}
    assert client.post("/journeys/test/steps/pause/", told).status_code == 302
    saved = {"id": "pause", "kind": "wait", "mode": "event", "event": "Order Completed", "at_most": "3d", "next": "end"}
    assert definition()["steps"][0] == saved | {"where": [{"property": "total", "is": "not_empty"}]}
    assert client.post("/journeys/test/steps/pause/", told | {"mode": "until"}).status_code == 200, "the day counts now"


@pytest.mark.parametrize(
    "where",
    [
        [{"property": "a.b", "is": "=", "value": True}, {"property": "n", "is": "<", "value": 2.5}],
        [{"property": "n", "is": "in", "value": [1, 2]}],
        [{"property": "t", "is": "starts_with", "value": "x, y"}, {"property": "t", "is": "empty"}],
        "no list",
    ],
)
def test_filters_come_back_as_they_were(client: Client, where: Any) -> None:
    World()
    found = SettingsForm(TRIGGERS["event"].settings, None, {"event": "Order Completed", "where": where})
    node = from_list(where, FILTERS, "where")
    assert node.to_json() == where
    sent = {f"{name}-where": value for name, value in node.fields.items()} | {"w-where": node.what}
    assert all(f'name="{name}"' in str(found["where"]) for name in sent), "drawn as it is read"
    assert read_form(sent, "where").to_json() == where


@pytest.mark.parametrize(
    ("zone", "kept", "shown"),
    [
        ("Asia/Shanghai", "2026-11-30T23:59:00+08:00", "2026-11-30T23:59"),
        # As a program wrote it, by another clock and to the second.
        ("Asia/Shanghai", "2026-11-30T15:59:30+00:00", "2026-11-30T23:59:30"),
        ("America/New_York", "2026-07-01T09:00:00-04:00", "2026-07-01T09:00"),
        ("Asia/Shanghai", "next week", ""),
        ("Asia/Shanghai", "2026-11-30T23:59", ""),
    ],
)
def test_a_moment_is_set_by_the_brands_clock(client: Client, zone: str, kept: str, shown: str) -> None:
    World()
    Brand.objects.update(zone=zone)
    field = SettingsForm(STEPS["send"].settings, None, {"valid_until": kept})["valid_until"]
    drawn = str(field)
    assert 'type="datetime-local"' in drawn
    assert (f'value="{shown}"' in drawn) is bool(shown)
    assert ("value=" in drawn) is bool(shown)
    assert zone in str(field.help_text)
    again = SettingsForm(STEPS["send"].settings, {"valid_until": shown}, {})
    assert again.is_valid()
    told = again.values().get("valid_until", "")
    if shown:
        assert datetime.fromisoformat(told) == datetime.fromisoformat(kept)
        assert datetime.fromisoformat(told).utcoffset() is not None
    else:
        assert told == ""
    assert not SettingsForm(STEPS["send"].settings, {"valid_until": "tomorrow"}, {}).is_valid()


def test_trigger_audience_and_rules_are_set_in_one_form(client: Client) -> None:
    World()
    create_journey(name="test", title="T", definition=journey([CALL, END]), clock=World.clock_of_machine())
    told = {
        "trigger_kind": "date",
        "date": "birthday",
        "days_before": "3",
        "at": "09:00",
        "g-audience": "all",
        "w-audience-0": "segment",
        "n0v-audience-0": "vips",
        "goal-purchase": "on",
        "w-exit_when_events": "events",
        "e0v-exit_when_events": "Message Unsubscribed",
        "e0f0of-exit_when_events": "p:",
        "e0f0name-exit_when_events": "channel",
        "e0f0is-exit_when_events": "text =",
        "e0f0value-exit_when_events": "sms",
        "reentry": "after_days",
        "reentry_days": "300",
        "window_days": "14",
        "control_bp": "20",
        "purpose": "marketing",
    }
    assert client.post("/journeys/test/terms/", told).status_code == 302
    found = definition()
    assert found["trigger"] == {"kind": "date", "date": "birthday", "days_before": 3, "at": "09:00"}
    assert found["audience"] == {"segment": "vips"}
    assert found["goal"] == {"purchase": True}
    unsubscribed = {"event": "Message Unsubscribed", "where": [{"property": "channel", "is": "=", "value": "sms"}]}
    assert found["exit_when"] == {"events": [unsubscribed]}
    assert (found["reentry"], found["reentry_days"], found["control_bp"]) == ("after_days", 300, 2000)


def test_an_unfinished_draft_is_drawn_as_far_as_it_goes(client: Client) -> None:
    World()
    draft = create_journey(name="test", title="T", definition={}, clock=World.clock_of_machine())
    assert client.get("/journeys/test/").status_code == 200
    loop = [{"id": "a", "kind": "handoff", "next": "b"}, {"id": "b", "kind": "handoff", "next": "a"}]
    save_draft(journey=draft.journey, definition={"steps": [*loop, {"id": "c"}]}, clock=World.clock_of_machine())
    assert "goes on at a" in client.get("/journeys/test/").content.decode()


def test_the_inbox_takes_puts_off_and_finishes(client: Client) -> None:
    world = World()
    world.launch(journey([CALL, END]))
    world.hear(world.people[0], "Order Completed")
    world.turn()
    task = StaffTask.objects.get()
    page = client.get("/tasks/").content.decode()
    assert "Hello" in page
    client.post("/tasks/", {"action": "take", "task": task.pk})
    assert "Hello" in client.get("/tasks/?mine=1").content.decode()
    client.post("/tasks/", {"action": "snooze", "task": task.pk, "length": "1d"})
    assert "Nothing to do" in client.get("/tasks/").content.decode()
    client.post("/tasks/", {"action": "finish", "task": task.pk, "outcome": "reached", "note": "will come"})
    task.refresh_from_db()
    assert (task.state, task.outcome, task.note) == ("done", "reached", "will come")
    assert "Reached, interested" in client.get("/tasks/?which=done").content.decode()
    card = client.get(f"/customers/{world.people[0]}/").content.decode()
    assert "Journeys and tasks" in card
