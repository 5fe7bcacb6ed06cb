"""Apache Spark: the same expressions where one machine is not enough.

Spark reads the Parquet files of the snapshot and writes Parquet that becomes files of the lake as it is. Nothing but
SQL runs on the cluster: workers need no Python, and no package is fetched. What a step leaves lies in `_scratch`
beside the tables, since driver and workers have nothing but the lake's folder in common.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import ibis.expr.operations as ops
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.sql.datatypes import PySparkType

from huitou.analytics.adoption import sync
from huitou.analytics.engines.address import EngineAddress, EngineError
from huitou.analytics.engines.engine import Engine, loose_schema
from huitou.analytics.engines.lake import Lake
from huitou.analytics.engines.spark_session import new_session
from huitou.analytics.engines.spark_words import SPARK_WORDS
from huitou.analytics.tables import TABLES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class SparkEngine(Engine):
    """Ibis over Spark: one context for the process, a session of its own for each engine.

    Raises EngineError where Java, PySpark or the cluster is missing, or the lake is not a folder that is shared.
    """

    def __init__(self, lake: Lake, address: EngineAddress, *, versions: Mapping[str, int] | None = None) -> None:
        super().__init__(lake, versions=versions)
        if "://" in lake.url:
            raise EngineError("lake_not_shared", lake=lake.url)
        self._session = new_session(address)
        self._backend = ibis.pyspark.connect(self._session)
        self._backend.compiler = SPARK_WORDS
        root = Path(lake.url).resolve() / "_scratch"
        sweep_spark_scratch(root)
        self._scratch = root / f"engine-{os.getpid()}-{socket.gethostname()}-{uuid.uuid4().hex}"
        self._scratch.mkdir(parents=True)
        self._made = 0

    def read(self, name: str, files: Sequence[str]) -> ibis.Table:
        schema = loose_schema(name)
        if not files:
            return self._view(name, self._session.createDataFrame([], _ddl(schema)), schema)
        # Partition columns come from folder names below this one, in the declared type.
        reader = self._session.read.schema(_ddl(schema)).option("basePath", _url(Path(self.lake.url) / name))
        return self._view(name, reader.parquet(*[_pattern(Path(file)) for file in files]), schema)

    def provide(self, name: str, rows: pa.Table) -> ibis.Table:
        path, schema = self._scratch / self._next_name(name), loose_schema(name)
        pq.write_table(rows.cast(TABLES[name].schema), path)
        found = self._session.read.schema(_ddl(schema)).parquet(_pattern(path))
        self._tables[name] = self._view(name, found, schema)
        return self._tables[name]

    def keep(self, name: str, expression: ibis.Table) -> ibis.Table:
        path, rows = self._scratch / self._next_name(name), self._rows(expression)
        rows.write.parquet(_url(path), compression="snappy")
        found = self._session.read.schema(rows.schema).parquet(_pattern(path))
        return self._view(name, found, expression.schema())

    def to_pyarrow(self, expression: ibis.Table) -> pa.Table:
        found: pa.Table = self._rows(expression).toArrow()
        return found.cast(expression.schema().to_pyarrow())

    def to_reader(self, expression: ibis.Table) -> pa.RecordBatchReader:
        schema = expression.schema().to_pyarrow()
        folder = self._scratch / self._next_name("rows")
        self._rows(expression).write.parquet(_url(folder), compression="snappy")

        def batches() -> Iterable[pa.RecordBatch]:
            # Files are numbered in the order of the result.
            for path in sorted(folder.glob("part-*.parquet")):
                with pq.ParquetFile(path) as file:
                    for batch in file.iter_batches(batch_size=65_536):
                        yield batch.cast(schema)
            shutil.rmtree(folder, ignore_errors=True)

        return pa.RecordBatchReader.from_batches(schema, batches())

    def close(self) -> None:
        for view in self._session.catalog.listTables():
            if view.isTemporary:
                self._session.catalog.dropTempView(view.name)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _write_files(self, rows: ibis.Table, folder: Path, partition: Sequence[str]) -> dict[Path, int]:
        staged, mark = self._scratch / self._next_name("files"), f"part-{uuid.uuid4().hex}"
        writer = self._rows(rows).write
        writer = writer.partitionBy(*partition) if partition else writer
        writer.parquet(_url(staged), compression="zstd")
        files = {}
        for number, source in enumerate(sorted(staged.rglob("part-*.parquet"))):
            target = folder / source.relative_to(staged).parent / f"{mark}-{number:05d}.parquet"
            target.parent.mkdir(exist_ok=True)
            source.rename(target)
            files[target] = int(pq.read_metadata(target).num_rows)
        for path in [*files, *{path.parent for path in files}, folder] if partition else ():
            sync(path)
        shutil.rmtree(staged, ignore_errors=True)
        return files

    def _rows(self, expression: ibis.Table) -> DataFrame:
        """The result as Spark has it, in the expression's own types; computed when it is asked for."""
        for table in expression.op().find(ops.InMemoryTable):
            rows = self._session.createDataFrame(table.data.to_pyarrow(table.schema), _ddl(table.schema))
            rows.createOrReplaceTempView(table.name)
        types = {name: PySparkType.to_string(dtype) for name, dtype in expression.schema().items()}
        columns = ", ".join(f"CAST(`{column}` AS {type_}) AS `{column}`" for column, type_ in types.items())
        return self._session.sql(f"SELECT {columns} FROM ({self._backend.compile(expression)})")

    def _next_name(self, name: str) -> str:
        self._made += 1
        return f"{name}_{self._made:03d}"

    def _view(self, name: str, rows: DataFrame, schema: ibis.Schema) -> ibis.Table:
        """A table of the given types: Spark's own lookup would forget that instants are in UTC."""
        view = self._next_name(name)
        rows.createOrReplaceTempView(view)
        columns = ibis.schema({column: dtype(nullable=True) for column, dtype in schema.items()})
        return ops.DatabaseTable(name=view, schema=columns, source=self._backend).to_expr()


def _ddl(schema: ibis.Schema) -> str:
    return ", ".join(f"`{column}` {PySparkType.to_string(dtype)}" for column, dtype in schema.items())


def _url(path: Path) -> str:
    """A local path as Spark takes it, whatever the cluster's own file system is."""
    return f"file://{path.resolve()}"


def _pattern(path: Path) -> str:
    """`_url` for reading, where Spark would take some characters for wildcards."""
    return re.sub(r"([{}\[\]*?\\])", r"\\\1", _url(path))


def sweep_spark_scratch(root: Path) -> None:
    """Remove what engines of killed processes of this machine left in the lake's folder."""
    for left in root.glob("engine-*-*"):
        _engine, process, host = left.name.rsplit("-", 1)[0].split("-", 2)
        if host != socket.gethostname():
            continue
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            shutil.rmtree(left, ignore_errors=True)
        except PermissionError:
            continue  # somebody else's process, alive
