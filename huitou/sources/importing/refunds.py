"""Refunded amounts that rows of an order file name: the row's own, or the whole order's, repeated on each row.

A header of an order's total (退款总金额) says so; so does an amount that stands on several rows of an order and exceeds
one of them. The order's amount went back once: it is shared out by what the rows are worth. No row gives back more than
it is worth.
"""

from __future__ import annotations

from huitou.analytics.engines import Scratch
from huitou.sources.importing.mapping import FileMapping
from huitou.sources.statuses import word_key

# Headers of what went back of a whole order, and of one row; others (退款金额) leave it to the file's evidence.
_OF_ORDERS = (
    "退款总金额",
    "退款总额",
    "订单退款金额",
    "订单已退款金额",
    "订单退款总额",
    "total_refund",
    "refund_total",
)
_OF_ROWS = ("商品退款金额", "商品已退款金额", "子订单退款金额", "line_refund", "line_refund_amount")
# Their order exports have one row for each sub-order, with its own refund.
_PLATFORMS_OF_ROWS = ("douyin",)
_ORDERS, _ROWS, _UNKNOWN = "orders", "rows", "unknown"


def settle_refunds(scratch: Scratch, mapping: FileMapping) -> None:
    """Put right `returned_minor` of `parsed_rows`; leaves `repeated_refunds`: orders whose rows repeat one amount,
    each with whether it was taken as the order's and whether that is a guess."""
    meant = _meant_by_header(mapping)
    # A row that nothing went back of by its own word, or that never counted, is no part of it.
    concerned = "rejected IS NULL AND NOT is_refund AND said NOT IN ('unpaid', 'cancelled')"
    if mapping.has("refund_status"):
        concerned += " AND refund_said IS DISTINCT FROM 'none'"
    scratch.run(f"""
CREATE OR REPLACE TEMP TABLE refunded_orders AS
SELECT order_id, count(*) AS n, count_if(returned_minor > 0) AS named, max(returned_minor) AS amount,
    min(returned_minor) FILTER (WHERE returned_minor > 0) AS least_amount,
    count_if(amount_minor > 0) AS worthy, count_if(amount_minor > 0 AND returned_minor > 0) AS worthy_named,
    min(greatest(amount_minor, 0)) FILTER (WHERE returned_minor > 0) AS least_worth,
    max(amount_minor) FILTER (WHERE returned_minor > 0) AS most_worth
FROM parsed_rows WHERE {concerned} GROUP BY order_id HAVING n > 1 AND amount > 0""")
    # Where rows of some order differ in what they name, the column is one of rows.
    by_rows = meant == _ROWS or (
        meant == _UNKNOWN
        and bool(
            scratch.row(
                "SELECT count(*) FROM refunded_orders WHERE worthy > 1"
                " AND (worthy_named < worthy OR least_amount < amount)"
            )[0]
        )
    )
    guess = "false" if by_rows else "amount < most_worth OR least_worth < most_worth"
    scratch.run(f"""
CREATE OR REPLACE TEMP TABLE repeated_refunds AS
SELECT order_id, amount, {"true" if meant == _ORDERS else f"amount > least_worth OR ({guess})"} AS is_orders,
    {"false" if meant != _UNKNOWN else "amount <= least_worth AND amount < most_worth"} AS is_guess
FROM refunded_orders
WHERE least_amount = amount AND {"true" if meant == _ORDERS else "named > 1 AND worthy_named = worthy"}""")
    scratch.run(
        "UPDATE parsed_rows SET returned_minor = greatest(amount_minor, 0)"
        " WHERE returned_minor > greatest(amount_minor, 0)"
    )
    # Largest remainder: each row its share rounded down, and what is left to those that lost most by it.
    scratch.run(f"""
UPDATE parsed_rows SET returned_minor = CAST(settled.share AS BIGINT)
FROM (
    SELECT row_id, floored + CASE WHEN row_number() OVER (PARTITION BY order_id ORDER BY lost DESC, row_id)
        <= total - sum(floored) OVER (PARTITION BY order_id) THEN 1 ELSE 0 END AS share
    FROM (
        SELECT row_id, order_id, total, total * worth // whole AS floored, total * worth % whole AS lost
        FROM (
            SELECT p.rowid AS row_id, p.order_id, CAST(greatest(p.amount_minor, 0) AS HUGEINT) AS worth,
                CAST(sum(greatest(p.amount_minor, 0)) OVER (PARTITION BY p.order_id) AS HUGEINT) AS whole,
                least(CAST(r.amount AS HUGEINT), whole) AS total
            FROM parsed_rows AS p JOIN repeated_refunds AS r ON r.order_id = p.order_id AND r.is_orders
            WHERE {concerned}
        ) WHERE whole > 0
    )
) AS settled WHERE parsed_rows.rowid = settled.row_id""")


def _meant_by_header(mapping: FileMapping) -> str:
    key = word_key(mapping.columns.get("refund_amount", ""))
    if key in {word_key(header) for header in _OF_ORDERS}:
        return _ORDERS
    if (
        mapping.matched_index is not None
        or mapping.platform in _PLATFORMS_OF_ROWS
        or key in {word_key(header) for header in _OF_ROWS}
    ):
        return _ROWS
    return _UNKNOWN


def count_guesses(scratch: Scratch, mapping: FileMapping) -> tuple[int, int]:
    """Orders whose repeated amount was taken as the order's, and as each row's own, without a word that says so."""
    if "refund_amount" not in mapping.indexes:
        return 0, 0
    once, each = scratch.row(
        "SELECT count(*) FILTER (WHERE is_guess AND is_orders), count(*) FILTER (WHERE is_guess AND NOT is_orders)"
        " FROM repeated_refunds"
    )
    return int(once), int(each)
