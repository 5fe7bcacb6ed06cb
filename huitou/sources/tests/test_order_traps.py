"""Every way in which real order files are spoiled, each with a small file as shops and spreadsheets write them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.utils import translation

from huitou.sources.importing.examine import examine
from huitou.sources.importing.files import FileUnreadableError
from huitou.sources.importing.mapping import MappingError
from huitou.sources.importing.options import ImportOptions
from huitou.sources.importing.times import DateOrderError
from huitou.sources.tests.reading import read, write

HEADER = "order_id,sku,quantity,unit_price,paid_at,customer_id\n"


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Messages are compared in the language they are written in."""
    with translation.override("en"):
        yield


def test_plain_file_is_read_to_the_last_unit(tmp_path: Path) -> None:
    """Half a cent rounds up by magnitude, line by line; times are the zone's; equal lines both stay."""
    text = HEADER + "A1,s,3,0.335,2024-03-01 00:30:00,c1\n" * 2 + "A2,s,1,-0.125,2024-03-02 12:00:00,\n"
    found = read(write(tmp_path / "o.csv", text))
    assert found.column("amount_minor") == [101, 101, -13]  # 1.005 and -0.125
    assert found.column("row") == [2, 3, 4]
    assert found.rows[0]["occurred_at"] == datetime(2024, 2, 29, 16, 30)  # noqa: DTZ001  # stored as UTC
    assert found.column("customer_id") == ["c1", "c1", None]
    assert found.column("is_refund") == [False, False, False]
    assert (found.counts.rows, found.counts.accepted, found.counts.orders, found.counts.customers) == (3, 3, 2, 1)


def test_order_numbers_shortened_by_a_spreadsheet_are_refused(tmp_path: Path) -> None:
    """1.2E+18 has lost its digits: two such orders must never become one."""
    text = HEADER + "1.23457E+17,s,1,1,2024-03-01,c1\n1.2E+18,s,1,1,2024-03-01,c1\nA2,s,1,1,2024-03-01,2.5E+12\n"
    found = read(write(tmp_path / "o.csv", text))
    assert found.problems == {"lost_digits:order_id": [2, 3], "lost_digits:customer_id": [4]}
    assert found.counts.accepted == 0


def test_long_numbers_that_all_end_in_zeros_are_refused(tmp_path: Path) -> None:
    """A spreadsheet keeps 15 digits and writes zeros for the rest; by chance that never happens to every number."""
    rows = "".join(f"1987654321098{n:02d}0000,s,1,1,2024-03-01,c{n}\n" for n in range(5))
    found = read(write(tmp_path / "o.csv", HEADER + rows))
    assert found.problems == {"lost_digits:order_id": [2, 3, 4, 5, 6]}
    kept = "".join(f"1987654321098{n:02d}000{n % 2},s,1,1,2024-03-01,c{n}\n" for n in range(5))
    assert read(write(tmp_path / "k.csv", HEADER + kept)).counts.accepted == 5


def test_long_numbers_in_number_cells_are_refused(tmp_path: Path) -> None:
    """A number cell holds 15 digits: an 18-digit order number in it is wrong, a 13-digit one is whole."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["订单编号", "商家编码", "数量", "单价", "付款时间", "会员号"])
    sheet.append([123456789012345678, "a", 1, 2.55, datetime(2024, 3, 1, 8, 26), 17850])  # noqa: DTZ001
    sheet.append([1234567890123, "a", 3, 2.55, 45352.351388889, 17850.0])
    book.save(tmp_path / "o.xlsx")
    found = read(tmp_path / "o.xlsx")
    assert found.problems == {"lost_digits:order_id": [2]}
    (row,) = found.rows
    assert (row["row"], row["order_id"], row["customer_id"], row["amount_minor"]) == (3, "1234567890123", "17850", 765)
    assert row["occurred_at"] == datetime(2024, 3, 1, 0, 26)  # noqa: DTZ001  # 8:26 in Shanghai


def test_spreadsheet_text_marks_are_taken_off(tmp_path: Path) -> None:
    """="123", a leading apostrophe, trailing tabs, a byte order mark and invisible blanks are no part of a value."""
    text = (
        "\ufefforder_id\t,sku,quantity,unit_price,paid_at,customer_id\n"
        '="00123",\'a1\t,1,1,2024-03-01 10:00:00\t,c1\u200b\n'
        '"=""00124""",a1 ,1,1,2024-03-01 10:00:00,\u3000c1\n'
    )
    found = read(write(tmp_path / "o.csv", text))
    assert found.column("order_id") == ["00123", "00124"]
    assert found.column("sku") == ["a1", "a1"]
    assert found.column("customer_id") == ["c1", "c1"]


