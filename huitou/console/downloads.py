"""Tables as files that a spreadsheet can open without running anything in them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from huitou.core.spreadsheets import safe_cell, safe_row, safe_rows

_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def csv_response(file_name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A CSV download in UTF-8 with a byte order mark, so that Excel shows Chinese as it is."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(safe_row(header))
    writer.writerows(safe_rows(rows))
    return _download(file_name, ("\ufeff" + buffer.getvalue()).encode(), "text/csv; charset=utf-8")


def workbook_response(file_name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """An Excel download of one sheet: numbers as numbers, everything else as text that is marked as text."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet()

    def cell(value: object) -> object:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        made = WriteOnlyCell(sheet, safe_cell(value))
        made.data_type = "s"
        return made

    for row in [header, *rows]:
        sheet.append([cell(value) for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return _download(file_name, buffer.getvalue(), _WORKBOOK)


def json_response(file_name: str, document: Mapping[str, object]) -> HttpResponse:
    """A JSON download."""
    text = json.dumps(document, ensure_ascii=False, indent=2, default=str)
    return _download(file_name, text.encode(), "application/json")


def _download(file_name: str, content: bytes, content_type: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response.headers["Content-Disposition"] = content_disposition_header(True, file_name) or "attachment"
    return response
