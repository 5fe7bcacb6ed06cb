"""Cells as people write them, in SQL: macros that clean, and expressions that read numbers and codes.

Ordinary cells take the short way; the costly steps see only those that need them.
"""

from __future__ import annotations

import re

from huitou.analytics.engines import Scratch
from huitou.customers.normalizing import NOBODYS_NUMBERS, NOBODYS_WORDS

# Full-width letters, digits and punctuation, and the odd blanks and signs of spreadsheets and chat programs.
_WIDE = "".join(chr(0xFF01 + i) for i in range(94)) + "\u3000\u00a0￥￡−"
_NARROW = "".join(chr(0x21 + i) for i in range(94)) + "  ¥£-"
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e"
# Cells that need cleaning: control characters, invisible ones, blanks or marks at the ends; and full-width forms.
_UNCLEAN = r"[\x00-\x1f\x7f\x{a0}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}\x{feff}]|^[ =''\"`]| $"
_WIDE_FORMS = r"[\x{2212}\x{3000}\x{ff01}-\x{ff5e}\x{ffe1}\x{ffe5}]"
_BLANKS = " \\t\\r\\n\\v\\f"
NOTHING = ("nan", "null", "none", "n/a", "#n/a", "nat", "\\n", "-", "--", "—", "/", "undefined", "无", "暂无")
# Buyers whom nobody named.
NOBODY = ("匿名", "匿名用户", "匿名买家", "散客", "游客", "非会员", "guest", "anonymous", "unknown")
# What stands in a cell where a program or a hand had nobody to put there; events know the same.
_PLACEHOLDERS = "|".join(
    [NOBODYS_NUMBERS, *(f"(?i:{re.escape(word)})" for word in sorted(NOBODYS_WORDS - {*NOTHING, *NOBODY}))]
)
TOTALS = "(本页|本日|订单|总)?(合计|总计|小计|共计|汇总|累计)|(grand |sub-? ?)?totals?|sum"
# A number that a spreadsheet shortened: the digits behind the first few are gone.
LOST_DIGITS = r"\d(\.\d+)?[eE]\+?\d{2,}"
MASKED = r"1\d{2}[xX]{4}\d{4}"


def text(value: str) -> str:
    """`value` as an SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def listed(values: tuple[str, ...]) -> str:
    return ", ".join(text(value) for value in values)


_MACROS = f"""
CREATE OR REPLACE MACRO fold(x) AS
    trim(translate(x, {text(_WIDE + _INVISIBLE)}, {text(_NARROW)}), E'{_BLANKS}');
CREATE OR REPLACE MACRO unwrapped(x) AS
    trim(regexp_replace(regexp_replace(x, '^=?"(.*)"$', '\\1'), '^[''`]', ''), E'{_BLANKS}');
-- A code: folded width, ="123" and text marks unwrapped, nothing around it; NULL where nothing is left.
CREATE OR REPLACE MACRO code(x) AS
    CASE WHEN regexp_matches(x, '{_UNCLEAN}|{_WIDE_FORMS}') THEN nullif(unwrapped(fold(x)), '') ELSE nullif(x, '') END;
-- Of a number or a time: what reads as it stands, from its first digit or sign to its last, needs no cleaning.
CREATE OR REPLACE MACRO is_bare(x) AS x >= '+' AND x < ':' AND right(x, 1) BETWEEN '0' AND '9';
CREATE OR REPLACE MACRO number_code(x) AS
    CASE WHEN is_bare(x) AND TRY_CAST(x AS DECIMAL(18, 6)) IS NOT NULL THEN x ELSE code(x) END;
CREATE OR REPLACE MACRO time_code(x) AS
    CASE WHEN is_bare(x) AND length(x) = 19 AND TRY_CAST(x AS TIMESTAMP) IS NOT NULL THEN x ELSE code(x) END;
-- Words for people: as they are, without what cannot be seen.
CREATE OR REPLACE MACRO words(x) AS
    CASE WHEN regexp_matches(x, '{_UNCLEAN}|^\\x{{3000}}|\\x{{3000}}$')
    THEN nullif(unwrapped(trim(translate(x, {text(_INVISIBLE)}, ''), E'{_BLANKS}' || chr(12288) || chr(160))), '')
    ELSE nullif(x, '') END;
-- A constant list, not IN: the planner makes a join of IN, and rows would lose their order.
-- CASE, not AND: projections evaluate every side of an AND, and most cells hold a digit.
CREATE OR REPLACE MACRO is_nothing(x) AS
    CASE WHEN length(x) > 9 OR regexp_matches(x, '[0-9]') THEN false
    ELSE list_contains([{listed(NOTHING)}], lower(x)) END;
