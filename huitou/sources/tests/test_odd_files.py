"""Files that are not what one hopes: odd line ends, no text at all, notes before the orders, dates nobody can tell."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.test import Client
from django.utils import translation
from typer.testing import CliRunner

from config.cli import build
from huitou.accounts.services import create_brand, create_first_admin
from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError
from huitou.core.home import Home
from huitou.sources.importing.files import FileUnreadableError
from huitou.sources.importing.mapping import MappingError
from huitou.sources.importing.workbooks import WorkbookError
from huitou.sources.models import ImportRun
from huitou.sources.tests.reading import read, write
from huitou.sources.tests.test_unused_columns import examined_warnings

HEADER = "订单号,付款时间,会员号,金额,订单状态"
ROWS = "A1,2025-03-01 10:00:00,m1,10,交易成功\nA2,2025-03-02 10:00:00,m1,12,交易成功\n"
PASSWORD = "a long enough secret"


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Messages are compared in the language they are written in."""
    with translation.override("en"):
        yield


@pytest.fixture
def page(db: None, home: Home) -> Client:
    create_first_admin(clock=SystemClock(), password=PASSWORD)
    create_brand(name="小满生活", clock=SystemClock())
    client = Client(headers={"accept-language": "en"})
    client.login(username="admin", password=PASSWORD)
    client.cookies["django_language"] = "en"
    return client


