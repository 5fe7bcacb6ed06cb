"""Order rows in SQL: text cells to typed lines in four steps, each a projection over the one before.

`cells`: the mapped columns, cleaned.  `typed`: numbers, instants, words.  `lines`: what kind of line it is and what it
is worth.  `checked`: the first reason, if any, why the row cannot be taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from huitou.analytics.engines import Scratch
from huitou.sources.canonical import CODE, INSTANT, MONEY, NUMBER, ORDER_FIELDS, Field
from huitou.sources.importing import cells
from huitou.sources.importing.cells import text
from huitou.sources.importing.detect import ColumnFacts
from huitou.sources.importing.mapping import FileMapping
from huitou.sources.importing.refunds import settle_refunds
from huitou.sources.importing.times import instant, wall_time

# Identifiers longer than this are mistakes in the mapping.
_LONGEST_CODE = 200
_LARGEST_MINOR = 10**15
_CLEANERS = {CODE: "code", NUMBER: "number_code", MONEY: "number_code", INSTANT: "time_code"}


@dataclass(frozen=True)
class OrderRules:
    """What else decides how order rows are read: the zone of naive times, and digits after the currency's point."""

    zone: ZoneInfo
    exponent: int


def raw_cell(mapping: FileMapping, name: str) -> str:
    """SQL of the field's cell as the file has it: a column, a constant, or nothing."""
    if name in mapping.indexes:
        return f"c{mapping.indexes[name]}"
    if name in mapping.constants:
        return text(mapping.constants[name])
    return "CAST(NULL AS VARCHAR)"


def clean_cell(mapping: FileMapping, field: Field) -> str:
    """SQL of the field's cell, cleaned the way its form wants it."""
    if not mapping.has(field.name):
        return "CAST(NULL AS VARCHAR)"
    macro = _CLEANERS.get(field.form, "words")
    return f"{macro}({raw_cell(mapping, field.name)})"


def _cells_step(mapping: FileMapping, facts: ColumnFacts, width: int, table: str) -> str:
    parts = []
    for field in ORDER_FIELDS:
        cell = clean_cell(mapping, field)
        if field.name in facts.float_codes:
            cell = f"regexp_replace({cell}, '\\.0$', '')"
        parts.append(f"{cell} AS t_{field.name}")
    # What the file had is carried along only as far as the check, which keeps it for rejected rows.
    original = ", ".join(f"c{i}" for i in range(width))
    matched = f"c{mapping.matched_index}" if mapping.matched_index is not None else "'1'"
    return f"SELECT file_row, fault, {matched} AS matched, {', '.join(parts)}, {original} FROM {table}"


def _typed_step(mapping: FileMapping, facts: ColumnFacts) -> str:
    parts = []
    for field in ORDER_FIELDS:
        cell = f"t_{field.name}"
        if field.form in (NUMBER, MONEY):
            scale = 4 if field.form == NUMBER else 6
            comma = field.name in facts.comma_numbers
            parts.append(f"{cells.number(cell, scale=scale, decimal_comma=comma)} AS n_{field.name}")
        elif field.form == INSTANT:
            form = facts.times.get(field.name)
            wall = wall_time(cell, form) if form else "CAST(NULL AS TIMESTAMP)"
            parts.append(f"{wall} AS w_{field.name}")
        elif field.name in facts.words:
            parts.append(f"{_meaning(cell, facts.words[field.name])} AS m_{field.name}")
        else:
            parts.append(f"CAST(NULL AS VARCHAR) AS m_{field.name}")
    parts.append("t_customer_id IS NOT NULL AND NOT is_nobody(t_customer_id) AS is_named")
    parts.append("coalesce(is_masked(t_customer_id), false) AS is_masked")
    parts.append("coalesce(is_placeholder(t_customer_id), false) AS is_placeholder")
    return f"SELECT *, {', '.join(parts)} FROM cells"


def _meaning(cell: str, words: dict[str, str]) -> str:
    branches = " ".join(f"WHEN {text(word)} THEN {text(meaning)}" for word, meaning in words.items())
    return f"CASE {cell} {branches} END" if branches else "CAST(NULL AS VARCHAR)"


