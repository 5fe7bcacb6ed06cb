"""Creating the database files, and the command line of the server."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from huitou.core.postgres.death import die_with_parent
from huitou.core.postgres.place import Place

USER = "huitou"
DATABASE = "huitou"

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A killed client's query is given up soon, so that its locks do not outlive it.
    "client_connection_check_interval": "2s",
    # Statements and details carry customers' data; the log is for the server's own troubles.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


def environment() -> dict[str, str]:
    """What the server sees of our environment: none of our secrets, no locale of the caller."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def read_password(control: Path) -> str:
    """The database role's password, made once, readable by its owner only."""
    path = control / "password"
    if not path.exists():
        fresh = control / f"password.{secrets.token_hex(4)}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    return path.read_text()


def clear_interrupted(place: Place) -> bool:
    """Remove what a killed first start left behind; True if there was something."""
    left = list(place.store.glob("init-*"))
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return bool(left)


def create(place: Place, log: int) -> None:
    """Create the database files beside their final place and move them there whole.

    `log` is the descriptor of the server's log file. Raises CalledProcessError if PostgreSQL refuses.
    """
    scratch = place.make_folder(place.store / f"init-{secrets.token_hex(4)}")
    data = place.make_folder(scratch / "data")
    password = scratch / "password"
    password.touch(mode=0o600)
    if place.account:
        os.chown(password, place.account.uid, place.account.gid)
    password.write_text(read_password(place.control))
    initdb = [str(place.binaries / "bin" / "initdb"), "-D", str(data), "-U", USER, f"--pwfile={password}"]
    _run(place, [*initdb, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"], log)
    single = [str(place.binaries / "bin" / "postgres"), "--single", "-D", str(data), "template1"]
    _run(place, single, log, statement=f"CREATE DATABASE {DATABASE};\n")
    data.rename(place.data)
    descriptor = os.open(place.store, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    shutil.rmtree(scratch, ignore_errors=True)


def _run(place: Place, command: list[str], log: int, statement: str = "") -> None:
    subprocess.run(
        command,
        input=statement.encode(),
        stdout=log,
        stderr=log,
        cwd="/",
        env=environment(),
        check=True,
        preexec_fn=die_with_parent(signal.SIGKILL),
        **place.account_options(),
    )


def server_command(place: Place, port: int, extra: str) -> list[str]:
    """The server's command line; `extra` holds further settings as `name=value`, separated by spaces."""
    settings = {**SETTINGS, "port": str(port), "unix_socket_directories": str(place.sockets or "")}
    for pair in extra.split():
        name, _, value = pair.partition("=")
        settings[name] = value
    command = [str(place.binaries / "bin" / "postgres"), "-D", str(place.data)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    return command


def choose_port(wanted: int | None) -> int:
    """`wanted` if it is free, so that addresses outlive a restart; else any free port of 127.0.0.1."""
    for port in (wanted, 0):
        if port is None:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise RuntimeError("no free port on 127.0.0.1")
