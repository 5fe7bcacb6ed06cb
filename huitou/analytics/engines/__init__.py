"""What holds facts and computes over them: the only place that knows DuckDB, Delta Lake and Spark.

`lake` is the store, `engine` the contract that every engine keeps, `duck` and `spark` are the two that do, and
`scratch` is a database of one job's own for work on files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from huitou.analytics.adoption import LakeWriteError
from huitou.analytics.engines.address import EngineAddress, EngineError
from huitou.analytics.engines.duck import DuckEngine
from huitou.analytics.engines.engine import Engine, SnapshotGoneError, SnapshotOldError
from huitou.analytics.engines.lake import Lake
from huitou.analytics.engines.scratch import Scratch, open_scratch, sweep_scratch

__all__ = [
    "DuckEngine",
    "Engine",
    "EngineAddress",
    "EngineError",
    "Lake",
    "LakeWriteError",
    "Scratch",
    "SnapshotGoneError",
    "SnapshotOldError",
    "open_engine",
    "open_scratch",
    "sweep_scratch",
]


def open_engine(
    address: EngineAddress, lake: Lake, *, scratch: Path, versions: Mapping[str, int] | None = None
) -> Engine:
    """The engine at `address` over one snapshot of the lake; the caller closes it (it is a context manager).

    `versions` pins tables of the lake, others are read at their newest; `scratch` is this machine's folder for
    what an engine inside the process puts on disk. Raises EngineError where the engine cannot be had.
    """
    if address.is_spark:
        from huitou.analytics.engines.spark import SparkEngine

        return SparkEngine(lake, address, versions=versions)
    return DuckEngine(lake, scratch=scratch, versions=versions)