def _lines_step(mapping: FileMapping, facts: ColumnFacts, rules: OrderRules) -> str:
    def at(name: str) -> str:
        form = facts.times.get(name)
        if form is None:
            return "CAST(NULL AS TIMESTAMP)"
        return instant(f"t_{name}", f"w_{name}", form, facts.local[name])

    prefix = mapping.refund_prefix
    by_prefix = f"starts_with(t_order_id, {text(prefix)})" if prefix else "false"
    # Without a quantity there is one piece, unless the column is there and this row's cell is unreadable.
    quantity = "CASE WHEN n_quantity IS NOT NULL THEN n_quantity WHEN t_quantity IS NULL THEN 1 END"
    if mapping.has("quantity"):
        quantity = (
            "CASE WHEN n_quantity IS NOT NULL THEN n_quantity"
            " WHEN n_amount IS NULL THEN NULL WHEN t_quantity IS NULL OR is_nothing(t_quantity) THEN 1 END"
        )
    return f"""
SELECT *, CAST({quantity} AS DECIMAL(18, 4)) AS pieces,
    {at("paid_at")} AS paid, {at("ordered_at")} AS ordered, {at("refunded_at")} AS returned,
    coalesce(t_sku, t_product_name{"" if mapping.has("sku") or mapping.has("product_name") else ", '-'"}) AS code_of,
    coalesce(t_refund_of IS NOT NULL OR n_quantity < 0 OR {by_prefix}, false) AS is_refund
FROM typed"""


def _worth_step(rules: OrderRules) -> str:
    def money(name: str) -> str:
        return f"CASE WHEN abs(n_{name}) < 1e11 THEN {cells.minor(f'n_{name}', rules.exponent)} END"

    by_price = cells.product_minor("pieces", "n_unit_price", rules.exponent)
    return f"""
SELECT *,
    coalesce(abs({money("discount")}), 0) AS discount_minor,
    CASE WHEN n_amount IS NOT NULL THEN {money("amount")}
         WHEN t_amount IS NULL OR is_nothing(t_amount) THEN
            {by_price} - coalesce(abs({money("discount")}), 0) END AS worth_minor,
    abs({money("refund_amount")}) AS returned_minor,
    CASE WHEN m_refund_status IN ('refunded', 'partly_refunded') AND coalesce(m_status, '') <> 'unpaid'
         THEN m_refund_status
         WHEN m_status IS NOT NULL THEN m_status
         WHEN paid IS NULL AND ordered IS NOT NULL THEN 'unpaid'
         ELSE 'paid' END AS said,
    CASE WHEN is_refund THEN coalesce(returned, paid, ordered) ELSE coalesce(paid, ordered) END AS occurred
FROM lines"""


def _reason(mapping: FileMapping, facts: ColumnFacts, width: int) -> str:
    """SQL of the first reason against a row, as code:field. The order is that of the sentence a person needs most."""
    everything = ", ".join(f"c{i}" for i in range(width))
    total = f"regexp_full_match(lower(fold(x)), {text(f'({cells.TOTALS})[ :]*')})"
    heading = " AND ".join(
        f"fold(c{index}) = {text(mapping.headers[index])}" for index in sorted(set(mapping.indexes.values()))[:3]
    )
    branches = [
        f"WHEN len(list_filter([{everything}], lambda x: x IS NOT NULL AND trim(x) <> '')) = 0 THEN 'blank'",
        f"WHEN (t_order_id IS NULL OR {total.replace('(x)', '(t_order_id)')} OR fault IS NOT NULL)"
        f" AND len(list_filter([{everything}], lambda x: {total})) > 0 THEN 'total_row'",
        "WHEN fault IS NOT NULL THEN fault",
        f"WHEN {heading} THEN 'repeated_header'" if heading else "",
        "WHEN t_order_id IS NULL THEN 'missing:order_id'",
        "WHEN matched IS NULL THEN 'line_without_order:order_id'",
    ]
    for name in ("order_id", "customer_id", "sku", "refund_of"):
        if mapping.has(name):
            branches.append(f"WHEN has_lost_digits(t_{name}) THEN 'lost_digits:{name}'")
            branches.append(f"WHEN length(t_{name}) > {_LONGEST_CODE} THEN 'too_long:{name}'")
    if facts.zeroed_orders:
        branches.append("WHEN regexp_full_match(t_order_id, '\\d{16,}') THEN 'lost_digits:order_id'")
    for field in ORDER_FIELDS:
        branches += _field_reasons(mapping, field, facts)
    branches += [
        "WHEN occurred IS NULL AND said IN ('unpaid', 'cancelled') THEN 'never_paid'",
        "WHEN occurred IS NULL THEN 'missing:paid_at'",
        "WHEN code_of IS NULL THEN 'missing:sku'",
        "WHEN pieces IS NULL THEN 'missing:quantity'",
        "WHEN n_amount IS NULL AND n_unit_price IS NULL THEN"
        f" 'missing:{'unit_price' if mapping.has('unit_price') else 'amount'}'",
        "ELSE 'amount_too_large:amount'",
    ]
    return f"CASE {' '.join(branches)} END"


