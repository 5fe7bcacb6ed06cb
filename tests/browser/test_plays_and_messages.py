"""Plays, launches, messages, channels, the inbox and the customer page: nothing keeps anybody out, nothing runs off a
phone, and what a launch needs is done by keyboard; in both languages."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

from huitou.accounts.models import Brand
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.customers.models import Identifier, Person
from huitou.experiments.models import HoldoutShare
from huitou.journeys.loop import run_turn
from huitou.journeys.models import Launch, StaffTask
from huitou.journeys.plays.drafts import find_draft
from huitou.journeys.plays.launching import launch_draft
from huitou.messaging.accounts import create_account
from huitou.messaging.loop import run_turn as send_turn
from huitou.messaging.models import Touch
from huitou.orders.refresh import refresh
from huitou.orders.tests.conftest import Feed, feed
from huitou.segments.tests.conftest import NOW, buy, order, people
from tests.browser.conftest import Console
from tests.browser.test_doors import serious

__all__ = ["feed"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SIZES = [("zh-hans", 1280), ("en", 390), ("en", 1280), ("zh-hans", 390)]


@pytest.fixture
def launched(console: Console, home: Home, feed: Feed) -> Launch:
    """A win-back that runs: its customers wait for a hand-off list, and one has a task for staff."""
    brand = Brand.objects.create(pk=1, name="小满", zone="Asia/Shanghai", currency="CNY", clock_now=NOW)
    HoldoutShare.objects.create(share_bp=0, first_day=date(2000, 1, 1), at=NOW)
    sleepers = people(6)
    for person in sleepers:
        Identifier.objects.create(kind="phone", value=f"+86139{person:08d}", person_id=person)
    buy(feed, [order(person, NOW - timedelta(days=d)) for person in sleepers for d in (200, 90)])
    refresh(home=home, brand=brand, clock=brand.clock)
    create_account(kind="list_handoff", name="门店电话", settings={"consent_basis": "elsewhere"}, clock=brand.clock)
    made = launch_draft(find_draft("win_back_60d"), clock=brand.clock, control_bp=0)
    tomorrow = FixedClock(NOW + timedelta(days=1))
    run_turn(clock=tomorrow)
    send_turn(home=home, clock=tomorrow)
    Brand.objects.update(clock_now=tomorrow.now())
    StaffTask.objects.create(
        key="one",
        person_id=sleepers[0],
        launch=made,
        kind="call",
        title={"zh": "回访", "en": "Call"},
        context={"zh": "先听原因", "en": "Ask why first"},
        due_at=NOW,
        created_at=NOW,
    )
    assert Touch.objects.filter(reason="ready_for_list").count() == len(sleepers)
    return made


def press_to(page: Page, text: str, *, steps: int = 60) -> None:
    """Reach a button or link by the Tab key alone."""
    for _step in range(steps):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == text:
            return
    raise AssertionError(f"no Tab leads to {text}")


def test_every_page_can_be_read_by_everybody(console: Console, launched: Launch) -> None:
    customer = Person.objects.order_by("pk").values_list("pk", flat=True)[0]
    addresses = (
        "/plays/",
        "/plays/segment_message/",
        f"/plays/launches/{launched.pk}/",
        f"/plays/launches/{launched.pk}/stop/",
        "/messages/",
        "/messages/?group=sent",
        "/settings/channels/",
        "/settings/channels/new/list_handoff/",
        "/tasks/",
        f"/customers/{customer}/",
    )
    for language, width in SIZES:
        console.speak(language)
        console.page.set_viewport_size({"width": width, "height": 844})
        for address in addresses:
            where = (address, language, width)
            page = console.open(address)
            console.settle()
            assert page.locator("h1").count() == 1, where
            assert serious(console) == [], where
            assert page.evaluate("document.documentElement.scrollWidth") <= width, where
            # Codes are for programs: who asked for a message, and the steps, are told by their titles.
            told = page.locator("main").inner_text()
            assert f"launch:{launched.pk}" not in told, where
            assert "list_handoff" not in told, where


def test_a_launch_is_paused_resumed_and_stopped_by_keyboard(console: Console, launched: Launch) -> None:
    console.speak("en")
    page = console.open(f"/plays/launches/{launched.pk}/")
    press_to(page, "Pause")
    page.keyboard.press("Enter")
    expect(
        page.get_by_text("Paused: nobody comes in and nothing is sent until you resume it.", exact=True)
    ).to_be_visible()
    press_to(page, "Resume")
    page.keyboard.press("Enter")
    expect(page.get_by_text("It runs again.")).to_be_visible()
    press_to(page, "Stop for good …")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What stopping does")).to_be_visible()
    launched.refresh_from_db()
    assert launched.state == Launch.RUNNING
    press_to(page, "Stop for good")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Stopped for good.")).to_be_visible()
    launched.refresh_from_db()
    assert launched.state == Launch.STOPPED
    assert not Touch.objects.filter(reason="ready_for_list").exists()


def test_a_launch_leads_to_its_list_and_a_task_is_finished(console: Console, launched: Launch) -> None:
    console.speak("en")
    page = console.open(f"/plays/launches/{launched.pk}/")
    todo = page.get_by_role("region", name="What to do next")
    expect(todo).to_contain_text("6 customers wait in “门店电话”")
    expect(todo).to_contain_text("1 task waits for staff.")
    todo.get_by_role("link", name="Make the list").click()
    page.get_by_role("button", name="Make the list").click()
    expect(page.get_by_text("6 of 6 may be contacted")).to_be_visible()
    page = console.open(f"/plays/launches/{launched.pk}/")
    expect(page.get_by_role("region", name="What to do next")).to_contain_text("import the report of your tool")
    page = console.open("/tasks/")
    press_to(page, "Take")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Give back")).to_be_visible()
    press_to(page, "Finish or put off")
    page.keyboard.press("Enter")
    press_to(page, "Finish")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing to do")).to_be_visible()
    assert StaffTask.objects.get().state == StaffTask.DONE


def test_the_customer_page_draws_scores_and_tells_every_touch(console: Console, launched: Launch) -> None:
    console.speak("en")
    customer = Person.objects.order_by("pk").values_list("pk", flat=True)[0]
    page = console.open(f"/customers/{customer}/")
    picture = page.locator(".radar svg")
    expect(picture).to_be_visible()
    box = picture.bounding_box()
    assert box is not None
    for label in picture.locator("text").all():
        place = label.bounding_box()
        assert place is not None
        assert box["x"] <= place["x"], label.text_content()
        assert place["x"] + place["width"] <= box["x"] + box["width"] + 1, label.text_content()
    expect(page.locator(".radar dl")).to_contain_text("Frequency")
    touches = page.get_by_role("region", name="Messages")
    expect(touches).to_contain_text(f"Win back after 60 days · {launched.pk}")
    expect(touches).to_contain_text("ready for the next hand-off list")
    expect(page.get_by_role("region", name="Journeys and tasks")).to_contain_text("Call")
