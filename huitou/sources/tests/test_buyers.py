"""Whose a number in a file is: the brand's own customer, or a buyer's account at a shop; and their phones."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huitou.analytics.engines import DuckEngine, Lake
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.customers.groups import customers_of
from huitou.customers.identifier_kind import read_identifier
from huitou.customers.models import Identifier, Merge, Milestone, Person, ReviewCase
from huitou.customers.normalizing import NOBODYS_WORDS
from huitou.customers.services import TraitReport, record_traits
from huitou.sources.importing.options import ImportOptions, read_preset
from huitou.sources.services import run_import, start_import
from huitou.sources.tests.reading import read, write
from huitou.sources.tests.test_services import CLOCK

pytestmark = pytest.mark.django_db
TAOBAO = "订单编号,买家会员名,买家实际支付金额,订单状态,订单付款时间,宝贝标题,宝贝总数量,店铺名称,联系手机,收货人姓名\n"
# Somebody who knows that the phone of their orders is the buyer's own.
OWN_PHONES = ImportOptions(columns={"phone": ("联系手机",)}).over(read_preset("taobao"))
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
    bring(path, OWN_PHONES, home)
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


def test_whom_the_parcel_goes_to_identifies_and_joins_nobody(home: Home, tmp_path: Path) -> None:
    """Two buyers send to one phone: both keep it as a contact detail, and it is nobody's identifier."""
    rows = (("1", "木子", "甲店", "13912345670"), ("2", "小鹿", "乙店", "13912345670"))
    bring(taobao(tmp_path, "a.csv", *rows), read_preset("taobao"), home)
    assert set(Identifier.objects.values_list("kind", flat=True)) == {"buyer_id"}
    assert not Merge.objects.exists()
    assert set(Person.objects.values_list("display_name", "phone")) == {("李*", "13912345670")}
    # What the buyer is known by outranks it, whenever the parcel went.
    own = "order_id,paid_at,customer_id,customer_name,phone,sku,amount\nA1,2020-01-01,木子,木子妈妈,13700000000,s,1\n"
    bring(write(tmp_path / "own.csv", own), ImportOptions(platform="taobao", constants={"store": "甲店"}), home)
    bring(taobao(tmp_path, "b.csv", ("3", "木子", "甲店", "13912345671")), read_preset("taobao"), home)
    buyer = Person.objects.get(identifiers__value="木子")
    assert (buyer.display_name, buyer.phone) == ("木子妈妈", "13700000000")


@pytest.mark.parametrize(
    ("preset", "head", "row"),
    [
        ("douyin", "主订单编号,选购商品,商品数量,商品单价,订单状态,支付完成时间,收件人,收件手机号",
         "1,霜,1,10,已完成,2024-03-01 10:00:00,李一,13912345670"),
        ("youzan", "订单号,商品名称,商品数量,商品实际成交金额,订单状态,买家付款时间,收货人手机号/提货人手机号",
         "1,霜,1,10,交易完成,2024-03-01 10:00:00,13912345670"),
        ("jushuitan", "线上订单号,平台,店铺,状态,付款日期,商品名称,数量,商品金额,收货人,收货手机",
         "1,抖音,甲店,已发货,2024-03-01 10:00:00,霜,1,10,李一,13912345670"),
        ("", "订单号,商品名称,数量,实付金额,付款时间,收货人,收货人电话", "1,霜,1,10,2024-03-01,李一,13912345670"),
    ],
)  # fmt: skip
def test_where_nothing_else_names_the_buyer_the_report_says_so(
    tmp_path: Path, preset: str, head: str, row: str
) -> None:
    path = write(tmp_path / "o.csv", f"{head}\n{row}\n")
    found = read(path, options=read_preset(preset) if preset else None)
    assert found.column("customer_id") == [None]
    assert found.column("recipient_phone") == ["13912345670"]
    assert {"no_customers", "recipients_only"} <= set(found.warnings)