def _field_reasons(mapping: FileMapping, field: Field, facts: ColumnFacts) -> list[str]:
    if not mapping.has(field.name):
        return []
    cell, given = f"t_{field.name}", f"t_{field.name} IS NOT NULL AND NOT is_nothing(t_{field.name})"
    if field.form in (NUMBER, MONEY):
        return [
            f"WHEN {given} AND n_{field.name} IS NULL AND {cells.looks_numeric(cell)}"
            f" THEN 'number_too_large:{field.name}'",
            f"WHEN {given} AND n_{field.name} IS NULL THEN 'not_a_number:{field.name}'",
        ]
    if field.form == INSTANT:
        parsed = {"paid_at": "paid", "ordered_at": "ordered", "refunded_at": "returned"}[field.name]
        return [f"WHEN {given} AND {parsed} IS NULL THEN 'not_a_time:{field.name}'"]
    if field.name in facts.words and field.name != "order_type":
        return [f"WHEN {given} AND m_{field.name} IS NULL THEN 'unknown_word:{field.name}'"]
    return []


def _is_good(mapping: FileMapping, facts: ColumnFacts) -> str:
    """SQL that is true for rows without any fault, cheaply: most rows need no more."""
    tests = ["fault IS NULL", "matched IS NOT NULL", "t_order_id IS NOT NULL", "occurred IS NOT NULL"]
    tests += ["code_of IS NOT NULL", "pieces IS NOT NULL", f"abs(worth_minor) <= {_LARGEST_MINOR}"]
    for name in ("order_id", "customer_id", "sku", "refund_of"):
        if mapping.has(name):
            tests.append(
                f"(t_{name} IS NULL OR (length(t_{name}) <= {_LONGEST_CODE} AND NOT has_lost_digits(t_{name})))"
            )
    if facts.zeroed_orders:
        tests.append("NOT regexp_full_match(t_order_id, '\\d{16,}')")
    if mapping.indexes.get("order_id") is not None:
        tests.append(f"t_order_id <> {text(mapping.headers[mapping.indexes['order_id']])}")
    for field in ORDER_FIELDS:
        if not mapping.has(field.name) or field.name == "order_type":
            continue
        read = ""
        if field.form in (NUMBER, MONEY):
            read = f"n_{field.name}"
        elif field.form == INSTANT:
            read = {"paid_at": "paid", "ordered_at": "ordered", "refunded_at": "returned"}[field.name]
        elif field.name in facts.words:
            read = f"m_{field.name}"
        if read:
            empty = f"t_{field.name} IS NULL OR is_nothing(t_{field.name})"
            tests.append(f"CASE WHEN {read} IS NOT NULL THEN true ELSE {empty} END")
    return " AND ".join(tests)