def test_wide_digits_separators_and_currency_signs(tmp_path: Path) -> None:
    """Numbers as people write them: １２, 1,234.50, ¥ and ￥ and 元, (12.50) and 12.50- as negatives."""
    text = HEADER.replace(",", "\t") + "".join(
        f"Ａ{i}\ts\t１\t{price}\t２０２４-03-01\tc1\n"
        for i, price in enumerate(["¥1,234.50", "￥１２．５", "12.50元", "CNY 3", "(1,234.50)", "5.25-", "1,23,456"])
    )
    found = read(write(tmp_path / "o.tsv", text))
    assert found.column("amount_minor") == [123450, 1250, 1250, 300, -123450, -525, 12345600]
    assert found.column("order_id")[0] == "A0"
    assert found.detected["separator"] == "\t"


def test_decimal_commas_are_recognized_over_the_column(tmp_path: Path) -> None:
    """2,55 can only be two and a half; then 1.234 in the same column is a thousand."""
    text = HEADER.replace(",", ";") + "A1;s;2;2,55;01.03.2024 10:00;c1\nA2;s;1;1.234,5;31.03.2024 10:00;c1\n"
    found = read(write(tmp_path / "o.csv", text))
    assert found.column("amount_minor") == [510, 123450]
    assert found.detected["times"]["paid_at"]["date_order"] == "dmy"


def test_unreadable_cells_are_rejected_with_row_column_and_reason(tmp_path: Path) -> None:
    """The rest goes on, and every rejected row is accounted for."""
    text = HEADER + (
        "A1,s,one,1,2024-03-01,c1\nA2,s,1,1,yesterday,c1\n,s,1,1,2024-03-01,c1\nA4,s,1,99999999999999,2024-03-01,c1\n"
        "A5,,1,1,2024-03-01,c1\nA6,s,1,,2024-03-01,c1\nA7,s,,1,2024-03-01,c1\nA8,s,1,1,,c1\nA9,s,1,1,2024-03-01,c1\n"
        "A10,s,1,12%,2024-03-01,c1\nA11,s,99999999999,99999999999,2024-03-01,c1\n"
    )
    found = read(write(tmp_path / "o.csv", text))
    assert found.problems == {
        "not_a_number:quantity": [2],
        "not_a_time:paid_at": [3],
        "missing:order_id": [4],
        "number_too_large:unit_price": [5],
        "missing:sku": [6],
        "missing:unit_price": [7],
        "missing:quantity": [8],
        "missing:paid_at": [9],
        "not_a_number:unit_price": [11],
        "amount_too_large:amount": [12],
    }
    assert found.column("order_id") == ["A9"]
    assert found.counts.rows == found.counts.accepted + found.counts.rejected == 11


def test_total_rows_and_repeated_headers_are_skipped_with_a_word(tmp_path: Path) -> None:
    """合计 at the end, a subtotal in another column, and the header of a file pasted below the first."""
    text = HEADER + (
        "A1,s,1,1,2024-03-01,c1\n" + HEADER + "A2,s,1,1,2024-03-01,c1\n合计,,2,2.00,,\n,Grand Total,2,2.00,,\n总计：,\n"
    )
    found = read(write(tmp_path / "o.csv", text))
    assert found.problems == {"total_row": [5, 6, 7], "repeated_header": [3]}
    assert found.column("row") == [2, 4]


