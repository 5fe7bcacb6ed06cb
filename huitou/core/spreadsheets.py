"""Texts that a spreadsheet shows and never runs. Every table that leaves as a file goes through here.

Excel, WPS and LibreOffice take a cell for a formula that begins with = + - or @, also in full width, and also after
blanks, marks that cannot be seen and quotes, which some of them drop. An apostrophe in front makes it text; imports
take such an apostrophe off again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_BEFORE = "\\s\"'`“”‘’«»\u0000-\u001f\u00a0\u200b-\u200f\u202a-\u202e\u2060\u3000\ufeff"
_FORMULA = re.compile(f"[{_BEFORE}]*[=+\\-@＝＋－＠\u2212\ufe62\ufe63\ufe66\ufe6b]|[\t\r\n]")
_NUMBER = re.compile(r"-?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?%?")


def safe_cell(value: object) -> str:
    """`value` as text that no spreadsheet takes for a formula; numbers stay numbers, nothing is an empty cell."""
    if value is None:
        return ""
    text = str(value)
    if isinstance(value, int | float) or not _FORMULA.match(text) or _NUMBER.fullmatch(text):
        return text
    return f"'{text}"


def safe_row(cells: Iterable[object]) -> list[str]:
    """Every cell of a line made safe."""
    return [safe_cell(cell) for cell in cells]


def safe_rows(rows: Iterable[Iterable[object]]) -> Iterator[list[str]]:
    """Every line made safe."""
    return (safe_row(row) for row in rows)
