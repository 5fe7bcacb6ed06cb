"""No text that leaves in a table is a formula to any spreadsheet, and numbers stay numbers."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitou.core.spreadsheets import safe_cell

HARMFUL = (
    "=1+1", "+49 1234", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", ' "=1+1"', "'=1", "\"'=1",
    "＝1+1", "＋1", "－1+1", "＠SUM(A1)", "\u00a0=1", "\ufeff=1", "\u200b=1", "\u3000＝1", "−1+1", "“=1”", "\x00=1",
)  # fmt: skip


@pytest.mark.parametrize("text", HARMFUL)
def test_whatever_begins_a_formula_is_made_text(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-12", "-0.5", "-1,234.50", "-3%", "12", "张三", "a=b", "2026-01-01", "", "5 - 3"])
def test_numbers_and_plain_words_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text


@pytest.mark.parametrize(("value", "text"), [(-12, "-12"), (-0.5, "-0.5"), (None, ""), (True, "True")])
def test_values_that_are_no_text_need_no_mark(value: object, text: str) -> None:
    assert safe_cell(value) == text


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("=+-@＝＋－＠\"' \t\r\n\u3000")), max_size=12))
def test_no_cell_begins_like_a_formula_however_it_is_folded(text: str) -> None:
    folded = unicodedata.normalize("NFKC", safe_cell(text)).lstrip()
    # What some spreadsheets drop in front of a cell is dropped here as well; a number is no formula.
    bare = folded.lstrip('"')
    assert not bare.startswith(("=", "+", "@"))
    assert not bare.startswith("-") or re.fullmatch(r"-[\d.,]+%?", bare)
