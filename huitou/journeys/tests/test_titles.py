"""What is shipped is called in the reader's language on journeys and launches, and events as the tracking plan says."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils.translation import override

from huitou.accounts.models import User
from huitou.accounts.roles import OPERATOR
from huitou.journeys.plays.drafts import find_draft
from huitou.journeys.services import create_journey, launch, publish
from huitou.journeys.steps.wait import tell_duration
from huitou.journeys.tests.travelling import END, World, journey
from huitou.journeys.titles import journey_title, launch_title
from huitou.journeys.trigger import TRIGGERS
from huitou.segments.services import install_layers
from tests.contract.calling import program

pytestmark = pytest.mark.django_db
BIG: list[dict[str, Any]] = [{"property": "total", "is": ">=", "value": 100}, {"property": "own", "is": "empty"}]


def reading(language: str) -> Client:
    user = User.objects.create_user("anna", password="long enough 1", role=OPERATOR, language=language)
    found = Client()
    found.cookies["django_language"] = language
    found.force_login(user)
    return found


def test_a_launched_play_is_called_in_the_readers_language() -> None:
    """It was launched by somebody who reads Chinese."""
    world = World()
    with override("zh-hans"):
        draft = find_draft("win_back_60d", {"channels": ["console_log"]})
        made = create_journey(
            name=draft.name, title=draft.title, definition=draft.source, play=draft.name, clock=world.clock
        )
        launched = launch(version=publish(journey=made.journey, clock=world.clock), clock=world.clock, control_bp=0)
    chinese = draft.title
    assert (journey_title(made.journey), launch_title(launched)) == (chinese, chinese)
    with override("en"):
        assert journey_title(made.journey) == launch_title(launched) == "Win back after 60 days"
    client = reading("en")
    for address in ("/journeys/", "/journeys/win_back_60d/", "/journeys/win_back_60d/terms/", "/plays/"):
        page = client.get(address).content.decode()
        assert "Win back after 60 days" in page, address
        assert chinese not in page, address
    caller = program("plays.view")
    for address in ("/plays", "/journeys"):
        found = caller.ask("GET", address, expect=200)
        assert "Win back after 60 days" in str(found), address
        assert chinese not in str(found), address
    made.journey.title = "老客召回"
    with override("en"):
        assert journey_title(made.journey) == "老客召回", "somebody's own title stays"


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("zh-hans", "完成订单（总额不少于 100；own 为空）"),
        ("en", "Completed an order (total at least 100; own has no value)"),
    ],
)
def test_a_trigger_names_its_event_as_the_tracking_plan_does(language: str, told: str) -> None:
    with override(language):
        assert TRIGGERS["event"].tell({"event": "Order Completed", "where": BIG}) == told
        assert TRIGGERS["event"].tell({"event": "Of our own"}) == "Of our own"


def test_a_trigger_names_its_segment_by_title() -> None:
    world = World()
    install_layers(clock=world.clock)
    with override("en"):
        assert TRIGGERS["segment"].tell({"segment": "rfm_champions"}) == "enters RFM champions"
        assert TRIGGERS["segment"].tell({"segment": "gone", "change": "left"}) == "leaves gone"


def test_a_goal_names_its_events_on_the_page() -> None:
    world = World()
    goal = {"events": [{"event": "Product Viewed"}, {"event": "Order Completed", "where": BIG[:1]}]}
    create_journey(name="test", title="T", definition=journey([END], goal=goal), clock=world.clock)
    page = reading("en").get("/journeys/test/").content.decode()
    assert "Completed an order (total at least 100)" in page
    assert "Product Viewed" not in page


@pytest.mark.parametrize(
    ("length", "told"), [("1d", "1 day"), ("2d", "2 days"), ("1h", "1 hour"), ("90m", "90 minutes"), ("1m", "1 minute")]
)
def test_lengths_of_time_count_in_english(length: str, told: str) -> None:
    with override("en"):
        assert tell_duration(length) == told
