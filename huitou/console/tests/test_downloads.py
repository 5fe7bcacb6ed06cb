"""Files to download: they read back as they were, in Chinese, and hold no formula."""

from __future__ import annotations

import csv
import io

import pytest
from openpyxl import load_workbook

from huitou.console.downloads import csv_response, workbook_response

ROWS: list[list[object]] = [["2010-03", 0.5, -12], ["=HYPERLINK()", None, "＝1+1"], ["\t@SUM(A1)", True, "小满"]]


def test_the_csv_reads_back_in_chinese_without_a_formula() -> None:
    response = csv_response("复购率.csv", ["月份", "值", "=注"], ROWS)
    assert response.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))
    assert rows == [
        ["月份", "值", "'=注"],
        ["2010-03", "0.5", "-12"],
        ["'=HYPERLINK()", "", "'＝1+1"],
        ["'\t@SUM(A1)", "True", "小满"],
    ]
    assert "filename*=utf-8''" in response.headers["Content-Disposition"]


@pytest.mark.filterwarnings("ignore:.*utcnow.*:DeprecationWarning")
def test_the_workbook_has_numbers_that_count_and_texts_that_do_not_run() -> None:
    response = workbook_response("复购率.xlsx", ["月份", "值", "=注"], ROWS)
    sheet = load_workbook(io.BytesIO(response.content)).active
    assert sheet is not None
    cells = [[(cell.value, cell.data_type) for cell in row] for row in sheet.iter_rows()]
    assert cells[1] == [("2010-03", "s"), (0.5, "n"), (-12, "n")]
    assert cells[2][0] == ("'=HYPERLINK()", "s")
    assert cells[2][2] == ("'＝1+1", "s")
    assert not [cell for row in cells for cell in row if cell[1] == "f"]
