"""A client's share in the embedded server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from huitou.core.errors import DomainError, fill_later
from huitou.core.home import Home
from huitou.core.postgres import control
from huitou.core.postgres.cluster import DATABASE, USER, read_password

NOTES: dict[str, Promise] = {
    "supervisor_killed": _(
        "The embedded PostgreSQL was not shut down properly last time. It has recovered by itself; "
        "everything that had been saved is there."
    ),
    "server_killed": _(
        "The embedded PostgreSQL was killed while it ran. It has been started again and has recovered; "
        "everything that had been saved is there."
    ),
    "creation_interrupted": _("Creating the database was interrupted last time. It has been created anew."),
}
_PAUSE_SECONDS = 0.02


class EmbeddedPostgresError(DomainError):
    """The embedded server cannot be had."""

    code = "embedded_postgres"
    status = 503
    permanent = False


class Lease:
    """A share in the running server. While one process holds one, the server stays; the kernel returns it for us
    when the process dies.
    """

    def __init__(self, home: Home, descriptor: int) -> None:
        self.home = home
        self._descriptor: int | None = descriptor
        self._owner = os.getpid()
        self._notes: list[Promise] = []
        self.url = ""

    @property
    def notes(self) -> list[str]:
        """What was recovered, as sentences in the current language (Django's settings must be there)."""
        return [str(note) for note in self._notes]

    def is_served(self) -> bool:
        """Whether a supervisor lives, and its server is where we know it: another client may have renewed first."""
        state = control.read_state(self.home.postgres)
        moved = state is not None and state.stage == "ready" and _url(self.home, state) != self.url
        return not moved and control.is_supervised(self.home.postgres)

    def renew(self) -> bool:
        """Have a server again after its supervisor died. Returns whether its address has changed."""
        before = self.url
        _have_server(self)
        return self.url != before

    def release(self) -> None:
        """Give the share back; the last one out stops the server. Doing it twice does no harm."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None and self._owner == os.getpid():
            os.close(descriptor)

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.release()


def acquire(home: Home, *, seconds: float = 120) -> Lease:
    """A share in the embedded server of `home`, starting it, and creating its files, where needed.

    Raises EmbeddedPostgresError when it cannot be started, or is not ready after `seconds`.
    """
    folder = home.postgres
    try:
        home.root.mkdir(mode=0o711, parents=True, exist_ok=True)
        folder.mkdir(exist_ok=True)
        # Root's server runs under another account, which passes through here and sees nothing.
        folder.chmod(0o711)
        lease = Lease(home, _lock_lease(folder, time.monotonic() + seconds))
    except OSError as error:
        raise EmbeddedPostgresError(
            fill_later(
                _(
                    "The data directory %(path)s cannot be used: %(reason)s. "
                    "Set HUITOU_HOME to a folder you can write to."
                ),
                {"path": str(home.root), "reason": error.strerror or str(error)},
            )
        ) from error
    try:
        _have_server(lease, seconds=seconds)
    except BaseException:
        lease.release()
        raise
    return lease


def _lock_lease(folder: Path, deadline: float) -> int:
    """Lock the lease, waiting while a supervisor that found nobody is shutting down."""
    while True:
        descriptor = control.open_lock(folder / "lease")
        try:
            while not control.try_lock(descriptor, shared=True):
                if time.monotonic() > deadline:
                    raise TimeoutError(0, "the previous server does not stop")
                time.sleep(_PAUSE_SECONDS)
            if os.path.samestat((folder / "lease").stat(), os.fstat(descriptor)):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _have_server(lease: Lease, *, seconds: float = 120) -> None:
    """Wait for a server that answers, starting a supervisor whenever there is none."""
    home = lease.home
    deadline = time.monotonic() + seconds
    tokens: list[str] = []
    started_at = 0.0
    while True:
        state = control.read_state(home.postgres)
        if state is not None and state.stage == "failed" and state.token in tokens:
            raise _not_started(home, state.error)
        if state is not None and state.stage == "ready":
            url = _url(home, state)
            # In this order: a dying supervisor loses its lock before its server hears of it.
            if _answers(url) and control.is_supervised(home.postgres):
                lease.url = url
                lease._notes += [NOTES[code] for code in control.take_notes(home.postgres) if code in NOTES]
                return
        now = time.monotonic()
        if now > deadline:
            raise _not_started(home, "it was not ready in time")
        if now - started_at > 1 and not control.is_supervised(home.postgres):
            tokens.append(f"{os.getpid()}-{time.monotonic_ns()}")
            started_at = now
            _start_supervisor(home, tokens[-1])
        time.sleep(_PAUSE_SECONDS)


def _start_supervisor(home: Home, token: str) -> None:
    # It detaches itself: what we wait for is only its first half.
    started = subprocess.run(
        [sys.executable, "-m", "huitou.core.postgres.supervisor", str(home.root), token],
        cwd=Path(__file__).resolve().parents[3],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        check=False,
    )
    if started.returncode:
        lines = started.stderr.decode(errors="replace").strip().splitlines()
        raise _not_started(home, lines[-1] if lines else f"status {started.returncode}")


def _url(home: Home, state: control.ServerState) -> str:
    host = state.sockets or "127.0.0.1"
    password = read_password(home.postgres)
    return f"postgresql://{USER}:{password}@/{DATABASE}?host={quote(host, safe='')}&port={state.port}"


def _answers(url: str) -> bool:
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def _not_started(home: Home, reason: str) -> EmbeddedPostgresError:
    return EmbeddedPostgresError(
        fill_later(
            _(
                "The embedded PostgreSQL did not start: %(reason)s. Its log is %(log)s. "
                "Another PostgreSQL can be used by setting HUITOU_DATABASE_URL."
            ),
            {"reason": reason, "log": str(home.logs / "postgres.log")},
        )
    )