def test_malformed_rows_are_rejected_by_number_and_the_rest_goes_on(tmp_path: Path) -> None:
    """Too few cells, too many, a stray quote, blank lines between: numbers stay those of the file's records."""
    text = HEADER + (
        'A1,s,1,1,2024-03-01,c1\nA2,s,1\nA3,s,1,1,2024-03-01,c1,extra\n\nA5,12" plate,1,1,2024-03-01,c1\n'
        'A6,"two\nlines",1,1,2024-03-01,c1\nA7,s,1,1,2024-03-01,c1,,\n'
    )
    found = read(write(tmp_path / "o.csv", text))
    assert found.problems == {"field_count": [3, 4]}
    assert found.column("order_id") == ["A1", "A5", "A6", "A7"]
    assert found.column("row")[0] == 2
    assert found.column("sku") == ["s", '12" plate', "two\nlines", "s"]


def test_a_quote_that_never_closes_loses_one_row_only(tmp_path: Path) -> None:
    """An open quote must not swallow the file behind it."""
    rows = "".join(f"A{i},s,1,1,2024-03-01,c1\n" for i in range(500))
    found = read(write(tmp_path / "o.csv", HEADER + 'A,"s,1,1,2024-03-01,c1\n' + rows))
    assert found.counts.rows == 501
    assert found.counts.accepted >= 500


def test_masked_phones_identify_nobody(tmp_path: Path) -> None:
    """138****1234 fits thousands of people: the sale stays, anonymous, and the file's reader is warned."""
    text = HEADER + "A1,s,1,1,2024-03-01,138****1234\nA2,s,1,1,2024-03-01,138****1234\nA3,s,1,1,2024-03-01,木**\n"
    text += "A4,s,1,1,2024-03-01,138xxxx1234\nA5,s,1,1,2024-03-01,13812341234\nA6,s,1,1,2024-03-01,散客\n"
    found = read(write(tmp_path / "o.csv", text))
    assert found.column("customer_id") == [None, None, None, None, "13812341234", None]
    assert found.warnings == {"masked_customers": 4}
    assert found.counts.rejected == 0


def test_statuses_in_both_languages(tmp_path: Path) -> None:
    """Words of the shops become ours; an unknown one is rejected, unless somebody says what it means."""
    words = [
        "待付款",
        "买家已付款，等待卖家发货",
        "交易成功",
        "交易关闭",
        "已退款",
        "部分退款",
        "Delivered",
        "canceled",
        "改价中",
    ]
    rows = "".join(f"A{i},s,1,10,2024-03-01,c1,{word}\n" for i, word in enumerate(words))
    path = write(
        tmp_path / "o.csv",
        HEADER.strip() + ",订单状态\n" + rows.replace("买家已付款，", '"买家已付款，').replace("发货\n", '发货"\n'),
    )
    found = read(path)
    assert found.column("status") == [
        "unpaid", "paid", "completed", "cancelled", "refunded", "partly_refunded", "completed", "cancelled",
    ]  # fmt: skip
    assert found.problems == {"unknown_word:status": [10]}
    told = read(path, values=("status:改价中=unpaid",))
    assert told.column("status")[-1] == "unpaid"


def test_orders_that_were_never_paid_keep_their_own_time(tmp_path: Path) -> None:
    """Without a payment the time of ordering counts. Without both, only a row that says paid lacks something: one
    that was never paid or was closed is passed over, as every 待付款 row of an export that knows no order time.
    """
    text = "order_id,sku,quantity,unit_price,paid_at,ordered_at,status\nA1,s,1,1,,2024-03-01 10:00,等待买家付款\n"
    text += "A2,s,1,1,,,等待买家付款\nA3,s,1,1,,2024-03-01 10:00,\nA4,s,1,1,-,,交易关闭\nA5,s,1,1,,,交易成功\n"
    text += "A6,s,1,1,soon,,等待买家付款\nA7,s,1,1,,,\n"
    found = read(write(tmp_path / "o.csv", text))
    assert found.column("status") == ["unpaid", "unpaid"]
    assert found.problems == {"never_paid": [3, 5], "missing:paid_at": [6, 8], "not_a_time:paid_at": [7]}