def test_what_was_told_later_counts_whenever_its_file_comes(home: Home, tmp_path: Path) -> None:
    """Files of orders by the orders' own times; what somebody told meanwhile stays, too."""
    head = "order_id,paid_at,customer_id,customer_name,phone,sku,amount\n"
    bring(write(tmp_path / "new.csv", head + "A2,2024-03-02,c,王新,13700000002,s,1\n"), ImportOptions(), home)
    bring(write(tmp_path / "old.csv", head + "A1,2024-03-01,c,王旧,13700000001,s,1\n"), ImportOptions(), home)
    person = Person.objects.get()
    assert (person.display_name, person.phone) == ("王新", "13700000002")
    within = "A4,2024-03-04,c,王四,,s,1\nA3,2024-03-03,c,王三,,s,1\n"
    bring(write(tmp_path / "within.csv", head + within), ImportOptions(), home)
    person.refresh_from_db()
    assert person.display_name == "王四"

    masked = "A6,2024-03-06,d,,138****0001,s,1\n"
    bring(write(tmp_path / "masked.csv", head + masked), ImportOptions(), home)
    bring(write(tmp_path / "whole.csv", head + "A5,2024-03-05,d,,13700000001,s,1\n"), ImportOptions(), home)
    bring(write(tmp_path / "masked.csv", head + masked.replace("A6", "A7")), ImportOptions(), home)
    assert Person.objects.get(identifiers__value="d").phone == "13700000001"

    def tell(at: datetime, city: str) -> None:
        record_traits(traits=[TraitReport(person.pk, at, city, "", {"city": city})], source="app", clock=CLOCK)

    tell(CLOCK.now() + timedelta(hours=1), "later")
    bring(
        write(tmp_path / "c.csv", "customer_id,name,city,gender\nc,file,file,f\n"),
        ImportOptions(),
        home,
        kind="customers",
    )
    person.refresh_from_db()
    assert (person.display_name, person.attributes) == ("later", {"city": "later", "gender": "f"})
    tell(CLOCK.now() - timedelta(hours=1), "earlier")
    assert (
        record_traits(
            traits=[TraitReport(person.pk, CLOCK.now() - timedelta(hours=1), "", "", {"gender": "m"})],
            source="app",
            clock=CLOCK,
        )
        == []
    )
    person.refresh_from_db()
    assert (person.display_name, person.attributes) == ("later", {"city": "later", "gender": "f"})


@pytest.mark.parametrize(
    "junk",
    ["0", "-1", "000000", "(null)", "未知", "测试", "13800138000", "+8613800138000", "13900000000", "11111111111"],
)
def test_placeholders_are_nobodys_numbers(tmp_path: Path, junk: str) -> None:
    """Counted and told in files of orders, refused in files of customers, and nobody in events."""
    rows = f"A1,2024-03-01,{junk},s,1\nA2,2024-03-01,{junk},s,1\nA3,2024-03-01,7,s,1\nA4,2024-03-01,88888888,s,1\n"
    found = read(write(tmp_path / "o.csv", "order_id,paid_at,buyer,sku,amount\n" + rows), "customer_id=buyer")
    assert found.column("customer_id") == [None, None, "7", "88888888"]
    assert found.warnings["placeholder_customers"] == 2
    assert found.counts.customers == 2
    people = read(write(tmp_path / "c.csv", f"customer_id,name\n{junk},x\n7,y\n"), kind="customers")
    assert people.problems == {"placeholder:customer_id": [2]}
    assert read_identifier("customer_id", "", junk) is None
    assert read_identifier("customer_id", "", "88888888") == ("customer_id", "", "88888888")


NUMBERS = st.one_of(
    st.sampled_from(sorted(NOBODYS_WORDS)),
    st.text("0123456789", min_size=1, max_size=13),
    st.integers(0, 9).flatmap(lambda digit: st.integers(1, 13).map(lambda n: str(digit) * n)),
    st.from_regex(r"(\+?86)?1[3-9][0-9](0|1|00138000|00139000|[0-9]{8}){1,8}", fullmatch=True),
    st.text("-01 a测(", min_size=1, max_size=12),
)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(NUMBERS, min_size=50, max_size=200))
def test_files_and_events_know_the_same_numbers_of_nobody(tmp_path: Path, values: list[str]) -> None:
    rows = "".join(f'A{n},2024-03-01,"{value}",s,1\n' for n, value in enumerate(values))
    found = read(write(tmp_path / "o.csv", "order_id,paid_at,buyer,sku,amount\n" + rows), "customer_id=buyer")
    by_file = dict(zip(found.column("order_id"), found.column("customer_id"), strict=True))
    by_event = {f"A{n}": read_identifier("customer_id", "", value) for n, value in enumerate(values)}
    assert {order: value is None for order, value in by_file.items()} == {o: v is None for o, v in by_event.items()}


def test_one_phone_on_two_accounts_of_a_shop_is_left_to_people(home: Home, tmp_path: Path) -> None:
    path = taobao(tmp_path, "a.csv", ("1", "一号", "甲店", "13912345670"), ("2", "二号", "甲店", "13912345670"))
    bring(path, OWN_PHONES, home)
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
    bring(path, ImportOptions(columns={"customer_id": ("买家会员名",)}).over(OWN_PHONES), home)
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
