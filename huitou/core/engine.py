"""The deployment's engine: where `HUITOU_ENGINE` says, with reasons that a person can act on where it cannot be had."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

from huitou.analytics.engines import Engine, EngineAddress, EngineError, open_engine
from huitou.core.errors import DomainError
from huitou.core.home import Home
from huitou.core.lake_mark import home_lake


class EngineUnavailableError(DomainError):
    """The engine that the settings name cannot be had."""

    code = "engine_unavailable"
    status = 503
    permanent = False


def open_home_engine(home: Home, *, versions: Mapping[str, int] | None = None) -> Engine:
    """The deployment's engine over one snapshot of its lake; the caller closes it (it is a context manager).

    `versions` pins tables. Raises EngineUnavailableError or OtherLakeError, which say what to do.
    """
    try:
        address = EngineAddress.parse(home.engine, home.spark_options)
        return open_engine(address, home_lake(home), scratch=home.root / "scratch", versions=versions)
    except EngineError as error:
        raise EngineUnavailableError(_reason(error), code=error.code) from error


def _reason(error: EngineError) -> str:
    """What is wrong, where, and how to mend it."""
    texts = {
        "unknown_engine": _(
            "HUITOU_ENGINE is %(address)s, which is no engine: set it to duckdb, spark://host:port, local[2] or "
            "local-cluster[2,1,1024]."
        ),
        "malformed_option": _(
            "HUITOU_SPARK_OPTIONS holds %(option)s: write name=value pairs separated by spaces, for example "
            "spark.executor.memory=4g."
        ),
        "lake_not_shared": _(
            "Spark can read the lake from a folder that every worker sees; HUITOU_LAKE_URL is %(lake)s. Set it to such "
            "a folder."
        ),
        "pyspark_missing": _(
            "HUITOU_ENGINE is %(address)s, but PySpark is not installed: run make spark, or set HUITOU_ENGINE=duckdb."
        ),
        "java_missing": _(
            "Spark needs Java 17 or 21 on this machine, and none was found (JAVA_HOME is “%(java_home)s”): install "
            "one, and set JAVA_HOME to its folder where java is not on the path."
        ),
        "java_failed": _(
            "Java did not start Spark (%(reason)s): Spark needs Java 17 or 21; JAVA_HOME says which one is used."
        ),
        "cluster_unreachable": _(
            "No Spark master answers at %(address)s: check the address in HUITOU_ENGINE, and that the master runs and "
            "its port is open to this machine."
        ),
        "cluster_refused": _(
            "The Spark master at %(address)s gave no session (%(reason)s): check that it runs Spark 4.0, as this "
            "machine does, and that its workers can reach this machine."
        ),
        "no_workers": _(
            "The Spark master at %(address)s has no free worker: start workers, end other applications, or ask for "
            "less with spark.executor.memory and spark.cores.max in HUITOU_SPARK_OPTIONS."
        ),
    }
    return texts[error.code] % error.values
