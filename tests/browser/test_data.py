"""The Data page's feeds, dead letters and tracking plan: from an event that is refused to one that counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from huitou.accounts.services import create_brand
from huitou.core.clock import SystemClock
from huitou.core.home import Home
from huitou.sources.models import DeadLetter, EventDetail, FeedDay, InboxEvent
from huitou.sources.tests.eventing import Client, consume, facts, make_client
from tests.browser.conftest import Console
from tests.browser.test_doors import serious

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TABS = ("/data/connections/", "/data/feeds/", "/data/", "/data/letters/", "/data/plan/")
CLOCK = SystemClock()


@pytest.fixture
def sender(transactional_db: None) -> Iterator[Client]:
    """A brand and a sender with a write key, at a door that has the real time."""
    create_brand(name="小满生活", clock=CLOCK)
    made = make_client(clock=CLOCK, source="app", channel="app")  # type: ignore[arg-type]
    yield made
    made.door.close()


def told(number: int, name: str = "Product Viewed", days: float = 0, **properties: Any) -> dict[str, Any]:
    at = CLOCK.now() + timedelta(days=days)
    return {
        "type": "track",
        "messageId": f"m{number}",
        "userId": "c1001",
        "event": name,
        "timestamp": at.isoformat(),
        "properties": properties,
    }


def send(sender: Client, home: Home) -> None:
    """Events as planned, others that are not, two refused ones; and days before that, one of them half empty."""
    events = [told(n, product_id="p1", price=9.9) for n in range(40)]
    events += [told(100 + n, price="9.9", colour="red") for n in range(3)]
    events += [told(200, "Live Poll Answered", answer="yes")]
    events += [told(300, "Order Completed", order_id="A1", currency="USD", products=[{"sku": "x", "price": 1}])]
    events += [told(400, "Comment Posted", days=3, content_id="v1", comment="请打 13912345678 找王小满")]
    assert sender.batch(*events).status == 200
    consume(home, CLOCK)
    today = FeedDay.objects.get().day
    for back in range(1, 12):
        day = today - timedelta(days=back)
        received = 20 if back == 4 else 100
        FeedDay.objects.create(source="app", day=day, received=received, accepted=received, complete=received)


def fits(console: Console) -> bool:
    return bool(console.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_empty_pages_say_what_to_do_and_fit_a_phone(console: Console, language: str) -> None:
    console.speak(language)
    for path in TABS:
        page = console.open(path)
        assert serious(console) == []
        assert page.locator(".tabs [aria-current=page]").count() == 1
    console.open("/data/feeds/")
    expect(console.page.get_by_text("huitou keys create app --source app")).to_be_visible()
    console.page.set_viewport_size({"width": 375, "height": 740})
    for path in TABS:
        console.open(path)
        assert fits(console), path


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_full_pages_are_accessible_and_fit_a_phone(console: Console, sender: Client, home: Home, language: str) -> None:
    send(sender, home)
    console.speak(language)
    letter = DeadLetter.objects.get(reason="order_currency")
    more = ("/data/feeds/events/app/", "/data/plan/event/?name=Product+Viewed", f"/data/letters/{letter.pk}/")
    for path in (*TABS, *more):
        console.page.set_viewport_size({"width": 1280, "height": 900})
        console.open(path)
        assert serious(console) == []
        console.page.set_viewport_size({"width": 375, "height": 740})
        assert fits(console), path


def test_what_is_wrong_with_a_feed_leads_to_where_it_is_mended(console: Console, sender: Client, home: Home) -> None:
    send(sender, home)
    console.speak("en")
    page = console.open("/data/feeds/")
    expect(page.get_by_role("row", name="app")).to_contain_text("gap")
    page.get_by_role("link", name="See the dead letters").click()
    expect(page.get_by_role("heading", name="By reason")).to_be_visible()
    page.select_option("#reason", "order_currency")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert "reason=order_currency" in page.url


def test_a_dead_letter_is_mended_without_seeing_whom_it_names_and_counts(
    console: Console, sender: Client, home: Home
) -> None:
    """Its time is set right in the text; what was hidden arrives as it was sent."""
    send(sender, home)
    letter = DeadLetter.objects.get(reason="time_future")
    console.speak("en")
    page = console.open(f"/data/letters/{letter.pk}/")
    text = page.locator("#payload").input_value()
    for secret in ("13912345678", "王小满", "c1001"):
        assert secret not in page.content()
    mended = json.loads(text)
    mended["timestamp"] = CLOCK.now().isoformat()
    page.fill("#payload", json.dumps(mended))
    page.get_by_role("button", name="Replay as mended").click()
    expect(page.get_by_role("status")).to_contain_text("taken in again")
    consume(home, CLOCK)
    posted = next(row for row in facts(home) if row["name"] == "Comment Posted")
    viewed = next(row for row in facts(home) if row["name"] == "Product Viewed")
    assert posted["person_id"] == viewed["person_id"]
    assert "王小满" in str(EventDetail.objects.get(event_hash=posted["event_id"]).properties)
    page = console.open("/data/letters/")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_broken_text_is_refused_and_chosen_letters_are_replayed_or_discarded(
    console: Console, sender: Client, home: Home
) -> None:
    send(sender, home)
    first, second = DeadLetter.objects.order_by("pk")
    console.speak("en")
    page = console.open(f"/data/letters/{first.pk}/")
    page.fill("#payload", "{not json")
    with console.expecting_refusal():
        page.get_by_role("button", name="Replay as mended").click()
    expect(page.get_by_role("alert")).to_contain_text("no JSON at line 1, column 2")
    assert page.locator("#payload").input_value() == "{not json"
    page = console.open("/data/letters/")
    page.get_by_label(f"Choose number {first.pk}").check()
    page.get_by_role("button", name="Replay the chosen").click()
    expect(page.get_by_role("status")).to_contain_text("1 event is taken in again")
    assert InboxEvent.objects.get().letter_id == first.pk
    page.get_by_label(f"Choose number {second.pk}").check()
    page.get_by_role("button", name="Discard the chosen").click()
    expect(page.get_by_text("No event was refused")).to_be_visible()


def test_what_came_unplanned_is_declared_with_the_keyboard(console: Console, sender: Client, home: Home) -> None:
    send(sender, home)
    console.speak("en")
    page = console.open("/data/plan/")
    row = page.get_by_role("row").filter(has_text="colour")
    expect(row).to_contain_text("property not planned")
    row.get_by_role("link", name="Declare").press("Enter")
    assert page.locator("#id_property").input_value() == "colour"
    page.locator("#id_values").fill("red, blue")
    page.locator("#id_values").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("version 1")
    expect(page.get_by_role("row").filter(has_text="colour")).to_contain_text("since version 1")
    page = console.open("/data/plan/")
    expect(page.get_by_role("row").filter(has_text="colour")).to_have_count(0)
    page.locator("#id_name").fill("Live Poll Answered")
    page.locator("#id_zh").fill("回答直播投票")
    page.get_by_role("button", name="Declare").click()
    expect(page.get_by_role("status")).to_contain_text("version 2")
    console.speak("zh-hans")
    page = console.open("/data/plan/?kind=own")
    expect(page.get_by_role("link", name="回答直播投票")).to_be_visible()