def test_a_tab_behind_a_grouped_number_is_no_digit(tmp_path: Path) -> None:
    """1.234 with a tab is one thousand two hundred thirty-four where the column writes decimals with a comma."""
    text = "order_id;sku;quantity;amount;paid_at\nA1;s;1;12,50;2024-03-01\nA2;s;1;1.234\t;2024-03-01 10:00:00\t\n"
    found = read(write(tmp_path / "o.csv", text))
    assert (found.column("amount_minor"), found.problems) == ([1250, 123400], {})


def test_only_rows_that_are_sales_ask_for_correction(tmp_path: Path) -> None:
    text = "order_id,sku,quantity,unit_price,paid_at,status\nA1,s,1,1,2024-03-01,交易成功\nA2,s,1,1,,等待买家付款\n"
    path = write(tmp_path / "o.csv", text + "A3,s,1,1,,交易成功\n合计,,2,2,,\n")
    with examine(
        path, kind="orders", options=ImportOptions(), zone=ZoneInfo("Asia/Shanghai"), exponent=2, folder=tmp_path / "s"
    ) as examined:
        told = {p["reason"]: (p["skipped"], p["message"], p["rows"]) for p in examined.problems}
    assert told == {
        "never_paid": (True, "An order that was never paid has no payment time; it counts nowhere.", [3]),
        "missing": (False, "Paid at is empty.", [4]),
        "total_row": (True, "A total row, not an order; skipped.", [5]),
    }


def test_refunds_by_sign_by_prefix_and_by_reference(tmp_path: Path) -> None:
    """Three ways in which files write refunds; the amounts are magnitudes."""
    text = HEADER.strip() + ",refund_of\nA1,s,-2,3,2024-03-01,c1,\nC2,s,1,3,2024-03-01,c1,\nR3,s,1,3,2024-03-01,c1,A1\n"
    found = read(write(tmp_path / "o.csv", text + "C4,s,-1,3,2024-03-01,c1,\n"), refund_prefix="C")
    assert found.column("is_refund") == [True, True, True, True]
    assert found.column("amount_minor") == [600, 300, 300, 300]
    assert found.column("quantity") == [2, 1, 1, 1]
    plain = read(tmp_path / "o.csv")
    assert plain.column("is_refund") == [True, False, True, True]


def test_amount_takes_the_place_of_price_and_discount(tmp_path: Path) -> None:
    """A filled line amount is final; an empty one leaves quantity × price less the discount."""
    text = "order_id,sku,quantity,unit_price,amount,discount,paid_at\n"
    text += "A1,s,2,10,15.5,4.5,2024-03-01\nA2,s,2,10,,4.505,2024-03-01\n"
    found = read(write(tmp_path / "o.csv", text))
    assert found.column("amount_minor") == [1550, 1549]
    assert found.column("discount_minor") == [450, 451]


def test_gbk_files_and_mixed_encodings(tmp_path: Path) -> None:
    """A GBK export, and one where somebody pasted UTF-8 rows below; bytes that are neither are rejected, not lost."""
    head, row = "订单编号,商品编码,商品名称,数量,单价,付款时间\n", "{},s,婴儿面霜保湿滋润,1,1,2024-03-01\n"
    found = read(write(tmp_path / "gbk.csv", head + row.format("A1"), "gb18030"))
    assert found.detected["encoding"] == "gb18030"
    assert found.column("product_name") == ["婴儿面霜保湿滋润"]
    (tmp_path / "mixed.csv").write_bytes(
        (head + row.format("A1") + row.format("A2")).encode("gb18030")
        + row.format("A3").encode()
        + b"A4,s,\xff\xff\x80\x80,1,1,2024-03-01\n"
        + row.format("A5").encode()
    )
    mixed = read(tmp_path / "mixed.csv")
    assert mixed.detected["encoding"] == "mixed"
    assert mixed.column("order_id") == ["A1", "A2", "A3", "A5"]
    assert set(mixed.column("product_name")) == {"婴儿面霜保湿滋润"}
    assert mixed.problems == {"undecodable": [5]}


