"""Results in the browser: the list of experiments, readouts before and at the end, and who was left without contact; in
both languages and sizes, by everybody."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from huitou.accounts.models import Brand
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.experiments.models import HoldoutShare
from huitou.journeys.loop import run_turn
from huitou.journeys.plays.drafts import find_draft
from huitou.journeys.plays.launching import launch_draft
from huitou.messaging.accounts import create_account
from huitou.orders.refresh import refresh
from huitou.orders.tests.conftest import Feed, feed
from huitou.segments.tests.conftest import NOW, buy, move_to, order, people
from tests.browser.conftest import Console
from tests.browser.test_doors import serious
from tests.browser.test_plays_and_messages import SIZES, press_to

__all__ = ["feed"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def compared(console: Console, home: Home, feed: Feed) -> tuple[int, list[int]]:
    """A win-back of forty customers with half of them as control and one look planned before its end: its number, and
    the customers."""
    brand = Brand.objects.create(pk=1, name="小满", zone="Asia/Shanghai", currency="CNY", clock_now=NOW)
    HoldoutShare.objects.create(share_bp=0, first_day=date(2000, 1, 1), at=NOW)
    sleepers = people(40)
    buy(feed, [order(person, NOW - timedelta(days=d)) for person in sleepers for d in (200, 90)])
    refresh(home=home, brand=brand, clock=brand.clock)
    create_account(kind="list_handoff", name="门店电话", settings={"consent_basis": "elsewhere"}, clock=brand.clock)
    made = launch_draft(find_draft("win_back_60d"), clock=brand.clock, control_bp=5_000, looks=1)
    run_turn(clock=FixedClock(NOW + timedelta(days=1)))
    return made.pk, sleepers


def look_at(console: Console, addresses: tuple[str, ...]) -> None:
    for language, width in SIZES:
        console.speak(language)
        console.page.set_viewport_size({"width": width, "height": 844})
        for address in addresses:
            where = (address, language, width)
            page = console.open(address)
            console.settle()
            assert page.locator("h1").inner_text().strip(), where
            assert serious(console) == [], where
            assert page.evaluate("document.documentElement.scrollWidth") <= width, where


def test_results_can_be_read_by_everybody(
    console: Console, home: Home, feed: Feed, compared: tuple[int, list[int]]
) -> None:
    """Before the end nothing is compared; afterwards the verdict, its interval and the chart stand there."""
    number, customers = compared
    readout = f"/experiments/launch:{number}/"
    move_to(NOW + timedelta(days=2))
    console.speak("en")
    page = console.open(readout)
    expect(page.get_by_role("heading", level=1)).to_have_text("Win back after 60 days")
    expect(page.get_by_role("region", name="What it shows")).to_contain_text("In progress until")
    expect(page.get_by_text("Looks before the end")).to_be_visible()
    expect(page.get_by_role("region", name="Difference of the repurchase rate")).to_have_count(0)
    look_at(console, (readout,))

    buy(feed, [order(person, NOW + timedelta(days=9)) for person in customers[::3]])
    brand_clock = move_to(NOW + timedelta(days=70))
    refresh(home=home, brand=Brand.objects.get(), clock=brand_clock)
    console.speak("en")
    page = console.open("/experiments/")
    press_to(page, "Win back after 60 days")
    page.keyboard.press("Enter")
    said = page.get_by_role("region", name="What it shows")
    expect(said).to_contain_text("95 % interval")
    expect(page.get_by_role("region", name="Difference of the repurchase rate")).to_be_visible()
    expect(page.get_by_role("region", name="Arms").get_by_role("row")).to_have_count(3)
    look_at(console, ("/experiments/", readout, f"/plays/launches/{number}/", "/contact-gap/"))
