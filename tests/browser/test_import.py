"""A messy order file goes in through the browser, by keyboard, and its numbers come out on every page."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from playwright.sync_api import Page, expect
from psycopg.conninfo import make_conninfo

from huitou.core.home import Home
from tests.browser.conftest import Console
from tests.browser.test_doors import serious

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Six months; in each, customers c1 and c2 buy twice, c3 and c4 once: the monthly repurchase rate is 2 of 4.
MONTHS = ["2024-01", "2024-02", "2024-03", "2024-04", "2024-05", "2024-06"]
GOOD_ORDERS = len(MONTHS) * 6


def write_messy_file(path: Path) -> None:
    """A Chinese export in GB18030 with titles above the header, quoted numbers, currency signs, a total row, a word
    nobody knows, a masked buyer and two rows that cannot be taken."""
    lines = ["店铺订单导出,,,,,,", "订单编号,买家会员名,付款时间,商品名称,数量,单价,订单状态"]
    number = 900000
    for month in MONTHS:
        for customer, day in [("c1", 3), ("c1", 17), ("c2", 4), ("c2", 18), ("c3", 5), ("c4", 6)]:
            number += 1
            lines.append(f'="{number}",{customer},{month}-{day:02d} 12:30:00,洗面奶,１,"¥1,000.00",交易成功')
    lines.append('="999001",138****1234,2024-06-20 10:00:00,面霜,2,¥50.00,交易成功')
    lines.append("1.2E+18,c9,2024-06-21 10:00:00,面霜,1,¥50.00,交易成功")
    lines.append('="999002",c9,不是日期,面霜,1,¥50.00,交易成功')
    lines.append('="999003",c5,2024-06-22 10:00:00,面霜,1,¥80.00,飞走了')
    lines.append("合计,,,,,36200.00,")
    path.write_bytes("\r\n".join(lines).encode("gb18030"))


@pytest.fixture
def work(transactional_db: None, home: Home, tmp_path: Path) -> Iterator[None]:
    """A worker process on the test's database and data directory, until the test is over."""
    given = connection.settings_dict
    url = make_conninfo(
        dbname=given["NAME"], user=given["USER"], password=given["PASSWORD"], host=given["HOST"], port=given["PORT"]
    )
    environment = {**os.environ, "HUITOU_DATABASE_URL": url, "HUITOU_HOME": str(home.root)}
    command = [sys.executable, "-m", "config", "worker"]
    with (tmp_path / "worker.log").open("w") as log:
        worker = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            worker.terminate()
            worker.wait(60)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers RESTART IDENTITY CASCADE")


def press_to(page: Page, name: str, *, steps: int = 80) -> None:
    """Reach the button called `name` by the Tab key alone."""
    for _step in range(steps):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            return
    raise AssertionError(f"no Tab leads to {name}")


def import_file(console: Console, path: Path) -> Page:
    """Through the wizard, with the keyboard wherever a keyboard can do it, to the finished import."""
    page = console.open("/data/")
    assert serious(console) == []
    page.locator("#file").set_input_files(path)
    page.locator("#file").focus()
    press_to(page, "上传并查看")
    page.keyboard.press("Enter")
    page.wait_for_url("**/data/files/**")
    return page


def test_a_messy_file_from_upload_to_figures(console: Console, work: None, tmp_path: Path) -> None:
    path = tmp_path / "订单 导出.csv"
    write_messy_file(path)
    page = import_file(console, path)
    # What was recognised is shown before anything is stored.
    expect(page.get_by_text("gb18030", exact=False).first).to_be_visible()
    expect(page.locator("[name='map.order_id']")).to_have_value("订单编号")
    expect(page.locator("[name='map.paid_at']")).to_have_value("付款时间")
    expect(page.locator("table.preview")).to_contain_text("2024-01-03 12:30")
    expect(page.locator("table.preview")).to_contain_text("¥1,000.00")
    expect(page.locator("code", has_text="1.2E+18")).to_be_visible()
    assert serious(console) == []
    # The unknown word is explained, and the row is taken then.
    page.locator("[name='word.status:飞走了']").select_option("cancelled")
    press_to(page, "重新查看", steps=120)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text(f"将导入 {GOOD_ORDERS + 2} 行")
    page.get_by_role("button", name="开始导入").click()
    page.wait_for_url("**/data/imports/**")
    expect(page.get_by_text("导入完成，数字已更新。")).to_be_visible(timeout=60_000)
    assert serious(console) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="下载被拒行").click()
    refused = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert "1.2E+18" in refused
    assert "不是日期" in refused

    check_figures(console)
    check_explorer(console)
    check_customers(console)
    walk_every_page(console)


def check_figures(console: Console) -> None:
    page = console.open("/")
    # 36 orders of ¥1,000 and one anonymous of ¥100; the monthly repurchase rate is 2 of 4.
    expect(page.locator("main")).to_contain_text("数据截至 2024-06-20")
    tile = page.get_by_role("region", name="复购率", exact=True)
    expect(tile.locator(".figure-value")).to_have_text("50.0%")
    page.wait_for_selector(".plot[data-drawn]")
    console.open("/metrics/?metric=revenue&grain=total&from_date=2024-01-01&to_date=2024-06-30")
    expect(page.locator("#answer tbody").last).to_contain_text("¥36,100.00")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载 CSV").click()
    assert "3610000" in Path(download.value.path()).read_text(encoding="utf-8-sig")


def check_explorer(console: Console) -> None:
    """It answers without a reload."""
    page = console.open("/metrics/")
    page.evaluate("window.stayed = true")
    page.locator("#id_metric").select_option("buyers")
    expect(page.locator("#answer h2").first).to_have_text("购买人数")
    assert page.evaluate("window.stayed === true")
    assert "metric=buyers" in page.url
    page.wait_for_selector(".plot[data-drawn]")


def check_customers(console: Console) -> None:
    page = console.open("/customers/")
    # Four buyers, and c5, whose only order was cancelled.
    assert page.locator("tbody tr").count() == 5
    page.fill("#q", "c1")
    page.keyboard.press("Enter")
    # The one customer who has exactly this number is opened at once.
    # Twice a month for six months, a fortnight and then half a month apart.
    expect(page.locator(".sentences")).to_contain_text("平均每 15 天回购一次")
    expect(page.locator(".sentences")).to_contain_text("共购买 12 次，消费 ¥12,000.00")
    assert page.locator(".timeline > li").count() == 12
    page.goto(f"{console.url}/customers/?people=0")
    expect(page.get_by_role("heading", name="没有符合条件的客户")).to_be_visible()


def walk_every_page(console: Console) -> None:
    page = console.page
    for language in ("zh-hans", "en"):
        console.speak(language)
        addresses = ["/", "/metrics/", "/customers/", "/customers/?due=late", "/data/", "/settings/"]
        console.open("/customers/?sort=-spend_minor")
        addresses.append(str(page.locator("tbody a").first.get_attribute("href")))
        console.open("/data/")
        addresses.append(str(page.locator("tbody a").first.get_attribute("href")))
        for address in addresses:
            console.open(address)
            expect(page.locator("h1")).not_to_be_empty()
            assert page.locator("html").get_attribute("lang") == {"zh-hans": "zh-Hans", "en": "en"}[language]
            assert serious(console) == []
