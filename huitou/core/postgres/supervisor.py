"""The process that owns the embedded server: starts it, restarts it, and stops it when the last client has gone.

Run as `python -m huitou.core.postgres.supervisor HOME TOKEN`; `lease.acquire` does. It detaches itself, so that
neither the end of the command that happened to start it nor Ctrl-C in its terminal reaches the server. Whatever
kills it, the server gets the signal for a fast, clean shutdown from the kernel.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from huitou.core.home import Home
from huitou.core.postgres import cluster, control
from huitou.core.postgres.control import ServerState
from huitou.core.postgres.death import die_with_parent, watch_from_outside
from huitou.core.postgres.place import Place, find_place

POLL_SECONDS = 0.1
# A script of several commands should not pay for a restart between them.
LINGER_SECONDS = 1.0
# With pauses that double, half a minute: children of a killed server may hold its shared memory that long.
START_ATTEMPTS = 8
_LOG_BYTES = 10_000_000


class Supervisor:
    """One server from start to stop. Everything happens in the main thread: its end must mean our end."""

    def __init__(self, home: Home, token: str, lease: int, log: int) -> None:
        self.folder = home.postgres
        self.token = token
        self.lease = lease
        self.log = log
        self.stop_wanted = False
        self.server: subprocess.Popen[bytes] | None = None
        self.watcher: subprocess.Popen[bytes] | None = None
        self.place: Place | None = None
        self.port: int | None = None

    def ask_to_stop(self, _signum: int, _frame: FrameType | None) -> None:
        self.stop_wanted = True

    def report(self, stage: str, error: str = "") -> None:
        sockets = self.place.sockets if self.place else None
        control.write_state(
            self.folder,
            ServerState(stage, os.getpid(), self.token, self.port, str(sockets) if sockets else None, error),
        )

    def run(self) -> None:
        """Serve until nobody needs it. Raises RuntimeError, OSError or CalledProcessError if it cannot start."""
        before = control.read_state(self.folder)
        if before is not None:
            self.port = before.port
            if before.stage in {"starting", "ready", "stopping"}:
                control.add_note(self.folder, "supervisor_killed")
        self.report("starting")
        self.place = find_place(Home(self.folder.parent))
        if cluster.clear_interrupted(self.place):
            control.add_note(self.folder, "creation_interrupted")
        if not self.place.data.exists():
            cluster.create(self.place, self.log)
        self.start_server()
        self.report("ready")
        try:
            while not self.is_over():
                time.sleep(POLL_SECONDS)
                if self.server is not None and self.server.poll() is not None:
                    control.add_note(self.folder, "server_killed")
                    self.report("starting")
                    self.start_server()
                    self.report("ready")
        finally:
            self.report_if_home_exists("stopping")
            self.stop_server()
        self.report_if_home_exists("stopped")

    def is_over(self) -> bool:
        """Whether to stop: asked to, the data directory is gone, or no client has held a lease for a while.

        When it returns True for want of clients, the lease stays locked: a newcomer waits until we are gone.
        """
        if self.stop_wanted or not self.owns_folder():
            return True
        until = time.monotonic() + LINGER_SECONDS
        while control.try_lock(self.lease, shared=False):
            if time.monotonic() >= until:
                return True
            control.unlock(self.lease)
            time.sleep(POLL_SECONDS)
            if self.stop_wanted:
                return True
        return False

    def owns_folder(self) -> bool:
        """False once the data directory was deleted, or deleted and made anew by somebody else."""
        try:
            return os.path.samestat((self.folder / "lease").stat(), os.fstat(self.lease))
        except FileNotFoundError:
            return False

    def report_if_home_exists(self, stage: str) -> None:
        if self.owns_folder():
            self.report(stage)

    def start_server(self) -> None:
        """Start the server and wait until it takes connections, however long its recovery takes."""
        assert self.place is not None
        for attempt in range(START_ATTEMPTS):
            end_leftovers(self.place.data.resolve())
            self.port = cluster.choose_port(self.port)
            if self.place.sockets:
                shutil.rmtree(self.place.sockets, ignore_errors=True)
                self.place.make_folder(self.place.sockets)
            command = cluster.server_command(self.place, self.port, os.environ.get("HUITOU_POSTGRES_OPTIONS", ""))
            self.server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self.log,
                stderr=self.log,
                cwd="/",
                env=cluster.environment(),
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGINT),
                **self.place.account_options(),
            )
            self.watcher = watch_from_outside(self.server.pid, signal.SIGINT)
            while self.server.poll() is None:
                if is_ready(self.place.data, self.server.pid) or self.stop_wanted:
                    return
                time.sleep(0.01)
            # Another program took the port in between, or a killed server's children are still on their way out.
            self.port = None if attempt else self.port
            time.sleep(0.1 * 2**attempt)
        raise RuntimeError(f"PostgreSQL ended with status {self.server.returncode if self.server else 'none'}")

    def stop_server(self) -> None:
        """Stop cleanly; insist only when the server does not react."""
        if self.server is None:
            return
        for sent, seconds in ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
            if self.server.poll() is not None:
                break
            self.server.send_signal(sent)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.server.wait(timeout=seconds)
        if self.watcher is not None:
            self.watcher.kill()
            self.watcher.wait()


def is_ready(data: Path, pid: int) -> bool:
    """Whether the server with this process id takes connections, by the status line of its pid file."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def end_leftovers(data: Path) -> None:
    """End what is left of a server whose supervisor died: let a stopping one finish, put an end to its children.

    Only the holder of the supervisor's lock may call it. Without /proc, PostgreSQL's own interlock has to do.
    """
    deadline = time.monotonic() + 60
    while left := processes_of(data):
        late = time.monotonic() > deadline
        try:
            head = int((data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            head = 0
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                if pid == head:
                    os.kill(pid, signal.SIGKILL if late else signal.SIGINT)
                elif head not in left:
                    os.kill(pid, signal.SIGKILL if late else signal.SIGQUIT)
        time.sleep(0.05)


def processes_of(data: Path) -> list[int]:
    """Living processes of the server on these files: a PostgreSQL process works in its data directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == data and "postgres" in (entry / "exe").readlink().name:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _open_log(home: Home) -> int:
    home.logs.mkdir(mode=0o700, exist_ok=True)
    path = home.logs / "postgres.log"
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        path.rename(path.with_suffix(".log.1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _take_supervision(folder: Path) -> bool:
    """Hold the supervisor's lock for the rest of our life; False if somebody else does.

    Clients that look whether it is held take it for an instant, so one refusal proves nothing.
    """
    descriptor = control.open_lock(folder / "supervisor.lock")
    for _ in range(50):
        if control.try_lock(descriptor, shared=False):
            return True
        time.sleep(0.01)
    return False


def main(arguments: list[str]) -> None:
    """Detach, then supervise; leave the reason in `server.json` if the server cannot be started."""
    home, token = Home(Path(arguments[0])), arguments[1]
    log = _open_log(home)
    if os.fork():
        os._exit(0)  # the client has waited for this one; the child belongs to nobody but the system
    os.setsid()
    os.chdir("/")
    os.umask(0o077)
    os.dup2(log, 1)
    os.dup2(log, 2)
    lease = control.open_lock(home.postgres / "lease")
    supervisor = Supervisor(home, token, lease, log)
    for sent in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sent, supervisor.ask_to_stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if not _take_supervision(home.postgres):
        return
    try:
        supervisor.run()
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        supervisor.report_if_home_exists("stopping")
        supervisor.stop_server()
        if supervisor.owns_folder():
            supervisor.report("failed", str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
