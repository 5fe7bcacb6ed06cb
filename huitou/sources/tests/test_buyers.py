"""Whose a number in a file is: the brand's own customer, or a buyer's account at a shop; and their phones."""

from __future__ import annotations

from pathlib import Path

import pytest

from huitou.analytics.engines import DuckEngine, Lake
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.customers.groups import customers_of
from huitou.customers.models import Identifier, Merge, Milestone, Person, ReviewCase
from huitou.sources.importing.options import ImportOptions, read_preset
from huitou.sources.services import run_import, start_import
from huitou.sources.tests.reading import write
from huitou.sources.tests.test_services import CLOCK

pytestmark = pytest.mark.django_db
TAOBAO = "订单编号,买家会员名,买家实际支付金额,订单状态,订单付款时间,宝贝标题,宝贝总数量,店铺名称,联系手机,收货人姓名\n"
JUSHUITAN = "线上订单号,店铺,平台,订单类型,状态,订单日期,付款日期,买家账号,手机,商品编码,商品名称,数量,单价,商品金额\n"


def bring(path: Path, options: ImportOptions, home: Home, *, kind: str = "orders") -> None:
    run = start_import(path=path, kind=kind, options=options, clock=CLOCK)
    assert run_import(run.pk, home=home, clock=FixedClock(CLOCK.now())).state == "done"


def buyers(home: Home) -> dict[str, int | None]:
    """Person by order number, as the lake has it."""
    with DuckEngine(Lake(home.lake_url), scratch=home.root / "s") as engine:
        rows = engine.to_pyarrow(engine.table("fct_order_lines")).to_pylist()
    return {row["order_id"]: row["person_id"] for row in rows}


def taobao(tmp_path: Path, name: str, *rows: tuple[str, str, str, str]) -> Path:
    """An order report: (order, buyer, shop, phone) by row."""
    lines = [
        f"{o},{b},10.00,交易成功,2024-03-0{n % 9 + 1} 10:00:00,面霜,1,{s},{p},李*"
        for n, (o, b, s, p) in enumerate(rows)
    ]
    return write(tmp_path / name, TAOBAO + "\n".join(lines) + "\n")


def test_buyers_are_of_their_platform_and_shop_and_join_by_phone(home: Home, tmp_path: Path) -> None:
    """One account name at two shops is two persons; a whole phone makes them one customer, a masked one does not."""
    path = taobao(
        tmp_path,
        "a.csv",
        ("1", "木子", "甲店", "13912345670"),
        ("2", "木子", "乙店", "+86 139-1234-5670"),
        ("3", "小鹿", "甲店", "138****1234"),
        ("4", "小鹿", "乙店", "138****1234"),
        ("5", "13712345670-8899", "甲店", "13712345670-8899"),
    )
    bring(path, read_preset("taobao"), home)
    found = buyers(home)
    assert len({found[n] for n in "1234"}) == 4
    assert found["5"] is None, "a privacy number is nobody's account"
    customers = customers_of([found[n] or 0 for n in "1234"])
    assert len(set(customers.values())) == 3
    assert customers[found["1"] or 0] == customers[found["2"] or 0]
    assert set(Identifier.objects.values_list("kind", "namespace", "value")) == {
        ("buyer_id", "taobao:甲店", "木子"),
        ("buyer_id", "taobao:乙店", "木子"),
        ("buyer_id", "taobao:甲店", "小鹿"),
        ("buyer_id", "taobao:乙店", "小鹿"),
        ("phone", "", "+8613912345670"),
    }
    merge = Merge.objects.get()
    assert (merge.rule, merge.source) == ("phone", "taobao")


def test_one_phone_on_two_accounts_of_a_shop_is_left_to_people(home: Home, tmp_path: Path) -> None:
    path = taobao(tmp_path, "a.csv", ("1", "一号", "甲店", "13912345670"), ("2", "二号", "甲店", "13912345670"))
    bring(path, read_preset("taobao"), home)
    assert not Merge.objects.exists()
    assert ReviewCase.objects.get().clashes == [["buyer_id", "taobao:甲店"]]


def test_a_file_of_several_platforms_meets_the_platforms_own_files(home: Home, tmp_path: Path) -> None:
    """The platform comes from the row's channel, so that an account is the same one in both exports."""
    bring(taobao(tmp_path, "a.csv", ("1", "木子", "甲店", "")), read_preset("taobao"), home)
    rows = "T1,甲店,淘宝天猫,普通订单,已发货,2024-03-01 09:00:00,2024-03-01 09:01:00,木子,,B,霜,1,59.00,59.00\n"
    rows += "D1,甲店,抖音,普通订单,已发货,2024-03-01 09:00:00,2024-03-01 09:01:00,木子,,B,霜,1,59.00,59.00\n"
    bring(write(tmp_path / "j.csv", JUSHUITAN + rows), read_preset("jushuitan"), home)
    found = buyers(home)
    assert found["1"] == found["T1"] != found["D1"]


def test_without_a_shop_the_feed_is_one(home: Home, tmp_path: Path) -> None:
    bring(
        taobao(tmp_path, "a.csv", ("1", "木子", "", "")), ImportOptions(source="tb2").over(read_preset("taobao")), home
    )
    assert Identifier.objects.get().namespace == "taobao:tb2"


def test_a_number_that_somebody_names_is_the_brands_own(home: Home, tmp_path: Path) -> None:
    """With --map customer_id=… the column is the customer number, as in files without a ready mapping."""
    path = taobao(tmp_path, "a.csv", ("1", "c7", "甲店", "13912345670"))
    bring(path, ImportOptions(columns={"customer_id": ("买家会员名",)}).over(read_preset("taobao")), home)
    assert set(Identifier.objects.values_list("kind", "namespace", "value")) == {
        ("customer_id", "", "c7"),
        ("phone", "", "+8613912345670"),
    }
    assert Person.objects.get().phone == "13912345670"


def test_birthdays_of_customer_files_are_milestones(home: Home, tmp_path: Path) -> None:
    """What cannot be read stays an attribute as it was given."""
    path = write(
        tmp_path / "c.csv", "customer_id,phone,birthday,attribute.肤质\nc1,13912345670,1990/5/1,干皮\nc2,,May,\n"
    )
    bring(path, ImportOptions(), home, kind="customers")
    assert set(Milestone.objects.values_list("kind", "value")) == {("birthday", "1990-05-01"), ("skin_type", "dry")}
    assert Person.objects.get(identifiers__value="c2").attributes == {"birthday": "May"}
    assert Identifier.objects.filter(kind="phone").count() == 1
