"""Columns that a mapping leaves out: what is guessed all the same, and what people are told about the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from huitou.core.home import Home
from huitou.sources.importing.examine import examine
from huitou.sources.importing.mapping import MappingError, map_flag
from huitou.sources.importing.options import ImportOptions, options_from_pairs, read_preset
from huitou.sources.preview import look, read_choices
from huitou.sources.tests.reading import read, write
from huitou.sources.uploads import Upload

CHINESE = (
    "订单编号,付款时间,金额,会员号,订单状态,退款金额,备注\n"
    "A1,2025-01-01 10:00,100,m1,交易成功,30,x\nA2,2025-01-02 10:00,100,m1,交易关闭,,y\n"
)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Messages are compared in the language they are written in."""
    with translation.override("en"):
        yield


def unused(path: Path, *pairs: str) -> dict[str, str]:
    """Columns that nobody uses, with the field that each looks like."""
    options = options_from_pairs(columns=pairs)
    with examine(
        path, kind="orders", options=options, zone=ZoneInfo("UTC"), exponent=2, folder=path.parent / "s"
    ) as examined:
        return {column.column: column.field for column in examined.mapping.unused}


def test_one_named_column_leaves_the_needed_ones_to_be_guessed(tmp_path: Path) -> None:
    """Number, time and money are found; status and refund are not used unasked, and the warning says what that does."""
    path = write(tmp_path / "o.csv", CHINESE)
    found = read(path, "customer_id=会员号")
    assert found.columns == {"order_id": "订单编号", "paid_at": "付款时间", "customer_id": "会员号", "amount": "金额"}
    assert found.column("status") == ["paid", "paid"]
    assert {"unused_status", "unused_refund_amount"} <= set(found.warnings)
    assert unused(path, "customer_id=会员号") == {"订单状态": "status", "退款金额": "refund_amount", "备注": ""}


def test_an_unused_customer_column_is_a_warning(tmp_path: Path) -> None:
    found = read(write(tmp_path / "o.csv", CHINESE), "order_id=订单编号", "status=订单状态")
    assert "unused_customer_id" in found.warnings
    assert "unused_status" not in found.warnings


def test_an_unused_discount_is_a_warning_beside_a_price(tmp_path: Path) -> None:
    """An amount is what was paid already; a price times the pieces is not."""
    head = "订单编号,付款时间,单价,数量,会员号,优惠金额,金额\nA1,2025-01-01,100,1,m1,10,90\n"
    priced = write(tmp_path / "p.csv", head)
    found = read(priced, "unit_price=单价")
    assert found.column("amount_minor") == [10000]
    assert "unused_discount" in found.warnings
    assert "unused_discount" not in read(priced, "unit_price=单价", "discount=优惠金额").warnings
    assert "unused_discount" not in read(priced, "amount=金额").warnings


def test_a_file_whose_columns_are_all_known_warns_of_none(tmp_path: Path) -> None:
    path = write(tmp_path / "o.csv", CHINESE)
    assert unused(path) == {"备注": ""}
    assert not [code for code in read(path).warnings if code.startswith("unused")]


def test_money_by_the_piece_is_guessed_with_its_quantity(tmp_path: Path) -> None:
    """A price without the pieces would count every row as one."""
    text = "单号,日期,单价,数量,会员\nA1,2025-01-01,2.5,3,m1\n"
    assert read(write(tmp_path / "o.csv", text), "order_id=单号").column("amount_minor") == [750]


