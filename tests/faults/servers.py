"""What the fault tests look at: the processes of one data directory, and what was acknowledged."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from huitou.core.home import Home
from huitou.core.postgres import acquire

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def passable_folder() -> Iterator[Path]:
    """A temporary folder that root's database account may pass through; pytest keeps closing its own."""
    with tempfile.TemporaryDirectory(prefix="huitou-faults-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def processes(home: Home) -> dict[int, str]:
    """Living processes that belong to this data directory: by command line, or because they work inside it."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            inside = (entry / "cwd").readlink().is_relative_to(home.root)
        except OSError:
            continue
        # A process that has ended but was not waited for has neither.
        if command and (inside or str(home.root) in command) and int(entry.name) != os.getpid():
            found[int(entry.name)] = command
    return found


def eventually(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether the condition becomes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def supervisor_of(home: Home) -> int:
    return int(json.loads((home.postgres / "server.json").read_text())["supervisor"])


def postmaster_of(home: Home) -> int:
    location = home.postgres / "location"
    store = Path(location.read_text().strip()) if location.exists() else home.postgres
    return int((store / "data" / "postmaster.pid").read_text().split()[0])


def kill(pid: int, sent: signal.Signals = signal.SIGKILL) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sent)


@dataclass
class Writer:
    """One running `writer.py`."""

    home: Home
    name: str
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        self.output = self.home.root / f"acknowledged-{self.name}"
        with self.output.open("a") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.writer", str(self.home.root), self.name],
                cwd=ROOT,
                stdout=out,
                text=True,
                # Whoever runs tests in the background may have had interrupts ignored, which children inherit for good.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def acknowledged(self) -> int:
        """The last number whose line is complete."""
        lines = self.output.read_text().split("\n")[:-1]
        return int(lines[-1]) if lines else 0

    def is_writing(self) -> bool:
        """Whether a further row is acknowledged within the time allowed."""
        before = self.acknowledged()
        return eventually(lambda: self.acknowledged() > before, seconds=30)

    def end(self, sent: signal.Signals = signal.SIGKILL) -> int:
        self.process.send_signal(sent)
        return self.process.wait(timeout=20)


@contextlib.contextmanager
def writing(home: Home, name: str = "a") -> Iterator[Writer]:
    """A writer that has written something; killed at the end if it still lives."""
    home.root.mkdir(parents=True, exist_ok=True)
    writer = Writer(home, name)
    try:
        assert eventually(lambda: writer.acknowledged() > 0, seconds=60), "the writer never wrote"
        yield writer
    finally:
        writer.end()


def check_store(home: Home, *writers: str) -> list[str]:
    """Start the server as the next command would: every acknowledged row is there. Returns what start-up said."""
    with acquire(home) as lease, psycopg.connect(lease.url) as connection:
        for writer in writers:
            lines = (home.root / f"acknowledged-{writer}").read_text().split("\n")[:-1]
            acknowledged = max((int(line) for line in lines), default=0)
            found = connection.execute(
                "SELECT count(*) FROM written WHERE writer = %s AND number <= %s", [writer, acknowledged]
            ).fetchone()
            assert found == (acknowledged,), f"{acknowledged} rows of {writer} were acknowledged"
        connection.execute("CREATE TEMP TABLE usable (id int)")
        return lease.notes
