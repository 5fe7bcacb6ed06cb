"""Ready mappings: each reads its sample file, made of the columns that the platform documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

from huitou.sources.canonical import find_field
from huitou.sources.importing.options import PRESETS, ImportOptions, MappingFileError, list_presets, read_preset
from huitou.sources.tests.reading import Read, read

SAMPLES = PRESETS / "samples"


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Messages are compared in the language they are written in."""
    with translation.override("en"):
        yield


def told(found: Read, *names: str) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in names) for row in found.rows]


@pytest.mark.parametrize("name", list_presets())
def test_every_ready_mapping_names_known_fields(name: str) -> None:
    """A mapping of a field that does not exist would only fail when somebody needs it."""
    options = read_preset(name)
    assert options.source
    fields = {*options.columns, *options.line_columns, *options.constants, *options.values}
    assert [field for field in fields if find_field("orders", field) is None] == []
    assert {"order_id", "paid_at"} <= set(options.columns)


def test_taobao_order_file_alone() -> None:
    """One line an order: the titles together are the product, the paid amount is the amount."""
    found = read(SAMPLES / "taobao_orders.csv", options=read_preset("taobao"))
    assert found.detected["encoding"] == "gb18030"
    assert told(found, "order_id", "customer_id", "quantity", "amount_minor", "status") == [
        ("1987654321098765432", "木子妈妈", 3, 12800, "completed"),
        ("1987654321098765433", "木子妈妈", 1, 5900, "paid"),
        ("1987654321098765434", "小鹿", 1, 0, "unpaid"),
        ("1987654321098765435", "小鹿", 1, 9900, "cancelled"),
    ]


def test_taobao_order_and_line_files() -> None:
    """Joined by the order number: products and prices of the lines, buyer, time and status of the order."""
    found = read(SAMPLES / "taobao_orders.csv", lines_path=SAMPLES / "taobao_lines.csv", options=read_preset("taobao"))
    assert told(found, "order_id", "sku", "quantity", "amount_minor", "customer_id", "status")[:3] == [
        ("1987654321098765432", "BC50", 1, 5900, "木子妈妈", "completed"),
        ("1987654321098765432", "SH300", 2, 6900, "木子妈妈", "completed"),
        ("1987654321098765433", "BC50", 1, 5900, "木子妈妈", "paid"),
    ]
    assert (found.counts.rows, found.counts.accepted, found.counts.orders) == (5, 5, 4)


def test_orders_and_lines_that_do_not_meet(tmp_path: Path) -> None:
    """A line without its order and an order without a line are both reported."""
    orders = tmp_path / "orders.csv"
    orders.write_text("order_id,paid_at,customer_id\nA1,2024-03-01,c1\nA2,2024-03-02,c2\n")
    lines = tmp_path / "lines.csv"
    lines.write_text("order_id,sku,quantity,unit_price\nA1,s,1,2\nA3,s,1,2\nA1,t,1,3\n")
    found = read(orders, lines_path=lines)
    assert told(found, "order_id", "sku", "customer_id", "amount_minor") == [
        ("A1", "s", "c1", 200),
        ("A1", "t", "c1", 300),
    ]
    assert found.problems == {"line_without_order:order_id": [3], "order_without_lines": [3]}
    assert (found.counts.rows, found.counts.accepted, found.counts.rejected) == (4, 2, 2)


def test_douyin() -> None:
    """Tabs behind the numbers, one row a sub-order, refunds by 售后状态, a closed order that was never paid."""
    found = read(SAMPLES / "douyin_orders.csv", options=read_preset("douyin"))
    assert told(found, "order_id", "sku", "amount_minor", "discount_minor", "status", "customer_id", "channel") == [
        ("6920000000000000001", "MASK10", 8980, 1000, "completed", "u_1001", "douyin"),
        ("6920000000000000001", "HAND60", 1990, 0, "refunded", "u_1001", "douyin"),
        ("6920000000000000003", "MASK10", 4990, 0, "cancelled", "u_1002", "douyin"),
        ("6920000000000000004", "HAND60", 5970, 0, "paid", "u_1002", "douyin"),
    ]


def test_youzan() -> None:
    """The product report: paid amounts by product, refunds whole and in part."""
    found = read(SAMPLES / "youzan_orders.csv", options=read_preset("youzan"))
    assert told(found, "sku", "amount_minor", "status", "returned_minor", "category", "store") == [
        ("YS30", 15000, "completed", 0, "营养", "小程序店"),
        ("VD20", 17600, "partly_refunded", 8800, "营养", "小程序店"),
        ("YS30", 16800, "unpaid", 0, "营养", "小程序店"),
        ("YS30", 16800, "refunded", 16800, "营养", "小程序店"),
    ]


def test_jushuitan() -> None:
    """Orders of several platforms in one file, thousands separators, 补单 as brushing, a total row."""
    found = read(SAMPLES / "jushuitan_orders.csv", options=read_preset("jushuitan"))
    assert told(found, "order_id", "quantity", "amount_minor", "status", "order_type", "channel") == [
        ("TB-900001", 1200, 7080000, "paid", "normal", "淘宝天猫"),
        ("DY-900002", 1, 1990, "paid", "normal", "抖音"),
        ("DY-900003", 1, 1990, "paid", "brushing", "抖音"),
        ("TB-900004", 1, 9900, "cancelled", "normal", "淘宝天猫"),
    ]
    assert found.problems == {"total_row": [6]}


def test_online_retail_credit_notes(tmp_path: Path) -> None:
    """Order numbers that begin with C are refunds, on London's clock."""
    path = tmp_path / "o.csv"
    path.write_text(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "536365,85123A,HOLDER,6,12/1/2010 8:26,2.55,17850,United Kingdom\n"
        "C536379,D,Discount,-1,12/13/2010 9:41,27.5,14527,United Kingdom\n"
    )
    found = read(path, options=read_preset("uci_online_retail"))
    assert told(found, "order_id", "is_refund", "amount_minor") == [("536365", False, 1530), ("C536379", True, 2750)]
    assert found.rows[0]["occurred_at"].hour == 8


def test_mapping_files_say_what_is_wrong(tmp_path: Path) -> None:
    """Unknown settings, words and meanings are named; JSON and YAML are both read; given pairs win."""
    for content, match in (
        ({"colums": {}}, "colums"),
        ({"values": {"status": {"x": "sold"}}}, "sold"),
        ({"values": {"sku": {"x": "y"}}}, "sku"),
        ({"columns": ["a"]}, "columns"),
    ):
        with pytest.raises(MappingFileError, match=match):
            ImportOptions.from_json(content)
    with pytest.raises(MappingFileError, match="nothere"):
        read_preset("nothere")
    given = ImportOptions.from_json({"columns": {"sku": "x"}})
    assert given.over(read_preset("taobao")).columns["sku"] == ("x",)
    assert ImportOptions.from_json(read_preset("taobao").to_json()) == read_preset("taobao")
