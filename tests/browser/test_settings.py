"""Settings as an administrator uses them, with keyboard, in both languages and on a phone; the back office's policy."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from huitou.accounts.models import AuditEntry, User
from huitou.accounts.services import create_brand
from huitou.core.clock import SystemClock
from huitou.customers.models import Person
from tests.browser.conftest import PASSWORD, Console
from tests.browser.test_doors import serious

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_person_is_let_in_and_chooses_an_own_password(console: Console) -> None:
    page = console.open("/settings/staff/")
    page.fill("#id_username", "linxm")
    page.fill("#id_full_name", "林小满")
    page.select_option("#id_role", "operator")
    page.keyboard.press("Enter")
    secret = page.locator("#secret").input_value()
    assert len(secret) >= 12
    assert serious(console) == []
    page.get_by_role("button", name="复制").click()
    expect(page.get_by_role("button", name="已复制")).to_be_visible()
    page.get_by_role("button", name="退出").click()
    page.fill("[name=username]", "linxm")
    page.fill("[name=password]", secret)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="修改密码")).to_be_visible()
    assert serious(console) == []
    page.fill("#id_old", secret)
    page.fill("#id_new", "moon over the lake")
    page.fill("#id_again", "moon over the lake")
    page.keyboard.press("Enter")
    expect(page.locator("nav")).to_be_visible()
    # An operator has no business with staff: the page can be seen, its forms are not there.
    page = console.open("/settings/staff/")
    expect(page.locator("#id_username")).to_have_count(0)


def test_a_key_is_shown_once_and_revoked(console: Console) -> None:
    page = console.open("/settings/keys/")
    page.fill("#id_w-name", "商城小程序")
    page.fill("#id_w-source", "youzan")
    page.keyboard.press("Enter")
    assert page.locator("#secret").input_value().startswith("hw_")
    page = console.open("/settings/keys/")
    expect(page.locator("#secret")).to_have_count(0)
    page.get_by_role("button", name="停用").click()
    expect(page.get_by_text("已停用").first).to_be_visible()
    page = console.open("/settings/audit/?action=key.revoked")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_customer_is_shown_whole_in_place_and_the_look_is_on_record(console: Console) -> None:
    create_brand(name="小满", clock=SystemClock())
    Person.objects.create(pk=7, display_name="张晓明", phone="13912345678", created_at=SystemClock().now())
    page = console.open("/customers/7/")
    expect(page.get_by_text("13912345678")).to_have_count(0)
    page.select_option("[name=reason]", "service")
    page.get_by_role("button", name="查看完整信息").click()
    expect(page.get_by_text("13912345678")).to_be_visible()
    assert page.url.endswith("/customers/7/")
    assert "张" not in page.title() or "*" in page.title()
    assert serious(console) == []
    assert AuditEntry.objects.filter(action="customer.unmasked").count() == 1
    page.reload()
    expect(page.get_by_text("13912345678")).to_have_count(0)


def test_every_settings_page_reads_well_in_both_languages_and_on_a_phone(console: Console) -> None:
    create_brand(name="小满", clock=SystemClock())
    person = User.objects.create_user("wu", password=PASSWORD)
    pages = ("/settings/", "/settings/staff/", f"/settings/staff/{person.pk}/", "/settings/keys/", "/settings/audit/")
    for language, width in (("zh-hans", 1280), ("en", 1280), ("zh-hans", 375), ("en", 375)):
        console.speak(language)
        console.page.set_viewport_size({"width": width, "height": 780})
        for address in (*pages, "/password/"):
            page = console.open(address)
            assert page.locator("html").get_attribute("lang") == {"zh-hans": "zh-Hans", "en": "en"}[language]
            assert serious(console) == [], address
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


def test_the_back_office_works_under_its_own_policy(console: Console) -> None:
    create_brand(name="小满", clock=SystemClock())
    page = console.open("/admin/")
    page.get_by_role("link", name=re.compile("操作日志")).first.click()
    expect(page.locator("#result_list, table").first).to_be_visible()
    # Refused scripts or styles would stand among the console's troubles.
    page.goto(f"{console.url}/admin/accounts/brand/1/change/")
    page.fill("[name=thresholds]", '{"new_days": 45}')
    page.locator("[name=_save]").click()
    expect(page.get_by_text("小满").first).to_be_visible()
    assert AuditEntry.objects.get(action="brand.updated").actor_label == "admin"


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_page_of_the_api_lists_what_there_is_to_call(console: Console, language: str) -> None:
    create_brand(name="小满", clock=SystemClock())
    console.speak(language)
    page = console.open("/api/docs/")
    expect(page.get_by_text("POST /api/v1/customers/lookup")).to_be_visible()
    assert serious(console) == []
    with page.expect_response("**/api/v1/openapi.json") as document:
        page.evaluate("fetch('/api/v1/openapi.json')")
    assert document.value.status == 200
