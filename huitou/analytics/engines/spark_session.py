"""The process's one connection to Spark: made at first use, and every way it can fail told apart."""

from __future__ import annotations

import atexit
import shutil
import socket
import threading
import time
from importlib.util import find_spec
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huitou.analytics.engines.address import EngineAddress, EngineError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOGGING = (Path(__file__).parent / "log4j2.properties").as_uri()
# Instants as Parquet and Delta have them, and no calendar but the one of today.
_SETTINGS = {
    "spark.app.name": "huitou",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={_LOGGING}",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
_CONNECT_SECONDS = 5
_WORKERS_SECONDS = 60

_lock = threading.Lock()
_running: tuple[EngineAddress, SparkSession] | None = None


def new_session(address: EngineAddress) -> SparkSession:
    """A session with views of its own; the first one of a process connects, which takes seconds.

    Raises
    ------
    EngineError
        `pyspark_missing`, `java_missing`, `java_failed`, `cluster_unreachable`, `cluster_refused` or `no_workers`.
    """
    global _running
    with _lock:
        if _running is not None and (_running[0] != address or _running[1]._jsc is None or _stopped(_running[1])):
            _stop()
        if _running is None:
            check_parts(address)
            _running = address, _connect(address)
            atexit.register(stop_spark)
        return _running[1].newSession()


def stop_spark() -> None:
    """End the process's connection to Spark; nothing to do where there is none."""
    with _lock:
        _stop()


def _stop() -> None:
    global _running
    if _running is not None:
        session, _running = _running[1], None
        session.stop()


def _stopped(session: SparkSession) -> bool:
    return bool(session.sparkContext._jsc.sc().isStopped())


def check_parts(address: EngineAddress) -> None:
    """Look whether a connection has what it needs, without making one. Raises EngineError."""
    if find_spec("pyspark") is None:
        raise EngineError("pyspark_missing", address=address.master)
    home = environ.get("JAVA_HOME")
    if not (home and (Path(home) / "bin" / "java").exists()) and (home or shutil.which("java") is None):
        raise EngineError("java_missing", java_home=home or "")
    if address.hosts and not any(_answers(host, port) for host, port in address.hosts):
        raise EngineError("cluster_unreachable", address=address.master)


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def _connect(address: EngineAddress) -> SparkSession:
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    builder: Any = SparkSession.builder.master(address.master)
    for name, value in {**_SETTINGS, **address.settings()}.items():
        builder = builder.config(name, value)
    try:
        session: SparkSession = builder.getOrCreate()
    except PySparkException as error:
        raise EngineError("java_failed", reason=_first_line(error)) from error
    except Exception as error:  # what the virtual machine throws has no class of its own here
        raise EngineError("cluster_refused", address=address.master, reason=_first_line(error)) from error
    session.sparkContext.setLogLevel("ERROR")
    if not address.master.startswith("local[") and address.master != "local":
        _await_worker(session, address)
    return session


def _await_worker(session: SparkSession, address: EngineAddress) -> None:
    """Without a free worker Spark would wait for one for ever, and say so only in a log."""
    deadline = time.monotonic() + _WORKERS_SECONDS
    while session.sparkContext._jsc.sc().getExecutorMemoryStatus().size() < 2:  # the driver is one of them
        if time.monotonic() > deadline:
            session.stop()
            raise EngineError("no_workers", address=address.master)
        time.sleep(0.2)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
