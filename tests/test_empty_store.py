"""A store without figures: what the overview offers and promises depends on what is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client

from huitou.accounts.models import AuditEntry, Brand
from huitou.accounts.queries import find_brand
from huitou.accounts.services import BrandExistsError, create_brand, create_first_admin, remove_empty_brand
from huitou.core.clock import SystemClock
from huitou.core.home import Home
from huitou.orders.refresh import run_refresh
from huitou.sources.connectors.complete_journey.loading import is_empty
from huitou.sources.importing.options import ImportOptions
from huitou.sources.services import run_import, start_import

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a long enough secret"


@pytest.fixture
def page(home: Home) -> Client:
    cache.clear()
    create_first_admin(clock=SystemClock(), password=PASSWORD)
    client = Client()
    client.login(username="admin", password=PASSWORD)
    client.cookies["django_language"] = "en"
    return client


def overview(page: Client) -> str:
    return page.get("/").content.decode()


def bring(tmp_path: Path, text: str) -> int:
    path = tmp_path / "o.csv"
    path.write_text(text, encoding="utf-8")
    return start_import(path=path, kind="orders", options=ImportOptions()).pk


@pytest.mark.parametrize("named", [False, True])
def test_both_ways_to_begin_are_offered_while_nothing_is_there(page: Client, named: bool) -> None:
    """Also to a brand that has a name and nothing else: no figures are promised that nobody sent."""
    if named:
        create_brand(name="小满生活", clock=SystemClock())
    text = overview(page)
    assert "Import my orders" in text
    assert "Look at the example" in text
    assert "on their way" not in text
    assert "first refresh" not in page.get("/metrics/").content.decode()


def test_figures_are_promised_once_orders_are_coming(page: Client, home: Home, tmp_path: Path) -> None:
    run = bring(tmp_path, "订单号,付款时间,金额\nA1,2025-01-01 10:00,10\n")
    assert "on their way" in overview(page)
    run_import(run)
    assert "on their way" in overview(page)


def test_orders_of_which_none_counts_are_called_so(page: Client, home: Home, tmp_path: Path) -> None:
    run_import(bring(tmp_path, "订单号,付款时间,金额,订单状态\nA1,2025-01-01 10:00,10,交易关闭\n"))
    brand = Brand.objects.get()
    run_refresh(home=home, brand=brand, clock=SystemClock())
    text = overview(page)
    assert "No order counts yet" in text
    assert "on their way" not in text


def test_a_brand_without_data_makes_room_for_the_example_and_is_remembered(page: Client) -> None:
    create_brand(name="小满生活", zone="Asia/Tokyo", clock=SystemClock())
    assert is_empty()
    remove_empty_brand(clock=SystemClock())
    assert find_brand() is None
    entry = AuditEntry.objects.get(action="brand.removed")
    assert (entry.target, entry.detail["zone"]) == ("小满生活", "Asia/Tokyo")


def test_a_brand_with_data_never_makes_room(page: Client, home: Home, tmp_path: Path) -> None:
    run_import(bring(tmp_path, "订单号,付款时间,金额\nA1,2025-01-01 10:00,10\n"))
    assert not is_empty()
    with pytest.raises(BrandExistsError):
        remove_empty_brand(clock=SystemClock())
    assert find_brand() is not None


def test_the_example_is_named_in_the_readers_language(page: Client) -> None:
    create_brand(name="示例品牌 Complete Journey", clock=SystemClock(), is_example=True, clock_now=SystemClock().now())
    assert "Example brand Complete Journey" in overview(page)
