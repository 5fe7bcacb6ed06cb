"""What Ibis says to Spark, and the few words that it lacks."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.datatypes as dt
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from ibis.config import Config


class SparkWords(PySparkCompiler):  # type: ignore[misc]  # ibis is untyped
    """Ibis's compiler for Spark, with instants to the microsecond."""

    def visit_ExtractMicrosecond(self, op: Any, *, arg: Any) -> Any:  # noqa: N802  (ibis names it)
        return self.cast(self.f.unix_micros(self.cast(arg, dt.timestamp)) % 1_000_000, op.dtype)

    def visit_BitOr(self, op: Any, *, arg: Any, where: Any) -> Any:  # noqa: N802  (ibis names it)
        return self.agg.bit_or(arg, where=where)

    def visit_ScalarUDF(self, op: Any, **parts: Any) -> Any:  # noqa: N802  (ibis names it)
        """Properties of JSON objects are written in DuckDB's words: json_extract_string(text, '$."name"')."""
        if op.__func_name__ != "json_extract_string":
            return super().visit_ScalarUDF(op, **parts)
        text, path = parts.values()
        return self.f.anon.get_json_object(text, "$['" + path.this[3:-1] + "']")


class _Options(Config):  # type: ignore[misc]  # ibis is untyped
    """What Ibis registers only where PySpark is installed; its compiler asks for it."""

    treat_nan_as_null: bool = False


SPARK_WORDS = SparkWords()


def spark_sql(expression: ibis.Table) -> str:
    """The expression in Spark's SQL, one thing a line; no PySpark is needed."""
    if ibis.options.pyspark is None:
        ibis.options.pyspark = _Options()
    return str(SPARK_WORDS.to_sqlglot(expression.unbind()).sql(dialect=SPARK_WORDS.dialect, pretty=True))
