"""Why rows were not taken: one sentence for each reason, counts, and the file that people correct."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.analytics.engines import Scratch
from huitou.core.spreadsheets import safe_cell
from huitou.sources.canonical import find_field
from huitou.sources.importing.mapping import FileMapping
from huitou.sources.statuses import MEANINGS, meaning_words

REASONS: dict[str, str | Promise] = {
    "field_count": gettext_lazy("The row has more or fewer cells than the header; check quotes and separators."),
    "undecodable": gettext_lazy("The row holds bytes that are no text in UTF-8 or GB18030."),
    "total_row": gettext_lazy("A total row, not an order; skipped."),
    "repeated_header": gettext_lazy("The header repeated inside the file; skipped."),
    "never_paid": gettext_lazy("An order that was never paid has no payment time; it counts nowhere."),
    "line_without_order": gettext_lazy("The line's order number is not in the order file."),
    "order_without_lines": gettext_lazy("The order has no line in the line file."),
    "missing": gettext_lazy("%(label)s is empty."),
    "placeholder": gettext_lazy(
        "%(label)s stands for nobody (0, -1, 13800138000, 测试 ...); put the customer's own number there."
    ),
    "too_long": gettext_lazy("%(label)s is longer than 200 characters; is the right column mapped?"),
    "lost_digits": gettext_lazy(
        "A spreadsheet shortened the number and its last digits are lost. Export the file again and open it with the"
        " column set to text, or import the exported file without opening it in a spreadsheet."
    ),
    "not_a_number": gettext_lazy("%(label)s is not a number."),
    "number_too_large": gettext_lazy("%(label)s is too large."),
    "amount_too_large": gettext_lazy("The amount of the line is too large."),
    "not_a_time": gettext_lazy("%(label)s is not a date or time that can be read."),
    "unknown_word": gettext_lazy("Nobody said what this word means. It can mean: %(known)s."),
}
# Rows that are no sales: they are reported, and nobody needs to correct them.
SKIPPED = ("total_row", "repeated_header", "never_paid")
_PROBLEM_ROWS = 5


def reason_text(kind: str, rejected: str) -> str:
    """The sentence for a reason given as code or code:field, in the reader's language."""
    code, _colon, name = rejected.partition(":")
    field = find_field(kind, name) if name else None
    label = str(field.label) if field else name
    words = meaning_words()
    known = _(", ").join(words.get(meaning, meaning) for meaning in MEANINGS.get(name, ()))
    return str(REASONS[code]) % {"label": label, "known": known}


def terminal_remedy(rejected: str) -> str:
    """The option of the command line that mends a reason; empty where none does."""
    code, _colon, name = rejected.partition(":")
    if code != "unknown_word":
        return ""
    return f"--map-value {name}:{_('WORD')}={'|'.join(MEANINGS.get(name, ()))}"


def column_of(mapping: FileMapping, rejected: str) -> str:
    """The file's column that a reason is about; empty where it is about the whole row."""
    name = rejected.partition(":")[2]
    return mapping.columns.get(name, name)


def list_problems(scratch: Scratch, mapping: FileMapping, row_number: str) -> list[dict[str, Any]]:
    """Rejections by reason, commonest first: code, field, column, count, sentence, and the first example."""
    found = scratch.rows(
        f"SELECT rejected, count(*) AS n, min({row_number}) AS first, arg_min(value, {row_number}),"
        f" list_sort(list({row_number} ORDER BY {row_number}))[1:{_PROBLEM_ROWS}] FROM rejected_rows"
        f" GROUP BY rejected ORDER BY n DESC, rejected"
    )
    return [
        {
            "reason": rejected.partition(":")[0],
            "field": rejected.partition(":")[2] or None,
            "column": column_of(mapping, rejected) or None,
            "count": count,
            "message": reason_text(mapping.kind, rejected),
            "example": {"row": first, "value": value},
            "rows": rows,
            "skipped": rejected.partition(":")[0] in SKIPPED,
            "at_terminal": terminal_remedy(rejected),
        }
        for rejected, count, first, value, rows in found
    ]


def write_reject_file(scratch: Scratch, mapping: FileMapping, row_number: str, path: Path) -> None:
    """Write every rejected row, in order: number, column, value, reason, then the cells as the file had them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".part")
    # The mark at the beginning makes Excel read it as UTF-8.
    with fresh.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([_("Row"), _("Column"), _("Value"), _("Reason"), *map(safe_cell, mapping.headers)])
        for row in _rejected(scratch, row_number):
            number, rejected, value, original = row
            cells = [column_of(mapping, rejected), value or "", reason_text(mapping.kind, rejected), *original]
            writer.writerow([number, *map(safe_cell, cells)])
    fresh.replace(path)


def _rejected(scratch: Scratch, row_number: str) -> Iterator[tuple[int, str, str | None, Sequence[str | None]]]:
    sql = f"SELECT {row_number} AS number, rejected, value, original FROM rejected_rows ORDER BY number"
    for batch in scratch.batches(sql):
        columns = [column.to_pylist() for column in batch.columns]
        yield from zip(*columns, strict=True)
