"""Journeys in the browser: conditions and filters built in their forms, fields that follow the chosen mode, and pages
of segments, tags, strategies and flows that keep nobody out and run off no screen."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from huitou.accounts.models import Brand
from huitou.core.clock import FixedClock
from huitou.journeys.models import Journey
from huitou.journeys.services import create_journey
from huitou.segments.services import create_segment, create_tag, set_strategy
from huitou.segments.tests.conftest import NOW
from tests.browser.conftest import Console
from tests.browser.test_doors import serious
from tests.browser.test_segments import choose, press

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WORDS = {"zh": "你好", "en": "Hello"}
VIEWED = {"event": "Product Viewed", "where": [{"property": "price", "is": ">", "value": 50}], "done": {"at_least": 3}}
STEPS: list[dict[str, Any]] = [
    {"id": "pause", "kind": "wait", "mode": "for", "duration": "5d", "at": "10:00"},
    {
        "id": "big",
        "kind": "branch",
        "cases": [
            {"data": [{"property": "total", "is": ">=", "value": 100}], "when": VIEWED, "next": "call", "label": "Big"}
        ],
        "next": "end",
    },
    {"id": "call", "kind": "handoff", "title": WORDS, "context": WORDS},
    {"id": "end", "kind": "exit"},
]
SEQUENCE: dict[str, Any] = VIEWED | {"then": [{"event": ["Product Added", "Cart Viewed"], "within_days": 2}]}
del SEQUENCE["done"]
MIXED = {
    "all": [
        SEQUENCE,
        {"any": [{"tag": ["vip", "new"]}, {"not": {"feature": "lifecycle_stage", "is": "in", "value": ["new"]}}]},
        {
            "orders": {
                "where": {"category": ["tea"], "list_price_minor": {"is": ">", "value": 900}},
                "is": ">",
                "value": 1,
            }
        },
    ]
}


@pytest.fixture
def written(console: Console) -> None:
    """A segment with a bit of everything, a tag, a strategy, and a journey of four steps."""
    clock = FixedClock(NOW)
    Brand.objects.create(pk=1, name="小满", zone="Asia/Shanghai", currency="CNY", clock_now=NOW)
    for name in ("vip", "new"):
        create_tag(name=name, clock=clock)
    create_segment(name="mixed", title="看了又买", definition=MIXED, clock=clock)
    set_strategy(segment="mixed", offers="新品试用", clock=clock)
    definition = {
        "trigger": {
            "kind": "event",
            "event": "Order Completed",
            "where": [{"property": "total", "is": ">", "value": 9}],
        },
        "audience": {"segment": "mixed"},
        "goal": {"events": [{"event": "Product Viewed"}]},
        "steps": STEPS,
    }
    create_journey(name="care", title="售后关怀", definition=definition, clock=clock)


ADDRESSES = (
    "/segments/",
    "/segments/saved/mixed/",
    "/segments/saved/mixed/edit/",
    "/tags/",
    "/tags/vip/rule/",
    "/strategies/",
    "/journeys/",
    "/journeys/care/",
    "/journeys/care/terms/",
    "/journeys/care/steps/pause/",
    "/journeys/care/steps/big/",
    "/journeys/care/steps/call/",
)


@pytest.mark.usefixtures("written")
def test_every_page_of_segments_and_flows_can_be_read_by_everybody(console: Console) -> None:
    page = console.page
    for language, width in (("zh-hans", 390), ("en", 1280)):
        console.speak(language)
        page.set_viewport_size({"width": width, "height": 844})
        for address in ADDRESSES:
            console.open(address)
            page.wait_for_load_state("networkidle")
            assert page.locator("h1").count() == 1, address
            assert serious(console) == [], address
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (address, width)
            # Every field and button in sight is reached by the Tab key and has a name.
            unnamed = page.evaluate(
                """[...document.querySelectorAll("main input, main select, main textarea, main button, main a")]
                .filter((e) => e.type !== "hidden" && e.offsetParent && !e.ariaHidden && e.tabIndex < 0)
                .map((e) => e.outerHTML.slice(0, 120))"""
            )
            assert unnamed == [], address


@pytest.mark.usefixtures("written")
def test_steps_and_rules_are_set_without_a_line_of_json(console: Console) -> None:
    console.speak("en")
    page = console.open("/journeys/care/steps/pause/")
    expect(page.locator("#id_duration")).to_be_visible()
    expect(page.locator("#id_event")).to_be_hidden()
    page.locator("#id_mode").focus()
    page.locator("#id_mode").select_option("event")
    expect(page.locator("#id_duration")).to_be_hidden()
    expect(page.locator("#id_event")).to_be_visible()
    page.locator("#id_event").fill("Order Completed")
    page.locator("#id_at_most").fill("2")
    page.locator("#id_at_most_unit").select_option("d")
    press(page, "mf-where")
    expect(page.locator("#f0of-where")).to_be_focused()
    choose(page, "f0of-where", "p:total")
    choose(page, "f0is-where", "number >=")
    page.locator("#f0value-where").fill("100")
    page.keyboard.press("Enter")
    page.wait_for_url("**/journeys/care/")
    page = console.open("/journeys/care/steps/big/")
    expect(page.locator("#f0value-cases_0_when-0")).to_have_value("50")
    press(page, "a-cases_1_when")
    choose(page, "w-cases_1_when-0", "tag")
    page.locator("#n0v-cases_1_when-0").select_option("vip")
    page.locator("#id_cases-1-next").select_option("call")
    page.get_by_role("button", name="Save into the draft").click()
    page.wait_for_url("**/journeys/care/")
    page = console.open("/journeys/care/terms/")
    press(page, "a-audience")
    choose(page, "w-audience-1", "feature:order_count")
    page.locator("#value-audience-1").fill("2")
    press(page, "me-exit_when_events")
    page.locator("#e0v-exit_when_events").fill("Order Refunded")
    page.locator("#id_reentry").select_option("after_days")
    page.locator("#id_reentry_days").fill("30")
    page.get_by_role("button", name="Save into the draft").click()
    page.wait_for_url("**/journeys/care/")
    made = Journey.objects.get().versions.latest("number").definition
    wait, branch = made["steps"][0], made["steps"][1]
    assert wait["where"] == [{"property": "total", "is": ">=", "value": 100}]
    assert "duration" not in wait
    assert [case.get("when") for case in branch["cases"]] == [VIEWED, {"tag": "vip"}]
    assert branch["cases"][0]["data"] == STEPS[1]["cases"][0]["data"]
    assert made["audience"] == {"all": [{"segment": "mixed"}, {"feature": "order_count", "is": ">=", "value": 2}]}
    assert made["goal"] == {"events": [{"event": "Product Viewed"}]}
    assert made["exit_when"] == {"events": [{"event": "Order Refunded"}]}
    assert made["trigger"]["where"] == [{"property": "total", "is": ">", "value": 9}]
    assert made["reentry_days"] == 30
