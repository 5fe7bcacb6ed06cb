"""A customer's identity in the browser: joins explained and undone, cases decided, in both languages, by keyboard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from huitou.accounts.services import create_brand
from huitou.core.clock import FixedClock, SystemClock
from huitou.customers.groups import customers_of
from huitou.customers.services import (
    AcquisitionReport,
    ConsentDecision,
    Sighting,
    TraitReport,
    record_acquisitions,
    record_consents,
    record_traits,
    resolve_sightings,
)
from tests.browser.conftest import Console
from tests.browser.test_doors import serious

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NOW = datetime(2024, 5, 1, 2, tzinfo=UTC)
CLOCK = FixedClock(NOW)


@pytest.fixture
def customer(console: Console) -> int:
    """Two accounts joined by a phone, and a third at the first one's shop that the rules leave to people."""
    create_brand(name="小满生活", clock=SystemClock())
    phone, mail = ("phone", "", "13912345670"), ("email", "", "lilei@qq.com")
    facts = [
        (("buyer_id", "taobao:小满旗舰店", "木子妈妈"), phone),
        (
            ("openid", "wx8f1", "oGZUI0egBJY1zhBYw2KhdUfwVJJE"),
            ("unionid", "", "o6_bmjrPTlm6_2sgVt7hMZOPfL2M"),
            phone,
            mail,
        ),
        (("buyer_id", "taobao:小满旗舰店", "小鹿乱撞"), phone),
    ]
    sightings = [Sighting(n, ids, NOW + timedelta(minutes=n)) for n, ids in enumerate(facts)]
    found = resolve_sightings(sightings=sightings, source="小程序", clock=CLOCK)
    traits = {"birthday": "1990-05-17", "宝宝生日": "2023-11-02", "肤质": "敏感肌", "city": "杭州"}
    record_traits(traits=[TraitReport(found[1], NOW, "李雷", "13912345670", traits)], source="小程序", clock=CLOCK)
    decisions = [("sms", "marketing", False), ("wecom", "marketing", True)]
    record_consents(
        decisions=[ConsentDecision(found[1], c, p, granted, NOW, "小程序", "2024-03") for c, p, granted in decisions],
        clock=CLOCK,
    )
    record_acquisitions(reports=[AcquisitionReport(found[1], NOW, "entry_code", "门店-01", "618")], clock=CLOCK)
    return customers_of(found.values())[found[0]]


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_join_is_explained_and_undone(console: Console, customer: int, language: str) -> None:
    console.speak(language)
    page = console.open(f"/customers/{customer}/")
    expect(page.get_by_text("139****5670").first).to_be_visible()
    assert "13912345670" not in page.content()
    assert serious(console) == []
    page.get_by_role("button", name="撤销" if language == "zh-hans" else "Undo").first.click()
    expect(page.get_by_role("status").or_(page.locator(".message.success")).first).to_be_visible()
    assert serious(console) == []


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_case_is_decided_by_keyboard(console: Console, customer: int, language: str) -> None:
    console.speak(language)
    page = console.open("/review/")
    assert serious(console) == []
    merge = page.get_by_role("button", name="同一人：合并" if language == "zh-hans" else "One customer: merge")
    merge.focus()
    page.keyboard.press("Enter")
    expect(
        page.get_by_role("heading", name="没有待处理项" if language == "zh-hans" else "Nothing to decide")
    ).to_be_visible()
    assert serious(console) == []


def test_nothing_overflows_on_a_phone(console: Console, customer: int) -> None:
    console.page.set_viewport_size({"width": 375, "height": 740})
    for path in (f"/customers/{customer}/", "/review/"):
        page = console.open(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