def test_western_code_pages_and_utf16(tmp_path: Path) -> None:
    """A £ in Latin-1 is no Chinese character; Excel's "Unicode text" is UTF-16 with tabs."""
    text = HEADER + "A1,POTTING SHED £ CANDLE,1,1,2024-03-01,c1\n"
    found = read(write(tmp_path / "l.csv", text, "latin-1"))
    assert found.column("sku") == ["POTTING SHED £ CANDLE"]
    wide = read(write(tmp_path / "u.txt", text.replace(",", "\t"), "utf-16"))
    assert wide.column("sku") == ["POTTING SHED £ CANDLE"]
    assert wide.detected["encoding"] == "utf-16"


def test_parquet_doubles_stay_what_they_were(tmp_path: Path) -> None:
    """2.55 is 2.55, a customer number kept as a double has no point, and a missing one is nobody."""
    table = pa.table({
        "invoice": ["A1", "A2"], "sku": ["s", "s"], "quantity": [3, 1], "price": [2.55, 1.005],
        "at": [datetime(2010, 12, 1, 8, 26), datetime(2010, 12, 1, 8, 27)],  # noqa: DTZ001
        "customer": [17850.0, None],
    })  # fmt: skip
    pq.write_table(table, tmp_path / "o.parquet")
    found = read(tmp_path / "o.parquet", "order_id=invoice", "unit_price=price", "paid_at=at", "customer_id=customer")
    assert found.column("customer_id") == ["17850", None]
    assert found.column("amount_minor") == [765, 101]
    assert found.column("quantity") == [Decimal(3), Decimal(1)]


def test_customer_numbers_written_as_floats_lose_their_point(tmp_path: Path) -> None:
    """pandas writes 17850.0 where a column has gaps; one whole number among others stays as it is."""
    text = HEADER + "A1,s,1,1,2024-03-01,17850.0\nA2,s,1,1,2024-03-01,\nA3,s,1,1,2024-03-01,13047.0\n"
    assert read(write(tmp_path / "o.csv", text)).column("customer_id") == ["17850", None, "13047"]
    text += "A4,s,1,1,2024-03-01,v1.0\n"
    assert read(write(tmp_path / "p.csv", text)).column("customer_id")[0] == "17850.0"


def test_titles_above_the_header(tmp_path: Path) -> None:
    """Reports begin with a title and the time of export; row numbers stay those of the sheet."""
    text = "店铺订单报表,,,,\n导出时间：2024-03-05,,,,\n订单号,商品编码,数量,单价,付款时间\nA1,s,1,1,2024-03-01\n"
    found = read(write(tmp_path / "o.csv", text))
    assert (found.column("order_id"), found.column("row")) == (["A1"], [4])


def test_columns_with_odd_names_and_constants(tmp_path: Path) -> None:
    """A column name may hold = and blanks; a field may be the same for all rows; anything can be mapped by place."""
    text = "No. = 1,Item Code,When,Value (GBP)\nA1,s,2024-03-01,5\n"
    found = read(
        write(tmp_path / "o.csv", text), "order_id=No. = 1", "sku=#2", "paid_at=when", "amount=Value (GBP)",
        constants=("channel=tmall",),
    )  # fmt: skip
    assert found.rows[0] | {"order_id": "A1", "sku": "s", "channel": "tmall", "amount_minor": 500} == found.rows[0]


