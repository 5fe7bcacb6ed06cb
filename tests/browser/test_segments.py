"""The builder in the browser: a condition by keyboard with its live size, errors beside fields, on a phone, in both
languages, and nothing that keeps anybody out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from huitou.accounts.models import Brand
from huitou.core.home import Home
from huitou.orders.refresh import refresh
from huitou.orders.tests.conftest import Feed, feed
from huitou.segments.models import Segment
from huitou.segments.tests.conftest import NOW, buy, order, people
from tests.browser.conftest import Console
from tests.browser.test_doors import serious

__all__ = ["feed"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def bought(console: Console, home: Home, feed: Feed) -> None:
    """Three customers, of whom one bought twice."""
    brand = Brand.objects.create(pk=1, name="Test", zone="Asia/Shanghai", currency="CNY", clock_now=NOW)
    one, two, _three = people(3)
    buy(feed, [order(one, NOW - timedelta(d)) for d in (9, 3)] + [order(two, NOW - timedelta(1))])
    refresh(home=home, brand=brand, clock=brand.clock)


@pytest.mark.usefixtures("bought")
@pytest.mark.parametrize(("language", "width"), [("zh-hans", 1280), ("en", 390)])
def test_a_segment_is_built_by_keyboard(console: Console, language: str, width: int) -> None:
    console.speak(language)
    console.page.set_viewport_size({"width": width, "height": 844})
    page = console.open("/segments/new/")
    expect(page.locator("#size")).to_have_text("1")
    page.locator("#value-0-0").fill("1")
    expect(page.locator("#size")).to_have_text("2")
    page.locator("#value-0-0").fill("often")
    expect(page.locator("#e-0-0")).to_contain_text("often")
    expect(page.locator("#size")).to_have_count(0)
    page.locator("#value-0-0").fill("1")
    page.locator("#a-0").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#w-0-1")).to_be_focused()
    page.locator("#w-0-1").select_option("feature:lifecycle_stage")
    page.locator("select#value-0-1").select_option("new")
    expect(page.locator("#size")).to_have_text("1")
    assert serious(console) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("#title").fill("新买家")
    page.keyboard.press("Enter")
    page.wait_for_url("**/segments/")
    assert Segment.objects.get().versions.get().definition == {
        "all": [
            {"feature": "order_count", "is": ">=", "value": 1},
            {"feature": "lifecycle_stage", "is": "=", "value": "new"},
        ]
    }
    for address in ("/segments/", f"/segments/saved/{Segment.objects.get().name}/", "/tags/", "/strategies/"):
        console.open(address)
        assert serious(console) == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
