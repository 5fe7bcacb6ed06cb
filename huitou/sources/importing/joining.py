"""An order file and its line file as one table: every line with its order's columns behind its own."""

from __future__ import annotations

from dataclasses import replace

from huitou.analytics.engines import Scratch
from huitou.sources.importing.files import OpenedFile, reread_slowly


def join_lines(scratch: Scratch, heads: OpenedFile, lines: OpenedFile, line_key: int, head_key: int) -> OpenedFile:
    """Make `raw` from the tables `lines_file` and `heads`, joined by the order number at the given columns.

    Cells are the line's, the order's, and last a mark that an order was found. Orders without a line follow as faults.
    Where an order stands twice in the order file, the later row counts.
    """
    for table, opened in (("lines_file", lines), ("heads", heads)):
        # Both become real tables, so that a row's position gives its number.
        if scratch.try_run(f"CREATE OR REPLACE TABLE {table}_rows AS SELECT * FROM {table}") is not None:
            reread_slowly(scratch, table, opened)
            scratch.run(f"CREATE OR REPLACE TABLE {table}_rows AS SELECT * FROM {table}")
    width, head_width = len(lines.headers), len(heads.headers)
    line_cells = ", ".join(f"l.c{i} AS c{i}" for i in range(width))
    head_cells = ", ".join(f"h.c{i} AS c{width + i}" for i in range(head_width))
    empty = ", ".join(f"{'h.c' + str(head_key) if i == line_key else 'NULL'} AS c{i}" for i in range(width))
    scratch.run(f"""
CREATE OR REPLACE TABLE raw AS
WITH numbered AS (
    SELECT *, code(c{head_key}) AS key, coalesce(file_row, rowid + {heads.first_row}) AS number FROM heads_rows),
last AS (
    SELECT * FROM numbered WHERE key IS NOT NULL QUALIFY row_number() OVER (PARTITION BY key ORDER BY number DESC) = 1)
SELECT coalesce(l.file_row, l.rowid + {lines.first_row}) AS file_row, l.fault,
    {line_cells}, {head_cells}, CASE WHEN h.key IS NOT NULL THEN '1' END AS c{width + head_width}
FROM lines_file_rows AS l LEFT JOIN last AS h ON h.key = code(l.c{line_key})
UNION ALL
SELECT h.number, coalesce(h.fault, 'order_without_lines'), {empty}, {head_cells}, '1'
FROM numbered AS h
WHERE NOT EXISTS (SELECT 1 FROM lines_file_rows AS l WHERE code(l.c{line_key}) = h.key)
ORDER BY 1""")
    return replace(lines, format="joined", headers=(*lines.headers, *heads.headers))
