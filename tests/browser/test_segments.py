"""The builder in the browser: a condition by keyboard with its live size, errors beside fields, on a phone, in both
languages, and nothing that keeps anybody out."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

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
    page.wait_for_url("**/segments/saved/*/")
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


def choose(page: Page, field: str, code: str) -> None:
    """Choose in a menu that brings other fields, and wait until they are there."""
    page.locator(f"#{field}").select_option(code)
    drawn(page)


def press(page: Page, button: str) -> None:
    page.locator(f"[id='{button}']").click()
    drawn(page)


def drawn(page: Page) -> None:
    """Wait for the fields. A response is no sign of them: it comes before they do, and may be an earlier act's."""
    expect(page.locator("[data-tree][aria-busy]")).to_have_count(0, timeout=30_000)


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("zh-hans", 390)])
def test_what_somebody_did_and_bought_is_built_without_a_line_of_json(
    console: Console, language: str, width: int
) -> None:
    Brand.objects.create(pk=1, name="Test", zone="Asia/Shanghai", currency="CNY", clock_now=NOW)
    console.speak(language)
    console.page.set_viewport_size({"width": width, "height": 844})
    page = console.open("/segments/new/")
    choose(page, "w-0-0", "event:Product Viewed")
    choose(page, "how-0-0", "then")
    page.locator("#s0n0v-0-0").fill("Product Added")
    press(page, "ms0n-0-0")
    expect(page.locator("#s0n1v-0-0")).to_be_focused()
    page.locator("#s0n1v-0-0").fill("Cart Viewed")
    choose(page, "s0unit-0-0", "hours")
    page.locator("#s0within-0-0").fill("48")
    press(page, "mf-0-0")
    expect(page.locator("#f0of-0-0")).to_be_focused()
    choose(page, "f0of-0-0", "p:price")
    choose(page, "f0is-0-0", "number between")
    page.locator("#f0value-0-0").fill("19.9")
    page.locator("#f0upper-0-0").fill("50")
    choose(page, "win-0-0", "last")
    page.locator("#days-0-0").fill("30")
    press(page, "n-0")
    choose(page, "w-0-1-0", "orders:sum")
    choose(page, "is-0-1-0", ">=")
    page.locator("#value-0-1-0").fill("200")
    press(page, "mw-0-1-0")
    choose(page, "w0what-0-1-0", "list_price_minor")
    choose(page, "w0is-0-1-0", ">")
    page.locator("#w0value-0-1-0").fill("99.5")
    assert serious(console) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("#title").fill("看了又买")
    page.keyboard.press("Enter")
    page.wait_for_url("**/segments/saved/*/")
    saved = {
        "all": [
            {
                "event": "Product Viewed",
                "where": [{"property": "price", "is": "between", "value": [19.9, 50]}],
                "window": {"last_days": 30},
                "then": [{"event": ["Product Added", "Cart Viewed"], "within_hours": 48}],
            },
            {
                "any": [
                    {
                        "orders": {
                            "take": "sum",
                            "where": {"list_price_minor": {"is": ">", "value": 9950}},
                            "is": ">=",
                            "value": 20000,
                        }
                    }
                ]
            },
        ]
    }
    assert Segment.objects.get().versions.get().definition == saved
    # Opened and saved again it is the same version.
    page = console.open(f"/segments/saved/{Segment.objects.get().name}/edit/")
    page.locator("#title").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/segments/saved/[^/]+/$"))
    assert Segment.objects.get().versions.count() == 1


# What is sent is the form of that moment; the answer comes some time later.
_SLOWLY = """
window.asked = 0;
const asking = window.fetch;
window.fetch = (...told) => (window.asked += 1, asking(...told).then(
  (answer) => new Promise((done) => setTimeout(() => done(answer), 400))));
0;
"""


def test_what_is_typed_while_the_form_is_drawn_anew_is_kept(console: Console) -> None:
    """The answers of the server are held back while somebody goes on typing, choosing and pressing."""
    Brand.objects.create(pk=1, name="Test", zone="Asia/Shanghai", currency="CNY", clock_now=NOW)
    page = console.open("/segments/new/")
    page.evaluate(_SLOWLY)
    page.locator("#value-0-0").fill("1")
    page.locator("#is-0-0").select_option("between")
    page.locator("#value-0-0").press_sequentially("234", delay=60)
    page.locator("#a-0").click()
    page.locator("#a-0").click()
    page.locator("#g-0").select_option("any")
    expect(page.locator("#w-0-2")).to_be_focused()
    expect(page.locator("#g-0")).to_have_value("any")
    assert page.locator("#value-0-0").input_value() == "1234"
    page.locator("#upper-0-0").fill("2000")
    page.locator("#r-0-1").click()
    page.locator("#upper-0-0").focus()
    page.keyboard.press("End")
    page.keyboard.type("0", delay=30)
    expect(page.locator("#w-0-2")).to_have_count(0)
    assert page.locator("#upper-0-0").input_value() == "20000"
    expect(page.locator("#upper-0-0")).to_be_focused()
    assert 2 <= page.evaluate("asked") <= 12, "answers to older forms are thrown away, and the newest is asked for"
