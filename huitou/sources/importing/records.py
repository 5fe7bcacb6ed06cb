"""Rows of customer and product files in SQL: the same steps as for orders, with less to decide."""

from __future__ import annotations

from huitou.analytics.engines import Scratch
from huitou.sources.canonical import ATTRIBUTE_PREFIX, CODE, INSTANT, KINDS, MONEY, NUMBER, TEXT, Field
from huitou.sources.importing import cells
from huitou.sources.importing.cells import text
from huitou.sources.importing.detect import ColumnFacts
from huitou.sources.importing.mapping import FileMapping
from huitou.sources.importing.times import instant, wall_time

_KEYS = {"customers": "customer_id", "products": "sku"}


def record_fields(mapping: FileMapping) -> list[Field]:
    """Declared fields and the file's own attributes, in a fixed order."""
    declared = list(KINDS[mapping.kind])
    names = [n for n in (*mapping.indexes, *mapping.constants) if n.startswith(ATTRIBUTE_PREFIX)]
    return declared + [Field(name, TEXT, "", name) for name in sorted(set(names))]


def column_name(field: Field) -> str:
    """The field's column in `parsed`; an attribute's own name may hold anything."""
    return '"' + field.name.replace('"', '""') + '"'


def _cell(mapping: FileMapping, field: Field) -> str:
    macro = "words" if field.form == TEXT else "code"
    if field.name in mapping.indexes:
        return f"{macro}(c{mapping.indexes[field.name]})"
    if field.name in mapping.constants:
        return text(mapping.constants[field.name])
    return "CAST(NULL AS VARCHAR)"


def parse_records(
    scratch: Scratch, table: str, *, mapping: FileMapping, facts: ColumnFacts, exponent: int, width: int
) -> str | None:
    """Make `parsed` from the text table, one row per row of the file. Returns why reading failed, or None."""
    fields = record_fields(mapping)
    key = _KEYS[mapping.kind]
    everything = ", ".join(f"c{i}" for i in range(width))
    first = ", ".join(f"{_cell(mapping, f)} AS t{i}" for i, f in enumerate(fields))
    walls, values, reasons = [], [], []
    for i, field in enumerate(fields):
        given = f"t{i} IS NOT NULL AND NOT is_nothing(t{i})"
        if field.form == INSTANT and field.name in facts.times:
            form = facts.times[field.name]
            walls.append(f"{wall_time(f't{i}', form)} AS w_{field.name}")
            values.append(f"{instant(f't{i}', f'w_{field.name}', form, facts.local[field.name])} AS v{i}")
            reasons.append(f"WHEN {given} AND v{i} IS NULL THEN 'not_a_time:{field.name}'")
        elif field.form in (MONEY, NUMBER):
            comma = field.name in facts.comma_numbers
            number = cells.number(f"t{i}", scale=6, decimal_comma=comma)
            values.append(f"CASE WHEN abs({number}) < 1e11 THEN {cells.minor(number, exponent)} END AS v{i}")
            reasons.append(f"WHEN {given} AND v{i} IS NULL THEN 'not_a_number:{field.name}'")
        elif field.form == CODE and field.name in facts.float_codes:
            values.append(f"regexp_replace(t{i}, '\\.0$', '') AS v{i}")
        else:
            values.append(f"t{i} AS v{i}")
    at = next(i for i, f in enumerate(fields) if f.name == key)
    header = text(mapping.headers[mapping.indexes[key]]) if key in mapping.indexes else "NULL"
    # A masked number names nobody, so it cannot be the key of a record; no more can a placeholder.
    nobody, placeholder = f"v{at} IS NULL", "false"
    if key == "customer_id":
        nobody, placeholder = f"{nobody} OR is_nobody(v{at}) OR is_masked(v{at})", f"is_placeholder(v{at})"
    raw_value = " ".join(
        f"WHEN {text(f.name)} THEN c{mapping.indexes[f.name]}" for f in fields if f.name in mapping.indexes
    )
    outputs = ", ".join(f"v{i} AS {column_name(f)}" for i, f in enumerate(fields))
    reason = scratch.try_run(f"""
CREATE OR REPLACE TEMP TABLE parsed_rows AS
WITH cells AS (SELECT file_row, fault, {first}, {everything} FROM {table}),
walls AS (SELECT *{"".join(", " + w for w in walls)} FROM cells),
typed AS (SELECT *, {", ".join(values)} FROM walls),
checked AS (
    SELECT *, CASE
        WHEN len(list_filter([{everything}], lambda x: x IS NOT NULL AND trim(x) <> '')) = 0 THEN 'blank'
        WHEN fault IS NOT NULL THEN fault
        WHEN regexp_full_match(lower(v{at}), {text(f"({cells.TOTALS})[ :]*")}) THEN 'total_row'
        WHEN v{at} = {header} THEN 'repeated_header'
        WHEN {nobody} THEN 'missing:{key}'
        WHEN {placeholder} THEN 'placeholder:{key}'
        WHEN has_lost_digits(v{at}) THEN 'lost_digits:{key}'
        WHEN length(v{at}) > 200 THEN 'too_long:{key}'
        {" ".join(reasons)} END AS rejected
    FROM typed)
SELECT file_row, rejected,
    CASE WHEN rejected IS NOT NULL THEN CASE split_part(rejected, ':', 2) {raw_value} END END AS value,
    CASE WHEN rejected IS NOT NULL THEN [{everything}] END AS original, {outputs}
FROM checked""")
    if reason is None:
        scratch.run("CREATE OR REPLACE TEMP VIEW parsed AS SELECT rowid AS row_order, * FROM parsed_rows")
    return reason
