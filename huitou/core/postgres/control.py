"""The files through which clients and supervisor meet, in `HUITOU_HOME/postgres`.

`lease` is locked shared by every client and exclusively by a supervisor that is about to stop; `supervisor.lock`
is held for a supervisor's life; `server.json` says how far it is and where the server listens; `notes.jsonl`
holds what the next client should be told. Locks are `flock`: the kernel drops them however a process ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServerState:
    """How far a supervisor is. `stage` is starting, ready, stopping, stopped or failed."""

    stage: str
    supervisor: int = 0
    token: str = ""
    port: int | None = None
    sockets: str | None = None
    error: str = ""


def open_lock(path: Path) -> int:
    """A descriptor to lock, not inherited by programs we start."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int, *, shared: bool) -> bool:
    """Take the lock if nobody is in the way."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def is_supervised(control: Path) -> bool:
    """Whether a supervisor lives for this control folder; False if the folder is gone."""
    try:
        descriptor = open_lock(control / "supervisor.lock")
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


def write_state(control: Path, state: ServerState) -> None:
    fresh = control / f"server.json.{os.getpid()}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(state), file)
    fresh.rename(control / "server.json")


def read_state(control: Path) -> ServerState | None:
    """The last state written, None if there is none or a crash of the machine left it unreadable."""
    try:
        return ServerState(**json.loads((control / "server.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def add_note(control: Path, code: str) -> None:
    """Leave a note for the next client; `code` is a key of `lease.NOTES`."""
    with (control / "notes.jsonl").open("a") as file:
        file.write(json.dumps(code) + "\n")


def take_notes(control: Path) -> list[str]:
    """The notes left so far; only one client gets them."""
    taken = control / f"notes.{os.getpid()}"
    try:
        (control / "notes.jsonl").rename(taken)
    except FileNotFoundError:
        return []
    codes = []
    for line in taken.read_text().splitlines():
        with contextlib.suppress(ValueError):
            codes.append(str(json.loads(line)))
    taken.unlink()
    return codes
