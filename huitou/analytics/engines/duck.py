"""DuckDB inside the process: the default engine."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend
from ibis.backends.sql.datatypes import DuckDBType

from huitou.analytics.adoption import sync
from huitou.analytics.engines.engine import Engine, SnapshotOldError, loose_schema
from huitou.analytics.engines.lake import Lake
from huitou.analytics.engines.scratch import open_scratch
from huitou.analytics.tables import TABLES

# Expressions whose SQL is remembered: those of a refresh and of the pages that are looked at.
_REMEMBERED = 256


class _Backend(Backend):  # type: ignore[misc]  # untyped
    """Ibis over DuckDB that writes the SQL of an expression once: on most tables that takes longer than to run it.

    Engines name the tables that they read alike, so the same question about the same snapshot is the same expression.
    """

    def compile(self, expr: ibis.Expr, /, *, params: Any = None, limit: int | None = None, **options: Any) -> str:
        if params or options:
            return str(super().compile(expr, params=params, limit=limit, **options))
        return self._sql(expr.op(), limit)

    @lru_cache(maxsize=_REMEMBERED)  # noqa: B019 - what they keep alive of an engine is a closed connection
    def _sql(self, operation: ibis.expr.operations.Node, limit: int | None) -> str:
        return str(super().compile(operation.to_expr(), limit=limit))


class DuckEngine(Engine):
    """Ibis over DuckDB, which reads the snapshot's Parquet files and spills below `scratch`."""

    def __init__(
        self,
        lake: Lake,
        *,
        scratch: Path,
        versions: Mapping[str, int] | None = None,
        memory_limit_mb: int = 4096,
    ) -> None:
        super().__init__(lake, versions=versions)
        self._scratch = scratch / f"engine-{os.getpid()}-{uuid.uuid4().hex}"
        self._connection = open_scratch(self._scratch, memory_limit_mb=memory_limit_mb)
        # Rows of a table have no order: keeping one would cost memory.
        self._connection.execute("SET preserve_insertion_order = false")
        self._backend = _Backend.from_connection(self._connection)
        self._made = 0

    def read(self, name: str, files: Sequence[str]) -> ibis.Table:
        spec, view = TABLES[name], self._next_name(name)
        if not files:
            return self._backend.create_table(view, schema=loose_schema(name), temp=True)
        columns = ", ".join(f'"{c.name}"' for c in spec.columns)
        hive = ", ".join(f"{p}: VARCHAR" for p in spec.partition)
        options = f", hive_partitioning=true, hive_types={{{hive}}}" if spec.partition else ""
        listed = ", ".join(_quoted(f) for f in files)
        try:
            self._connection.execute(
                f"CREATE TEMP VIEW {view} AS SELECT {columns} FROM read_parquet([{listed}]{options})"
            )
        except duckdb.BinderException as error:
            # What names no column is nothing of an earlier version's.
            if "not found in FROM clause" not in str(error):
                raise
            raise SnapshotOldError(name) from error
        return self._backend.table(view)

    def provide(self, name: str, rows: pa.Table) -> ibis.Table:
        view = self._next_name(name)
        pq.write_table(rows.cast(TABLES[name].schema), self._file(view))
        self._tables[name] = self._view(view)
        return self._tables[name]

    def keep(self, name: str, expression: ibis.Table) -> ibis.Table:
        view = self._next_name(name)
        self._copy(expression, self._file(view), "FORMAT parquet, COMPRESSION lz4_raw")
        return self._view(view)

    def _next_name(self, name: str) -> str:
        self._made += 1
        return f"{name}_{self._made:03d}"

    def _file(self, view: str) -> Path:
        return self._scratch / f"{view}.parquet"

    def _view(self, view: str) -> ibis.Table:
        path = _quoted(str(self._file(view)))
        self._connection.execute(f"CREATE TEMP VIEW {view} AS SELECT * FROM read_parquet({path})")
        return self._backend.table(view)

    def _write_files(self, rows: ibis.Table, folder: Path, partition: Sequence[str]) -> dict[Path, int]:
        name, packed = f"part-{uuid.uuid4().hex}", "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
        if not partition:
            path = folder / f"{name}.parquet"
            return {path: self._copy(rows, path, packed)}
        by = f"PARTITION_BY ({', '.join(partition)}), FILENAME_PATTERN '{name}-{{i}}', OVERWRITE_OR_IGNORE"
        self._copy(rows, folder, f"{packed}, {by}")
        files = sorted(folder.rglob(f"{name}-*.parquet"))
        # Later refreshes keep files of partitions that they do not touch: they must be there after a power cut.
        for path in [*files, *{path.parent for path in files}, folder]:
            sync(path)
        return {path: pq.read_metadata(path).num_rows for path in files}

    def _copy(self, expression: ibis.Table, path: Path, options: str) -> int:
        done = self._connection.execute(
            f"COPY ({self._typed_query(expression)}) TO {_quoted(str(path))} ({options})"
        ).fetchone()
        assert done is not None, "COPY answers with the number of rows"
        return int(done[0])

    def _typed_query(self, expression: ibis.Table) -> str:
        """SQL whose columns have the expression's types: DuckDB sums into wider integers than Ibis declares."""
        types = {name: DuckDBType.to_string(dtype) for name, dtype in expression.schema().items()}
        columns = ", ".join(f'CAST("{name}" AS {type_}) AS "{name}"' for name, type_ in types.items())
        return f"SELECT {columns} FROM ({self._backend.compile(expression)})"

    def to_pyarrow(self, expression: ibis.Table) -> pa.Table:
        return self._backend.to_pyarrow(expression)

    def to_reader(self, expression: ibis.Table) -> pa.RecordBatchReader:
        return self._connection.execute(self._typed_query(expression)).to_arrow_reader(65_536)

    def close(self) -> None:
        self._connection.close()
        shutil.rmtree(self._scratch, ignore_errors=True)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