def test_what_cannot_be_mapped_says_so(tmp_path: Path) -> None:
    """The message names what is missing and what the file has."""
    path = write(tmp_path / "o.csv", "a,b\n1,2\n")
    with pytest.raises(MappingError, match=r"Order number, Paid at\? .*: a, b"):
        read(path)
    with pytest.raises(MappingError, match=r"no column named x .*a, b"):
        read(path, "order_id=x")
    with pytest.raises(MappingError, match="no field named order"):
        read(path, "order=a")
    with pytest.raises(MappingError, match="unit price, or the line amount"):
        read(path, "order_id=a", "paid_at=b")
    with pytest.raises(FileUnreadableError):
        read(write(tmp_path / "e.csv", ""))


def test_day_and_month_are_never_guessed(tmp_path: Path) -> None:
    """13/02 tells the order for the whole column; where nothing tells, a person must."""
    rows = "A1,s,1,1,03/04/2011 8:26,c1\n"
    path = write(tmp_path / "o.csv", HEADER + rows)
    with pytest.raises(DateOrderError, match=r"Column paid_at, row 2: does 03/04/2011 8:26 begin") as unknown:
        read(path)
    assert "--date-order dmy" in unknown.value.for_terminal
    assert unknown.value.control == "date_order"
    assert read(path, date_order="mdy").rows[0]["occurred_at"].month == 3
    told = read(write(tmp_path / "p.csv", HEADER + rows + "A2,s,1,1,13/04/2011 8:26,c1\n"))
    assert [row["occurred_at"].month for row in told.rows] == [4, 4]
    with pytest.raises(DateOrderError, match="split"):
        read(write(tmp_path / "q.csv", HEADER + "A,s,1,1,13/04/2011,c\nA,s,1,1,04/13/2011,c\n"))


def test_order_rows_keep_the_order_of_the_file(tmp_path: Path) -> None:
    """Positions give row numbers, so a large file read on several threads must not be shuffled."""
    path = tmp_path / "big.csv"
    path.write_text(HEADER + "".join(f"A{i},s,1,1,2024-03-01,客{i % 97}\n" for i in range(300_000)))
    with examine(
        path, kind="orders", options=ImportOptions(), zone=ZoneInfo("UTC"), exponent=2,
        folder=tmp_path / "s",
    ) as found:  # fmt: skip
        shuffled = found.scratch.row("SELECT count(*) FROM parsed WHERE order_id <> 'A' || row_order")[0]
    assert shuffled == 0


def test_beside_a_given_mapping_only_plain_facts_join_in(tmp_path: Path) -> None:
    """Whoever maps columns by hand gets no discount, status or amount that was not asked for."""
    text = "no,sku,quantity,unit_price,paid_at,customer_id,discount,status,amount,store\n"
    path = write(tmp_path / "o.csv", text + "A1,s,2,10,2024-03-01,c1,0.2,closed,99,x\n")
    found = read(path, "order_id=no")
    assert found.rows[0] | {"amount_minor": 2000, "status": "paid", "store": "x", "customer_id": "c1"} == found.rows[0]
    asked = read(path, "order_id=no", "status=status", "amount=amount")
    assert (asked.rows[0]["amount_minor"], asked.rows[0]["status"]) == (9900, "cancelled")


def test_what_first_shows_far_down_a_large_file_counts(tmp_path: Path) -> None:
    """The first rows tell nothing of decimal commas, or of orders that are no sales: a later row does."""
    first = "".join(f"A{i};12;normal;2011-03-01\n" for i in range(21_000))
    late = "B1;2,55;刷单;2011-03-02\nB2;1.234,5;样品;2011-03-02\n"
    found = read(write(tmp_path / "o.csv", "order_id;unit_price;order_type;paid_at\n" + first + late))
    assert found.problems == {}
    assert [(r["amount_minor"], r["order_type"]) for r in found.rows[-2:]] == [(255, "brushing"), (123450, "sample")]
