"""What somebody does on the first day who has read the README only: a segment by menus, a play on it with its preview,
a launch by hand-off list, the list and the send report of another tool, and four weeks later the result."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from huitou.accounts.models import Brand
from huitou.core.home import Home
from huitou.customers.models import Identifier, Person
from huitou.messaging.loop import keep_up
from huitou.orders.refresh import refresh
from huitou.orders.tests.conftest import Feed, feed
from huitou.segments.tests.conftest import buy, order
from huitou.sources.connectors.complete_journey.passing import pass_hours
from tests.browser.conftest import Console

__all__ = ["feed"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# Noon in Shanghai.
NOW = datetime(2024, 4, 9, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SLEEPERS, RECENT, ONCE = 60, 8, 6
TITLE = "老客沉默 45 天"


@dataclass
class Shop:
    """A brand whose clock the test moves, with its customers' phones by customer."""

    home: Home
    feed: Feed
    phones: dict[int, str] = field(default_factory=dict)

    def open(self) -> None:
        """Sixty who bought twice and then nothing for 50 days; others who bought lately, once, or sent goods back."""
        Brand.objects.create(pk=1, name="小满", zone="Asia/Shanghai", currency="CNY", clock_now=NOW)
        sleepers, recent, once = self._people(SLEEPERS), self._people(RECENT), self._people(ONCE)
        [refunded] = self._people(1)
        bought = [order(p, NOW - timedelta(days=d)) for p in [*sleepers, refunded] for d in (90, 50)]
        bought += [order(p, NOW - timedelta(days=d)) for p in recent for d in (40, 3)]
        bought += [order(p, NOW - timedelta(days=60)) for p in once]
        back = order(refunded, NOW - timedelta(days=48), amount=-10_000, number="R-1")
        number = f"O-{refunded}-{(NOW - timedelta(days=50)).timestamp()}"
        buy(self.feed, [*bought, back | {"kind": "refund", "refund_of": number, "quantity": back["quantity"] * -1}])
        self.refresh()

    def _people(self, count: int) -> list[int]:
        made = []
        for _ in range(count):
            person = Person.objects.create(created_at=NOW, known_since=NOW - timedelta(days=200)).pk
            phone = f"+86139{12340000 + person:08d}"
            Identifier.objects.create(kind="phone", value=phone, person_id=person)
            self.phones[person] = phone.removeprefix("+86")
            made.append(person)
        return made

    def refresh(self) -> None:
        brand = Brand.objects.get()
        refresh(home=self.home, brand=brand, clock=brand.clock)

    def pass_time(self, days: float, *, step: timedelta = timedelta(hours=1)) -> None:
        """Let time pass as the example's clock does: whoever is due moves on and is sent to, and figures follow."""
        at = Brand.objects.get().now()
        until = at + timedelta(days=days)
        while at < until:
            # Large steps leave out hours in which nothing is due.
            pass_hours(max(at, min(at + step, until) - timedelta(hours=1)), min(at + step, until), home=self.home)
            at = min(at + step, until)
            keep_up(home=self.home)
        Brand.objects.update(clock_now=until)
        self.refresh()


@pytest.fixture
def shop(console: Console, home: Home, feed: Feed) -> Shop:
    made = Shop(home, feed)
    made.open()
    return made