CREATE OR REPLACE MACRO is_nobody(x) AS
    CASE WHEN length(x) > 9 OR regexp_matches(x, '[0-9]') THEN false
    ELSE list_contains([{listed(NOTHING + NOBODY)}], lower(x)) END;
CREATE OR REPLACE MACRO is_placeholder(x) AS regexp_full_match(x, {text(_PLACEHOLDERS)});
CREATE OR REPLACE MACRO is_masked(x) AS
    CASE WHEN contains(x, '**') THEN true WHEN length(x) = 11 THEN regexp_full_match(x, '{MASKED}') ELSE false END;
CREATE OR REPLACE MACRO has_lost_digits(x) AS
    CASE WHEN contains(x, 'E') OR contains(x, 'e') THEN regexp_full_match(x, '{LOST_DIGITS}') ELSE false END;
-- A number without currency, blanks and thousands marks; (12.50) and 12.50- are negative.
CREATE OR REPLACE MACRO bare_number(x) AS
    regexp_replace(regexp_replace(
        regexp_replace(lower(x), '[¥£$€元圆 ]|cny|rmb|usd|gbp|eur|hkd', '', 'g'),
        '^\\((.*)\\)$', '-\\1'), '^([0-9.,]+)-$', '-\\1');
CREATE OR REPLACE MACRO ungrouped(x) AS
    CASE WHEN regexp_full_match(x, '[+-]?\\d{{1,3}}(,\\d{{2,3}})*,\\d{{3}}(\\.\\d*)?')
    THEN replace(x, ',', '') ELSE x END;
CREATE OR REPLACE MACRO ungrouped_comma(x) AS
    CASE WHEN regexp_full_match(x, '[+-]?(\\d+|\\d{{1,3}}(\\.\\d{{3}})+)(,\\d*)?')
    THEN replace(replace(x, '.', ''), ',', '.') ELSE NULL END;
"""


def define_macros(scratch: Scratch) -> None:
    """Make the macros known to the scratch database; run once per job."""
    for statement in _MACROS.split(";\n"):
        if statement.strip():
            scratch.run(statement)


def first_of(*readings: str) -> str:
    """SQL of the first reading that is not NULL. CASE, not coalesce: that one would compute them all for all rows."""
    *tried, last = readings
    return "".join(f"CASE WHEN {r} IS NOT NULL THEN {r} ELSE " for r in tried) + last + " END" * len(tried)


def number(cell: str, *, scale: int, decimal_comma: bool = False) -> str:
    """SQL of the number in the text `cell` as DECIMAL(18, scale); NULL if it is none or too large."""
    kind = f"DECIMAL(18, {scale})"
    if decimal_comma:
        return f"TRY_CAST(ungrouped_comma(bare_number({cell})) AS {kind})"
    return first_of(f"TRY_CAST({cell} AS {kind})", f"TRY_CAST(ungrouped(bare_number({cell})) AS {kind})")


def looks_numeric(cell: str) -> str:
    """SQL: whether the text is a number, however large."""
    return f"regexp_full_match(ungrouped(bare_number({cell})), '[+-]?(\\d+\\.?\\d*|\\.\\d+)(e[+-]?\\d+)?')"


def minor(amount: str, exponent: int) -> str:
    """SQL of a DECIMAL(18, 6) amount in major units as minor units, rounded half up by magnitude."""
    scaled = f"CAST(CAST({amount} AS DECIMAL(18, {exponent})) * {10**exponent} AS BIGINT)"
    return scaled if exponent else f"CAST(CAST({amount} AS DECIMAL(18, 0)) AS BIGINT)"


def product_minor(quantity: str, price: str, exponent: int) -> str:
    """SQL of quantity (18,4) × price (18,6) in minor units, rounded half up by magnitude; NULL if out of range.

    Exact decimals throughout: 64 bits hold the product up to 90 million major units, wider ones above that.
    """
    narrow = f"CAST({quantity} * {price} AS DECIMAL(18, {exponent}))"
    wide = f"round(CAST({quantity} AS DECIMAL(38, 4)) * CAST({price} AS DECIMAL(38, 6)), {exponent})"
    factor = 10**exponent
    return (
        f"CASE WHEN abs(CAST({quantity} AS DOUBLE) * CAST({price} AS DOUBLE)) < 9e7"
        f" THEN CAST({narrow} * {factor} AS BIGINT)"
        f" WHEN abs(CAST({quantity} AS DOUBLE) * CAST({price} AS DOUBLE)) < 1e13"
        f" THEN CAST({wide} * {factor} AS BIGINT) END"
    )