# Columns of `parsed`, each with its SQL and the fields it needs; without one of them it is the same for all rows.
_OUTPUTS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("order_id", "t_order_id", (), ""),
    (
        "customer_id",
        "CASE WHEN is_named AND NOT is_masked AND NOT is_placeholder THEN t_customer_id END",
        ("customer_id",),
        "VARCHAR",
    ),
    ("masked", "is_named AND is_masked", ("customer_id",), "false"),
    ("placeholder", "is_named AND is_placeholder", ("customer_id",), "false"),
    ("sku", "code_of", (), ""),
    ("product_name", "t_product_name", ("product_name",), "VARCHAR"),
    ("category", "t_category", ("category",), "VARCHAR"),
    ("brand", "t_brand", ("brand",), "VARCHAR"),
    ("channel", "t_channel", ("channel",), "VARCHAR"),
    ("store", "t_store", ("store",), "VARCHAR"),
    ("customer_name", "t_customer_name", ("customer_name",), "VARCHAR"),
    ("phone", "t_phone", ("phone",), "VARCHAR"),
    ("recipient_name", "t_recipient_name", ("recipient_name",), "VARCHAR"),
    ("recipient_phone", "t_recipient_phone", ("recipient_phone",), "VARCHAR"),
    ("is_refund", "is_refund", (), ""),
    ("quantity", "abs(pieces)", (), ""),
    ("amount_minor", "CASE WHEN is_refund THEN abs(worth_minor) ELSE worth_minor END", (), ""),
    ("discount_minor", "discount_minor", ("discount",), "0"),
    ("returned_minor", "returned_minor", ("refund_amount",), "BIGINT"),
    ("said", "said", (), ""),
    ("refund_said", "m_refund_status", ("refund_status",), "VARCHAR"),
    ("order_type", "coalesce(m_order_type, 'normal')", ("order_type",), "'normal'"),
    ("occurred_at", "occurred", (), ""),
    ("refunded_at", "returned", ("refunded_at",), "TIMESTAMP"),
    ("refund_of", "t_refund_of", ("refund_of",), "VARCHAR"),
)
# A row whose refunded amount is all or only part of it is what the amount says, whatever the word: 交易成功 says only
# that the order is over. A refund status that knows of no return outranks the amount, which was then only asked for.
_STATUS = """CASE WHEN is_refund THEN CASE WHEN said IN ('unpaid', 'cancelled') THEN said ELSE 'completed' END
    WHEN said IN ('paid', 'completed') AND returned_minor > 0 AND refund_said IS DISTINCT FROM 'none' THEN
        CASE WHEN returned_minor >= amount_minor AND amount_minor > 0 THEN 'refunded' ELSE 'partly_refunded' END
    WHEN said = 'refunded' AND returned_minor > 0 AND returned_minor < amount_minor THEN 'partly_refunded'
    WHEN said = 'partly_refunded' AND returned_minor >= amount_minor AND amount_minor > 0 THEN 'refunded'
    ELSE said END"""


def parse_orders(
    scratch: Scratch, table: str, *, mapping: FileMapping, facts: ColumnFacts, rules: OrderRules, width: int
) -> str | None:
    """Make `parsed` from the text table: one row per row of the file, in its order. Returns why reading failed.

    Columns of accepted rows are typed; `rejected` is NULL for them and else code:field, with the `original` cells.
    Only what differs from row to row is stored.
    """
    everything = ", ".join(f"c{i}" for i in range(width))
    stored, viewed = [], []
    for name, sql, needed, fixed in _OUTPUTS:
        if needed and not any(mapping.has(field) for field in needed):
            constant = f"CAST(NULL AS {fixed})" if fixed.isupper() else fixed
            viewed.append(f"{constant} AS {name}")
        else:
            stored.append(f"{sql} AS {name}")
            viewed.append(name)
    numbered = bool(scratch.rows(f"SELECT 1 FROM (SELECT file_row FROM {table} LIMIT 1) WHERE file_row IS NOT NULL"))
    reason = scratch.try_run(f"""
CREATE OR REPLACE TEMP TABLE parsed_rows AS
WITH cells AS ({_cells_step(mapping, facts, width, table)}),
typed AS ({_typed_step(mapping, facts)}),
lines AS ({_lines_step(mapping, facts, rules)}),
worth AS ({_worth_step(rules)}),
checked AS (
    SELECT *, CASE WHEN {_is_good(mapping, facts)} THEN NULL ELSE {_reason(mapping, facts, width)} END AS rejected
    FROM worth)
SELECT {"file_row, " if numbered else ""}rejected, CASE WHEN rejected IS NOT NULL THEN [{everything}] END AS original,
    {", ".join(stored)}
FROM checked""")
    if reason is not None:
        return reason
    if "refund_amount" in mapping.indexes:
        settle_refunds(scratch, mapping)
    value = " ".join(f"WHEN {text(name)} THEN original[{index + 1}]" for name, index in mapping.indexes.items())
    scratch.run(f"""
CREATE OR REPLACE TEMP VIEW parsed AS
SELECT rowid AS row_order, {"file_row" if numbered else "CAST(NULL AS BIGINT) AS file_row"}, rejected,
    CASE split_part(rejected, ':', 2) {value} END AS value, original, {", ".join(viewed)},
    {_STATUS} AS status
FROM parsed_rows""")
    return None