def go(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_role("link", name=name, exact=True).first.click()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()


def settled(page: Page) -> None:
    """People look before they go on: everything that was asked for has been drawn."""
    page.wait_for_load_state("networkidle")
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")).to_have_count(0)


def choose(page: Page, menu: Locator, label: str) -> None:
    menu.select_option(label=label)
    page.wait_for_timeout(300)
    settled(page)
    expect(menu.locator("option:checked")).to_have_text(label)


def add_condition(page: Page, what: str, comparison: str, value: str) -> None:
    """One more row of the builder, filled from its menus."""
    rows = page.get_by_role("group", name="条件", exact=True)
    before = rows.count()
    press(page, "添加条件")
    expect(rows).to_have_count(before + 1)
    page.wait_for_timeout(300)
    settled(page)
    row: Locator = rows.last
    choose(page, row.get_by_label("判断内容"), what)
    choose(page, row.get_by_label("比较方式"), comparison)
    row.get_by_label("数值").fill(value)


def build_segment(page: Page) -> None:
    go(page, "分群", "新建分群")
    page.get_by_label("标题", exact=True).fill(TITLE)
    # The first row asks already for two purchases at least.
    add_condition(page, "距最近购买天数", "大于", "45")
    add_condition(page, "退款率", "等于", "0")
    expect(page.locator("#size")).to_have_text(str(SLEEPERS))
    press(page, "保存")
    expect(page.get_by_role("heading", name=TITLE)).to_be_visible()


def set_up_list(page: Page) -> None:
    go(page, "设置", "渠道")
    page.get_by_role("link", name="添加 名单导出").click()
    page.get_by_label("名称").fill("门店电话")
    page.get_by_label("同意由谁保管").select_option(label="由外部工具保管：除在此撤回者外的所有客户")
    page.get_by_role("main").get_by_role("button", name="添加").click()
    press(page, "测试")
    expect(page.get_by_text("就绪")).to_be_visible()


def launch(page: Page) -> None:
    go(page, "打法", "向一个分群发消息")
    expect(page.get_by_text(re.compile("请先在“设置”里选一个分群"))).to_be_visible()
    page.get_by_label("分群", exact=True).select_option(label=TITLE)
    page.get_by_label("接收客户进入的天数").fill("1")
    press(page, "按这些设置预览")
    numbers = page.get_by_role("region", name="预览")
    expect(numbers.get_by_text("立即进入")).to_be_visible(timeout=90_000)
    expect(numbers).to_contain_text(f"立即进入{SLEEPERS}")
    expect(numbers).to_contain_text(TITLE)
    page.get_by_role("link", name="投放…").click(timeout=90_000)
    page.get_by_label("对照组比例").fill("50")
    press(page, "立即投放")
    expect(page.get_by_text("已投放。")).to_be_visible()
    expect(page.get_by_role("region", name="下一步")).to_contain_text("还没有客户进入。进入时间：每天 10:00")


def download_list(page: Page, folder: Path) -> list[dict[str, str]]:
    go(page, "触达")
    press(page, "生成名单")
    with page.expect_download() as taken:
        press(page, "下载")
    path = folder / "list.csv"
    taken.value.save_as(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def import_report(page: Page, folder: Path, phones: Sequence[str]) -> None:
    """As a dialler writes it: GB18030, a title above the header, its own words; the last number does not exist."""
    told = [f"{phone},接通,2024/04/10 15:00:00" for phone in phones[:-1]]
    told.append(f"{phones[-1]},空号,2024/04/10 15:00:00")
    path = folder / "report.csv"
    path.write_bytes("\r\n".join(["外呼结果明细", "手机号,通话结果,时间", *told]).encode("gb18030"))
    page.get_by_label("回执文件").set_input_files(path)
    press(page, "导入回执")
    expect(page.get_by_text(f"共 {len(phones)} 行，识别 {len(phones)} 行，0 行无法识别。")).to_be_visible()


def test_from_a_question_to_its_answer(console: Console, shop: Shop, tmp_path: Path) -> None:
    console.speak("zh-hans")
    page = console.open("/")
    build_segment(page)
    set_up_list(page)
    launch(page)
    shop.pass_time(1)

    rows = download_list(page, tmp_path)
    treated = [row["手机号"] for row in rows]
    listed = {number: person for person, number in shop.phones.items()}
    assert 15 <= len(treated) <= SLEEPERS - 15
    assert len(set(treated)) == len(treated)
    assert all("好久不见" in row["正文"] for row in rows)
    import_report(page, tmp_path, treated)
    go(page, "打法")
    page.get_by_role("link", name=re.compile("向一个分群发消息 · ")).click()
    page.reload()
    expect(page.get_by_role("main")).to_contain_text(f"送达{len(treated) - 1}")
    expect(page.get_by_role("main")).to_contain_text("在那之前不比较各组")

    # Of those on the list all but five come back, of the sleepers who were left alone only two.
    sleepers = sorted(shop.phones)[:SLEEPERS]
    control = [person for person in sleepers if shop.phones[person] not in treated]
    back = [listed[phone] for phone in treated[5:]] + control[:2]
    buy(shop.feed, [order(person, NOW + timedelta(days=6)) for person in back])
    shop.pass_time(31, step=timedelta(days=4))
    go(page, "打法")
    page.get_by_role("link", name=re.compile("向一个分群发消息 · ")).click()
    result = page.get_by_role("region", name="带来的增量")
    expect(result).not_to_contain_text("进行中")
    rate = (len(treated) - 5) / len(treated)
    expect(result).to_contain_text(f"有效：触达组有 {rate * 100:.1f}% 再次购买，对照组")
    expect(result).to_contain_text(f"触达组共 {len(treated)} 位客户，其中 {len(treated) - 1} 位真正触达")
    expect(page.get_by_role("region", name="下一步")).to_contain_text("结果已出")
