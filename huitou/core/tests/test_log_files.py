"""Log files: worth having, without secrets, and one line where the database is away."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import psycopg
import pytest
from django.db import OperationalError

from huitou.core.home import Home
from huitou.core.log_files import OneLineOfTrouble, log_to_file


@pytest.fixture(autouse=True)
def _own_handlers() -> Iterator[None]:
    """What a test attaches goes with it."""
    root, ours = logging.getLogger(), logging.getLogger("huitou")
    before, level = list(root.handlers), ours.level
    yield
    for handler in set(root.handlers) - set(before):
        handler.close()
        root.removeHandler(handler)
    ours.setLevel(level)


def lost() -> Exception:
    """The error as Django raises it: its own around that of the driver."""
    try:
        try:
            raise psycopg.OperationalError("server closed the connection unexpectedly\n\tThis probably means\n...")
        except psycopg.OperationalError as error:
            raise OperationalError(*error.args) from error
    except OperationalError as error:
        return error


def written(home: Home) -> list[str]:
    return (home.logs / "worker.log").read_text(encoding="utf-8").splitlines()


def test_what_was_done_is_in_the_file(home: Home) -> None:
    log_to_file(home, "worker")
    log_to_file(home, "worker")
    logging.getLogger("huitou.sources.services").info("import 7 is done: 3 rows, key=%s", "hw_abcdefghijkl")
    logging.getLogger("urllib3").info("not ours")
    (line,) = written(home)
    assert "INFO huitou.sources.services import 7 is done: 3 rows" in line
    assert "hw_abcdefghijkl" not in line


def test_a_lost_database_is_one_line(home: Home) -> None:
    """However deep the error lies and however often it is told by the same part."""
    log_to_file(home, "worker")
    for _again in range(5):
        logging.getLogger("procrastinate.worker").error("job failed", exc_info=lost())
    wrapped = RuntimeError("the job broke")
    wrapped.__cause__ = lost()
    logging.getLogger("django.request").error("Internal Server Error: /", exc_info=wrapped)
    lines = written(home)
    assert len(lines) == 2
    assert all("the database does not answer: server closed the connection unexpectedly" in line for line in lines)


def test_faults_of_our_own_keep_their_traceback(home: Home) -> None:
    log_to_file(home, "worker")
    try:
        raise ValueError("a fault of ours")
    except ValueError:
        logging.getLogger("huitou").exception("broken")
    assert any("Traceback" in line for line in written(home))
    assert any("ValueError: a fault of ours" in line for line in written(home))


def test_the_same_trouble_is_told_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    sieve = OneLineOfTrouble()
    now = [1000.0]
    monkeypatch.setattr("huitou.core.log_files.time.monotonic", lambda: now[0])

    def passes() -> bool:
        error = lost()
        record = logging.LogRecord("x", logging.ERROR, "", 1, "m", (), (type(error), error, None))
        return bool(sieve.filter(record))

    assert [passes(), passes()] == [True, False]
    now[0] += 31
    assert passes()
