"""Reading small real files in tests: a file in, its rows and problems out, without a database."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from huitou.sources.importing.examine import Counts, examine
from huitou.sources.importing.options import ImportOptions, options_from_pairs


@dataclass(frozen=True)
class Read:
    """What was understood of a file: accepted rows as dicts, with `row` as people count."""

    rows: list[dict[str, Any]]
    problems: dict[str, list[int]]
    warnings: dict[str, int]
    counts: Counts
    detected: dict[str, Any]
    columns: dict[str, str]

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]


def read(
    path: Path,
    *pairs: str,
    kind: str = "orders",
    zone: str = "Asia/Shanghai",
    exponent: int = 2,
    lines_path: Path | None = None,
    options: ImportOptions | None = None,
    constants: tuple[str, ...] = (),
    values: tuple[str, ...] = (),
    **texts: str,
) -> Read:
    """Read a file with `field=column` pairs; everything not said is detected."""
    given = options_from_pairs(columns=pairs, constants=constants, values=values, texts=texts)
    used = given.over(options) if options else given
    with (
        tempfile.TemporaryDirectory() as folder,
        examine(
            path,
            kind=kind,
            options=used,
            zone=ZoneInfo(zone),
            exponent=exponent,
            folder=Path(folder),
            lines_path=lines_path,
        ) as examined,
    ):
        sql = f"SELECT {examined.row_number} AS row, * EXCLUDE (original) FROM parsed ORDER BY row_order"
        rows = examined.scratch.batches(sql).read_all().to_pylist()
        return Read(
            rows=[row for row in rows if row["rejected"] is None],
            problems={p["reason"] + (f":{p['field']}" if p["field"] else ""): p["rows"] for p in examined.problems},
            warnings={w["code"]: w["count"] for w in examined.warnings},
            counts=examined.counts,
            detected=examined.detected(),
            columns=examined.mapping.columns,
        )


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """Write a small file and return its path."""
    path.write_bytes(text.encode(encoding))
    return path
