"""The way in and what is there before any data: login, languages, theme, keyboard, phone."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, Console

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def serious(console: Console) -> list[str]:
    """What axe holds for serious or critical on the open page."""
    found = Axe().run(console.page).response["violations"]
    return [
        f"{console.page.url} {rule['id']}: {rule['nodes'][0]['html'][:200]}"
        for rule in found
        if rule["impact"] in {"serious", "critical"}
    ]


def test_the_first_page_offers_two_ways_in_chinese_and_english(console: Console) -> None:
    page = console.open("/")
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    expect(page.get_by_role("link", name="导入我的订单")).to_be_visible()
    expect(page.get_by_role("button", name="看示例")).to_be_visible()
    assert serious(console) == []
    page.get_by_role("button", name="English").click()
    assert page.locator("html").get_attribute("lang") == "en"
    expect(page.get_by_role("link", name="Import my orders")).to_be_visible()


def test_keyboard_reaches_the_content_first(console: Console) -> None:
    page = console.open("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_the_theme_switch_is_remembered(console: Console) -> None:
    page = console.open("/")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("[data-theme-switch]").first.click()
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    assert serious(console) == []


def test_on_a_phone_the_menu_opens_and_nothing_overflows(console: Console) -> None:
    console.page.set_viewport_size({"width": 375, "height": 740})
    page = console.open("/")
    expect(page.locator("#sidebar")).to_be_hidden()
    page.locator("#menu-button").click()
    expect(page.locator("#sidebar nav")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#sidebar")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_wrong_password_is_explained_and_logging_out_closes_the_door(console: Console) -> None:
    page = console.open("/")
    page.get_by_role("button", name="退出").click()
    console.open("/settings/")
    assert "/login/" in page.url
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", "wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    assert serious(console) == []
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("nav").first).to_be_visible()
    assert page.url == f"{console.url}/settings/"