def test_what_a_whole_order_is_worth_is_not_put_on_each_line(tmp_path: Path) -> None:
    """订单金额 stands on both lines of an order that have prices of their own; alone, it is the amount."""
    lines = "订单号,付款时间,商品,单价,数量,订单金额\nA1,2025-01-01,a,10,1,30\nA1,2025-01-01,b,20,1,30\n"
    assert read(write(tmp_path / "l.csv", lines)).column("amount_minor") == [1000, 2000]
    orders = "订单号,付款时间,订单金额\nA1,2025-01-01,30\n"
    assert read(write(tmp_path / "o.csv", orders)).column("amount_minor") == [3000]


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ("单号,日期,客户,品名,件数,金额", ("order_id", "paid_at", "customer_id", "product_name", "quantity", "amount")),
        ("小票号,交易时间,会员卡,商品编号,商品名,售价", ("order_id", "paid_at", "customer_id", "sku", "product_name")),
        ("订单,消费时间,顾客编号,货品编码,实收金额", ("order_id", "paid_at", "customer_id", "sku", "amount")),
    ],
)
def test_common_chinese_headers_are_known(tmp_path: Path, headers: str, fields: tuple[str, ...]) -> None:
    cells = dict.fromkeys(headers.split(","), "1") | dict.fromkeys(("日期", "交易时间", "消费时间"), "2025-01-01")
    row = ",".join(cells[name] for name in headers.split(","))
    columns = read(write(tmp_path / "o.csv", f"{headers}\n{row}\n")).columns
    assert set(fields) <= set(columns)
    assert len(columns) == len(headers.split(","))


def test_the_ready_mappings_use_what_they_should(tmp_path: Path) -> None:
    """An export read by its own mapping has no status, refund or customer column left over."""
    samples = Path(__file__).parent.parent / "mappings" / "samples"
    for name in ("douyin", "jushuitan", "taobao", "youzan"):
        found = read(samples / f"{name}_orders.csv", options=replace(read_preset(name)))
        assert not [code for code in found.warnings if code.startswith("unused")], name


def test_flags_are_written_as_a_shell_wants_them() -> None:
    assert map_flag("customer_id", "会员号") == "--map customer_id=会员号"
    assert map_flag("paid_at", "Invoice Date") == "--map 'paid_at=Invoice Date'"


@pytest.mark.django_db
def test_the_console_speaks_of_labels_not_of_options(tmp_path: Path, home: Home) -> None:
    """What the page says names fields as the page's own labels do; options are for the command line."""
    texts = (
        CHINESE,
        "甲,乙\n1,2\n",
        "订单号,付款时间,金额,状态\nA1,03/04/2025,1,怪\n",
        CHINESE.replace("交易成功", "怪"),
    )
    said: list[str] = []
    for number, text in enumerate(texts):
        path = write(tmp_path / f"{number}.csv", text)
        chosen = read_choices("orders", {"map.order_id": "订单编号"} if not number else None, "")
        seen = look(Upload("x", path), chosen, zone=ZoneInfo("Asia/Shanghai"), currency="CNY")
        said += [seen.problem, *(w["message"] for w in seen.warnings), *(p["message"] for p in seen.problems)]
        said += [value for _label, value in seen.facts]
    assert "Order number" in " ".join(said)
    assert "Partly refunded" in " ".join(said)
    assert not [text for text in said if "--" in text or "_" in text]


def test_the_command_line_names_the_options(tmp_path: Path) -> None:
    """The same refusals, with what to type."""
    with pytest.raises(MappingError) as missing:
        read(write(tmp_path / "a.csv", "甲,乙\n1,2\n"))
    assert missing.value.for_terminal.endswith("Name it with --map order_id=COLUMN --map paid_at=COLUMN.")
    problems = examined_problems(write(tmp_path / "w.csv", CHINESE.replace("交易成功", "怪")))
    assert problems[0]["at_terminal"].startswith("--map-value status:WORD=unpaid|paid|")


def examined_problems(path: Path) -> list[dict[str, str]]:
    with examine(
        path, kind="orders", options=ImportOptions(), zone=ZoneInfo("UTC"), exponent=2, folder=path.parent / "s"
    ) as examined:
        return examined.problems


def examined_warnings(path: Path) -> dict[str, str]:
    """Warnings about a file, code to sentence."""
    with examine(
        path, kind="orders", options=ImportOptions(), zone=ZoneInfo("UTC"), exponent=2, folder=path.parent / "s"
    ) as examined:
        return {warning["code"]: warning["message"] for warning in examined.warnings}
