"""The whole reading of one file, short of storing anything: what an import and its dry run share."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from huitou.analytics.engines import Scratch
from huitou.core.terminal import Report, silent
from huitou.sources.canonical import label_of
from huitou.sources.importing.cells import define_macros
from huitou.sources.importing.detect import ColumnFacts, detect_columns
from huitou.sources.importing.files import OpenedFile, not_a_table, open_file, reread_slowly
from huitou.sources.importing.joining import join_lines
from huitou.sources.importing.mapping import FileMapping, MappingError, map_file, map_flag, map_joined
from huitou.sources.importing.options import ImportOptions
from huitou.sources.importing.orders import OrderRules, parse_orders
from huitou.sources.importing.records import parse_records
from huitou.sources.importing.refunds import count_guesses
from huitou.sources.importing.rejects import SKIPPED, list_problems
from huitou.sources.importing.times import DateOrderError

_MEMORY_MB = 256
_FIRST_ROWS = 20_000


@dataclass(frozen=True)
class Counts:
    """What a file holds. `rows` are rows of data, blank ones left out; orders and customers are among the accepted,
    and `skipped` are those of the rejected that are no sales: totals, repeated headers, orders never paid.
    """

    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    orders: int = 0
    customers: int = 0
    lines: int = 0
    skipped: int = 0

    @property
    def refused(self) -> int:
        """Rows that somebody may correct: the rejected without the skipped."""
        return self.rejected - self.skipped


@dataclass(frozen=True)
class Examined:
    """A file that was read and checked; its rows lie in the scratch table `parsed`.

    `row_number` is SQL of the number that people see on a row.
    """

    scratch: Scratch
    opened: OpenedFile
    mapping: FileMapping
    facts: ColumnFacts
    row_number: str
    counts: Counts
    problems: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)

    def detected(self) -> dict[str, Any]:
        """Everything that was found out about the file, for people and reports."""
        return {**self.opened.detected(), **self.facts.to_json()}


@contextmanager
def examine(
    path: Path,
    *,
    kind: str,
    options: ImportOptions,
    zone: ZoneInfo,
    exponent: int,
    folder: Path,
    lines_path: Path | None = None,
    report: Report = silent,
) -> Iterator[Examined]:
    """Read, detect, normalize and check a file of orders, customers or products.

    `exponent` is the number of digits after the point of the brand's currency, `folder` takes the scratch files.
    Raises FileUnreadableError, WorkbookError, MappingError or DateOrderError where the file cannot be used at all.
    """
    with Scratch(folder, memory_limit_mb=_MEMORY_MB) as scratch:
        define_macros(scratch)
        report(0, None, _("reading the file"))
        try:
            opened, mapping = _open(scratch, path, kind, options, lines_path)
        except csv.Error as error:
            raise not_a_table(path) from error
        zone = ZoneInfo(options.zone) if options.zone else zone
        report(0, None, _("checking rows"))
        facts = _check_rows(scratch, opened, mapping, zone, exponent, options)
        row_number = f"coalesce(file_row, row_order + {opened.first_row})"
        scratch.run(
            "CREATE OR REPLACE TEMP VIEW rejected_rows AS"
            " SELECT row_order, file_row, rejected, value, original FROM parsed"
            " WHERE rejected IS NOT NULL AND rejected <> 'blank'"
        )
        yield Examined(
            scratch,
            opened,
            mapping,
            facts,
            row_number,
            _count(scratch, kind),
            list_problems(scratch, mapping, row_number),
            _warnings(scratch, mapping),
        )


def _open(
    scratch: Scratch, path: Path, kind: str, options: ImportOptions, lines_path: Path | None
) -> tuple[OpenedFile, FileMapping]:
    if lines_path is None:
        opened = open_file(scratch, "raw", path, kind=kind, options=options, wanted=_named(options.columns, options))
        try:
            return opened, map_file(kind, options, opened.headers)
        except MappingError as error:
            raise _beside_sheets(error, opened) from error
    heads = open_file(scratch, "heads", path, kind=kind, options=options, wanted=_named(options.columns, options))
    lines = open_file(
        scratch, "lines_file", lines_path, kind=kind, options=options, wanted=_named(options.line_columns, options)
    )
    mapping, head_key = map_joined(options, heads.headers, lines.headers)
    return join_lines(scratch, heads, lines, mapping.indexes["order_id"], head_key), mapping


def _beside_sheets(error: MappingError, opened: OpenedFile) -> MappingError:
    """The error of a workbook, naming the sheet that was looked at and the others."""
    if len(opened.sheets) < 2:
        return error
    told = _("Sheet %(sheet)s was read; the workbook also has: %(others)s.") % {
        "sheet": opened.sheet,
        "others": _(", ").join(name for name in opened.sheets if name != opened.sheet),
    }
    hint = _("Another sheet: %(flags)s.") % {"flags": "--sheet"}
    return MappingError(f"{error} {told}", at_terminal=f"{error.at_terminal} {hint}".strip(), control="sheet")


def _named(columns: Any, options: ImportOptions) -> list[str]:
    """Columns that the file must have: those named singly."""
    return [candidates[0] for name, candidates in columns.items() if name not in options.may_lack]


def _check_rows(
    scratch: Scratch, opened: OpenedFile, mapping: FileMapping, zone: ZoneInfo, exponent: int, options: ImportOptions
) -> ColumnFacts:
    """Make `parsed`. What the first rows tell is tried on all; where a row then cannot be read, all rows are asked."""
    rules = OrderRules(zone, exponent)

    def detect(table: str) -> ColumnFacts:
        return detect_columns(
            scratch,
            table,
            mapping=mapping,
            zone=zone,
            date_order=options.date_order,
            first_row=opened.first_row,
        )

    try:
        scratch.run(f"CREATE OR REPLACE TABLE first_rows AS SELECT * FROM raw LIMIT {_FIRST_ROWS}")
        facts = detect("first_rows")
        _parse(scratch, opened, mapping, facts, rules)
        doubtful = scratch.row(
            "SELECT count(*) FROM parsed"
            " WHERE split_part(rejected, ':', 1) IN ('not_a_time', 'not_a_number', 'unknown_word')"
        )[0]
        if not doubtful:
            return facts
    except (DateOrderError, scratch.error):
        facts = ColumnFacts()
    try:
        told = detect("raw")
    except scratch.error:
        _reread(scratch, opened)
        told = detect("raw")
    if not told.reads_like(facts):
        _parse(scratch, opened, mapping, told, rules)
    return told


def _reread(scratch: Scratch, opened: OpenedFile) -> None:
    assert opened.format == "csv", "only a text file can be read in another way"
    reread_slowly(scratch, "raw", opened)


def _parse(scratch: Scratch, opened: OpenedFile, mapping: FileMapping, facts: ColumnFacts, rules: OrderRules) -> None:
    width = len(mapping.headers)

    def run() -> str | None:
        if mapping.kind == "orders":
            return parse_orders(scratch, "raw", mapping=mapping, facts=facts, rules=rules, width=width)
        return parse_records(scratch, "raw", mapping=mapping, facts=facts, exponent=rules.exponent, width=width)

    if (reason := run()) is not None:
        # Only reading can fail here: a record that the quick reader cannot make sense of.
        assert opened.format == "csv", reason
        _reread(scratch, opened)
        reason = run()
    assert reason is None, reason


def _count(scratch: Scratch, kind: str) -> Counts:
    people = "count(DISTINCT customer_id)" if kind != "products" else "0"
    orders = "count(DISTINCT order_id)" if kind == "orders" else "0"
    accepted, found_orders, customers = scratch.row(
        f"SELECT count(*), {orders}, {people} FROM parsed WHERE rejected IS NULL"
    )
    skips = ", ".join(f"'{reason}'" for reason in SKIPPED)
    rejected, skipped = scratch.row(f"SELECT count(*), coalesce(count_if(rejected IN ({skips})), 0) FROM rejected_rows")
    return Counts(accepted + rejected, accepted, rejected, found_orders, customers, skipped=skipped)


def _warnings(scratch: Scratch, mapping: FileMapping) -> list[dict[str, Any]]:
    if mapping.kind != "orders":
        return []
    masked, placeholders, nameless, partly, incomplete = scratch.row("""
        SELECT count_if(masked), count_if(placeholder), count_if(customer_id IS NULL),
            count_if(status = 'partly_refunded' AND coalesce(returned_minor, 0) = 0 AND amount_minor > 0),
            (SELECT count(DISTINCT order_id) FROM parsed WHERE rejected IS NULL AND order_id IN (
                SELECT order_id FROM parsed WHERE rejected IS NOT NULL AND order_id IS NOT NULL))
        FROM parsed WHERE rejected IS NULL""")
    warnings: list[dict[str, Any]] = []

    def warn(code: str, count: int, message: str, at_terminal: str = "") -> None:
        if count:
            remedy = {"at_terminal": at_terminal} if at_terminal else {}
            warnings.append({"code": code, "count": count, "message": message, **remedy})

    if not mapping.has("customer_id"):
        warn(
            "no_customers",
            nameless,
            _("No column says who bought: all orders are anonymous, outside customer metrics."),
        )
    warn(
        "placeholder_customers",
        placeholders,
        _(
            "%(count)s rows name the buyer by a number of nobody (0, -1, 13800138000, 测试 ...); they are anonymous. If"
            " another column holds the buyer's number, choose that one; else put the numbers right in the shop's"
            " system and export again."
        )
        % {"count": placeholders},
        "--map customer_id=COLUMN",
    )
    warn(
        "masked_customers",
        masked,
        _("%(count)s rows name the buyer only by a masked number (138****1234); they are anonymous.")
        % {"count": masked},
    )
    warn(
        "incomplete_orders",
        incomplete,
        _("%(count)s orders came in without some of their rows, which were rejected.") % {"count": incomplete},
    )
    warn(
        "refund_without_amount",
        partly,
        _("%(count)s partly refunded rows do not say how much went back; nothing is taken off.") % {"count": partly},
    )
    once, each = count_guesses(scratch, mapping)
    warn(
        "refund_taken_once",
        once,
        _("%(count)s orders repeat one refunded amount on their rows: it was taken off the order once, not each row.")
        % {"count": once},
    )
    warn(
        "refund_taken_each",
        each,
        _("%(count)s orders repeat one refunded amount on their rows: it was taken off each row, as rows of others do.")
        % {"count": each},
    )
    if not mapping.has("quantity"):
        warn("no_quantity", 1, _("No column says how many: every row counts as one piece."))
    if not mapping.has("sku"):
        by_name = _("No column holds a product code: the product name takes its place.")
        without = _("No column says what was bought: every row counts as the same product.")
        warn("no_sku", 1, by_name if mapping.has("product_name") else without)
    return warnings + _recipient_warnings(mapping) + _unused_warnings(mapping)


def _recipient_warnings(mapping: FileMapping) -> list[dict[str, Any]]:
    """Where only phones of recipients are there: they are not taken for buyers unless somebody says so."""
    if mapping.has("customer_id") or "recipient_phone" not in mapping.indexes:
        return []
    column = mapping.columns["recipient_phone"]
    message = _("%(column)s is the phone of whom parcels go to, which says nothing of who bought.") % {"column": column}
    flag = map_flag("customer_id", column)
    return [{"code": "recipients_only", "count": 1, "message": message, "at_terminal": flag}]


def _unused_warnings(mapping: FileMapping) -> list[dict[str, Any]]:
    """Columns that nobody used though they would change what counts."""
    sale = _("closed and refunded orders count as sales")
    effects = {
        "customer_id": _("its sales count for no customer"),
        "status": sale,
        "refund_status": _("refunded rows count as sales"),
        "refund_amount": _("what was refunded counts as sold"),
        "refund_of": _("refunds count as sales"),
    }
    if mapping.has("unit_price") and not mapping.has("amount"):
        # An amount is what was paid already; a price is not.
        effects["discount"] = _("sales count at their price before the discount")
    return [
        {
            "code": f"unused_{column.field}",
            "count": 1,
            "message": _("Column %(column)s looks like %(field)s and is not used: %(effect)s.")
            % {
                "column": column.column,
                "field": label_of(mapping.kind, column.field),
                "effect": effects[column.field],
            },
            "at_terminal": map_flag(column.field, column.column),
        }
        for column in mapping.unused
        if column.field in effects
    ]
