"""Log files in the data directory: what each long-lived process did, and one line where the database is away."""

from __future__ import annotations

import logging
import re
import time
from logging.handlers import RotatingFileHandler

from huitou.core.home import Home
from huitou.core.redaction import RedactingFormatter

_MOST_BYTES = 5 << 20
_KEPT_FILES = 3
# How long the same trouble is told once only.
_QUIET_SECONDS = 30.0
_LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"
# Names of the exceptions by which the layers report that the database does not answer.
_LOST = ("OperationalError", "InterfaceError", "ConnectorException", "PoolTimeout", "AdminShutdown")


def log_to_file(home: Home, process: str) -> None:
    """Write what this process logs, from INFO on, to `logs/<process>.log` as well; old files are kept up to 20 MB."""
    folder = home.logs
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{process}.log"
    root = logging.getLogger()
    if any(getattr(handler, "baseFilename", "") == str(path) for handler in root.handlers):
        return
    handler = RotatingFileHandler(path, maxBytes=_MOST_BYTES, backupCount=_KEPT_FILES, encoding="utf-8", delay=True)
    handler.setFormatter(RedactingFormatter(_LINE))
    handler.setLevel(logging.INFO)
    handler.addFilter(OneLineOfTrouble())
    root.addHandler(handler)
    logging.getLogger("huitou").setLevel(logging.INFO)


class OneLineOfTrouble(logging.Filter):
    """Makes one line of a lost database, whatever layer tells it and however often: no traceback, and repeated only
    after a while. Anything else passes as it is.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        # Another handler's filter may have shortened the record before us.
        key: str | None = getattr(record, "trouble", None) or _shorten(record)
        if key is None:
            return True
        now = time.monotonic()
        if now - self._told.get(key, -_QUIET_SECONDS) < _QUIET_SECONDS:
            return False
        self._told[key] = now
        return True


def _shorten(record: logging.LogRecord) -> str | None:
    """Make one line of a record about a lost database, and return what it is told once by; None for any other."""
    trouble = _find_trouble(record.exc_info[1] if record.exc_info else None)
    if trouble is None:
        return None
    reason = re.sub(r"\s+", " ", str(trouble)).strip()[:200] or type(trouble).__name__
    record.msg, record.args = "the database does not answer: %s", (reason,)
    record.exc_info, record.exc_text = None, None
    record.levelno, record.levelname = logging.WARNING, "WARNING"
    key = f"{record.name} {type(trouble).__name__}"
    record.__dict__["trouble"] = key
    return key


def _find_trouble(error: BaseException | None) -> BaseException | None:
    """The exception in the chain that says that the connection to the database is gone."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if any(kind.__name__ in _LOST for kind in type(error).__mro__):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None