def workbook(path: Path, **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def command(*arguments: str) -> str:
    result = CliRunner().invoke(build(), ["import", "orders", *arguments], env={"COLUMNS": "80"})
    if isinstance(result.exception, DomainError):
        raise result.exception
    return result.stdout


def show(page: Client, path: Path) -> str:
    """The page about a file that was just sent."""
    with path.open("rb") as file:
        answer = page.post("/data/upload/", {"file": file, "kind": "orders"}, follow=True)
    return answer.content.decode()


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-8-sig"])
def test_lines_that_end_in_carriage_returns(tmp_path: Path, encoding: str) -> None:
    """Old programs on a Macintosh, and Excel's "CSV (Macintosh)", write no line feed at all."""
    path = write(tmp_path / "mac.csv", f"{HEADER}\n{ROWS}".replace("\n", "\r"), encoding)
    found = read(path)
    assert found.column("order_id") == ["A1", "A2"]
    assert found.column("amount_minor") == [1000, 1200]
    assert found.column("row") == [2, 3]


def test_what_is_no_text_is_refused_in_a_sentence(tmp_path: Path, page: Client) -> None:
    """Noise, a picture and a program under the name of a table; by any door, without a trace of the reader."""
    noise = random.Random(5).randbytes(20_000)
    for name, content in (("noise", noise), ("zeros", bytes(4000)), ("picture", b"\x89PNG\r\n\x1a\n" + noise)):
        path = tmp_path / f"{name}.csv"
        path.write_bytes(content)
        with pytest.raises(FileUnreadableError, match="no table that can be read"):
            read(path)
        with path.open("rb") as file:
            answer = page.post("/data/upload/", {"file": file, "kind": "orders"}, follow=True)
        assert answer.status_code == 200
        assert "Export it again" in answer.content.decode()


def test_a_damaged_workbook_is_refused_in_a_sentence(tmp_path: Path) -> None:
    whole = workbook(tmp_path / "o.xlsx", 订单=[HEADER.split(","), ROWS.splitlines()[0].split(",")])
    spoilt = whole.read_bytes().replace(b"xl/worksheets/sheet1.xml", b"xl/worksheets/sheetX.xml")
    (tmp_path / "spoilt.xlsx").write_bytes(spoilt)
    with pytest.raises(WorkbookError, match="cannot be read"):
        read(tmp_path / "spoilt.xlsx")


def test_stray_control_characters_do_not_make_a_file_binary(tmp_path: Path) -> None:
    found = read(write(tmp_path / "o.csv", f"{HEADER}\n{ROWS}".replace("m1", "m\x00\x011")))
    assert found.counts.accepted == 2


def test_the_sheet_with_the_orders_is_taken(tmp_path: Path, page: Client) -> None:
    """A sheet of notes comes first; the others are named, and the page has a control for them."""
    orders = [HEADER.split(","), *(row.split(",") for row in ROWS.splitlines())]
    other = [HEADER.split(","), ["B1", "2025-03-01 10:00:00", "m9", "10", "交易成功"]]
    path = workbook(tmp_path / "o.xlsx", 说明=[["导出说明"], ["请勿改动"]], 三月=orders, 四月=other)
    found = read(path)
    assert (found.column("order_id"), found.detected["sheet"]) == (["A1", "A2"], "三月")
    assert read(path, sheet="四月").column("order_id") == ["B1"]
    assert read(path, "order_id=订单号").detected["sheet"] == "三月"
    said = command(str(path), "--dry-run")
    assert "--sheet 说明, --sheet 四月" in said
    shown = show(page, path)
    assert 'name="read.sheet"' in shown
    assert '<option value="三月" selected>' in shown


def test_a_sheet_that_does_not_fit_names_the_others(tmp_path: Path, page: Client) -> None:
    path = workbook(tmp_path / "o.xlsx", a=[["x", "y"], [1, 2]], b=[["z"], [1]])
    with pytest.raises(MappingError, match="Sheet a was read; the workbook also has: b") as refused:
        read(path)
    assert "--sheet" in refused.value.for_terminal
    assert "--sheet" not in str(refused.value)
    assert 'name="read.sheet" aria-invalid="true"' in show(page, path)


def test_another_sheet_chosen_in_the_console_is_read_by_its_own_columns(tmp_path: Path, page: Client) -> None:
    """The page sends the columns of the sheet that it showed; they say nothing about another one."""
    english: list[list[Any]] = [["order_id", "paid_at", "amount"], ["E1", "2025-03-01 10:00:00", 5]]
    chinese: list[list[Any]] = [HEADER.split(","), ROWS.splitlines()[0].split(",")]
    path = workbook(tmp_path / "o.xlsx", 三月=chinese, other=english)
    with path.open("rb") as file:
        sent = page.post("/data/upload/", {"file": file, "kind": "orders"})
    choices = {"map.order_id": "订单号", "map.paid_at": "付款时间", "map.amount": "金额", "read.sheet": "other"}
    answer = page.post(sent["Location"], {**choices, "action": "look"})
    assert answer.status_code == 200
    assert "E1" in answer.content.decode()


def test_a_date_that_nobody_can_tell_marks_its_control(tmp_path: Path, page: Client) -> None:
    """The sentence quotes the file; the terminal gets the option, the page the marked control."""
    path = write(tmp_path / "o.csv", f"{HEADER}\nA1,2025-03-01,m1,10,交易成功\nA2,03/04/2025,m1,10,交易成功\n")
    shown = show(page, path)
    assert "Column 付款时间, row 3: does 03/04/2025 begin with the day or with the month?" in shown
    assert 'name="read.date_order" aria-invalid="true"' in shown
    assert "--date-order" not in shown


def test_the_form_of_a_time_is_shown_by_a_value_of_the_file(tmp_path: Path, page: Client) -> None:
    path = write(tmp_path / "o.csv", f"{HEADER}\n{ROWS}")
    (form,) = read(path).detected["times"]["paid_at"]["forms"]
    assert form == {"form": "ymd", "like": "2025-03-01 10:00:00"}
    assert "Paid at: year-month-day, for example 2025-03-01 10:00:00" in command(str(path), "--dry-run")
    shown = show(page, path)
    assert "year-month-day, for example 2025-03-01 10:00:00" in shown
    assert "2011" not in shown


SPOILT = (
    f"{HEADER}\n{ROWS}"
    "A3,,m1,10,等待买家付款\nA4,2025-03-02 10:00:00,m1,十元整而且没有零头所以写成汉字,交易成功\n合计,,,32,\n"
)


@pytest.mark.django_db(transaction=True)
def test_skipped_rows_are_told_apart_from_refused_ones(tmp_path: Path, page: Client) -> None:
    """`rejected` keeps its meaning for scripts, all that was not taken; people see what asks for correction."""
    path = write(tmp_path / "o.csv", SPOILT)
    said = command(str(path))
    run = ImportRun.objects.get()
    assert (run.rows, run.accepted, run.rejected, run.skipped, run.refused) == (5, 2, 3, 2, 1)
    assert "Refused rows" in said
    assert "Skipped rows, which are no sales" in said
    shown = page.get(f"/data/imports/{run.pk}/").content.decode()
    assert "What is skipped, and why" in shown
    assert ">1<" in shown.split("Refused</div>")[1][:60]
    listed = page.get("/data/").content.decode()
    assert '<span class="tag warn">1</span>' in listed


@pytest.mark.django_db(transaction=True)
def test_reasons_are_whole_in_a_narrow_terminal(tmp_path: Path, home: Home) -> None:
    """Eighty columns wrap the sentence and the remedy; nothing is cut off."""
    text = SPOILT.replace("A2,", "1.2E+18,").replace("10,交易成功\n1.2E", "10,怪\n1.2E")
    path = write(tmp_path / "o.csv", text)
    said = command(str(path), "--dry-run")
    flat = " ".join(said.split())
    assert "…" not in said
    assert max(len(line) for line in said.splitlines() if "o.csv" not in line and "/" not in line) <= 80
    assert "import the exported file without opening it in a spreadsheet." in flat
    assert "--map-value status:WORD=unpaid|paid|completed|cancelled|partly_refunded|refunded" in flat
    assert "Count Reason" in flat
    assert "Order status: 交易成功 → completed · 等待买家付款 → unpaid" in flat


@pytest.mark.django_db(transaction=True)
def test_an_unchanged_file_says_that_nothing_changed(tmp_path: Path, home: Home) -> None:
    path = write(tmp_path / "o.csv", f"{HEADER}\n{ROWS}")
    assert "nothing changes" not in command(str(path))
    assert "This very file was imported before; nothing changes." in command(str(path))


def test_what_takes_the_place_of_a_product_code(tmp_path: Path) -> None:
    """The name, where there is one; else nothing does, and that is said."""
    named = write(tmp_path / "n.csv", "订单号,付款时间,金额,商品名称\nA1,2025-03-01,1,皂\n")
    bare = write(tmp_path / "b.csv", "订单号,付款时间,金额\nA1,2025-03-01,1\n")
    assert "the product name takes its place" in examined_warnings(named)["no_sku"]
    assert "same product" in examined_warnings(bare)["no_sku"]
