"""No cell of a download runs as a formula, and numbers stay numbers."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitou.console.downloads import csv_response, safe_cell


@pytest.mark.parametrize("text", ["=1+1", "+49", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1"])
def test_formula_starts_are_quoted(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


def test_negative_numbers_are_not_formulas() -> None:
    assert safe_cell(-12) == "-12"
    assert safe_cell(-0.5) == "-0.5"


@given(st.text())
def test_no_text_begins_like_a_formula(text: str) -> None:
    assert not safe_cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_the_file_reads_back_in_chinese() -> None:
    response = csv_response("复购率.csv", ["月份", "值"], [["2010-03", 0.5], ["=HYPERLINK()", None]])
    assert response.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows == [["月份", "值"], ["2010-03", "0.5"], ["'=HYPERLINK()", ""]]
    assert "filename*=utf-8''" in response.headers["Content-Disposition"]
