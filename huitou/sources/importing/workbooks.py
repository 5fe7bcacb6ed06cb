"""Excel: one sheet of a workbook as text cells, dates and numbers as people see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from huitou.core.errors import DomainError

# The quick reader holds the sheet in memory; larger workbooks are read row by row.
_QUICK_BYTES = 24 << 20
# A number cell keeps 15 digits; longer ones have lost their end.
_EXACT_LIMIT = 10**15


class WorkbookError(DomainError):
    """The workbook cannot be read."""

    code = "workbook_unreadable"


def sheet_names(path: Path) -> list[str]:
    """Names of the workbook's sheets. Raises WorkbookError."""
    from python_calamine import CalamineWorkbook

    try:
        return list(CalamineWorkbook.from_path(str(path)).sheet_names)
    except Exception as error:  # the reader raises its own and Rust's errors
        raise WorkbookError(_("The workbook cannot be read: %(reason)s.") % {"reason": error}) from error


def check_sheet(names: Sequence[str], wanted: str) -> str:
    """`wanted` if the workbook has such a sheet, empty if none is wanted. Raises WorkbookError naming what there is."""
    if not names:
        raise WorkbookError(_("The workbook has no sheet."))
    if wanted and wanted not in names:
        raise WorkbookError(
            _("The workbook has no sheet named %(name)s; there are: %(names)s.")
            % {"name": wanted, "names": _(", ").join(names)},
            control="sheet",
        )
    return wanted


def sheet_rows(path: Path, sheet: str) -> Iterator[list[str | None]]:
    """Every row of the sheet, from row 1, as text cells (None: empty). Rows may differ in length."""
    streams = path.suffix.lower() in (".xlsx", ".xlsm") and path.stat().st_size > _QUICK_BYTES
    rows = _streamed(path, sheet) if streams else _quick(path, sheet)
    try:
        for row in rows:
            yield [cell_text(value) for value in row]
    except Exception as error:  # both readers raise their own and those of unpacking
        raise WorkbookError(_("The workbook cannot be read: %(reason)s.") % {"reason": error}) from error


def _quick(path: Path, sheet: str) -> Iterator[Sequence[Any]]:
    from python_calamine import CalamineWorkbook

    opened = CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet)
    yield from opened.iter_rows()


def _streamed(path: Path, sheet: str) -> Iterator[Sequence[Any]]:
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        yield from book[sheet].iter_rows(values_only=True)
    finally:
        book.close()


def cell_text(value: object) -> str | None:
    """One cell as text: whole numbers without a point, numbers that lost digits in e-notation, dates as ISO."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number_text(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds" if not value.microsecond else "microseconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value)


def _number_text(value: int | float) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if abs(value) >= _EXACT_LIMIT:
        return f"{Decimal(value):.5E}"
    return str(int(value)) if value == int(value) else repr(value)
