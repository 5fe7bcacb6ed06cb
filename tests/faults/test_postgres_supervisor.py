"""Whatever is killed, and whenever: no process stays behind, no acknowledged row is lost, the next start works."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from huitou.core.home import Home
from huitou.core.postgres import EmbeddedPostgresError, acquire
from huitou.core.postgres.lease import NOTES
from huitou.core.postgres.place import copy_binaries, find_place
from tests.faults.servers import (
    ROOT,
    Writer,
    check_store,
    eventually,
    kill,
    passable_folder,
    postmaster_of,
    processes,
    supervisor_of,
    writing,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")


def is_quiet(home: Home) -> bool:
    """Whether no process of this data directory is left."""
    return eventually(lambda: not processes(home))


@pytest.fixture(scope="module")
def created() -> Iterator[Home]:
    """A data directory whose database exists. A test leaves it quiet."""
    with passable_folder() as folder:
        home = Home(folder / "home")
        acquire(home).release()
        assert is_quiet(home)
        yield home
        assert is_quiet(home), processes(home)


def test_two_commands_share_one_server_and_the_last_one_out_stops_it(created: Home) -> None:
    with writing(created, "first") as first, writing(created, "second") as second:
        server = postmaster_of(created)
        first.end(signal.SIGTERM)
        time.sleep(1.5)  # longer than a supervisor waits for another command
        assert postmaster_of(created) == server
        assert second.is_writing()
        second.end(signal.SIGINT)
    assert is_quiet(created), processes(created)
    assert check_store(created, "first", "second") == []


def test_a_killed_client_takes_its_share_with_it(created: Home) -> None:
    with writing(created) as writer:
        writer.end(signal.SIGKILL)
        assert is_quiet(created), processes(created)
    assert check_store(created, "a") == []


def test_a_killed_supervisor_leaves_no_server_and_the_client_gets_a_new_one(created: Home) -> None:
    with writing(created) as writer:
        before = postmaster_of(created)
        kill(supervisor_of(created))
        assert eventually(lambda: before not in processes(created)), "the server outlived its supervisor"
        assert writer.is_writing()
        assert postmaster_of(created) != before
    assert is_quiet(created), processes(created)
    check_store(created, "a")


def test_a_killed_supervisor_and_client_leave_nothing_and_the_next_start_says_so(created: Home) -> None:
    with writing(created) as writer:
        kill(supervisor_of(created))
        writer.end()
    assert is_quiet(created), processes(created)
    assert check_store(created, "a") == [str(NOTES["supervisor_killed"])]
    assert check_store(created, "a") == [], "it is said once"


def test_a_killed_server_is_started_again_under_its_clients(created: Home) -> None:
    with writing(created) as writer:
        supervisor, before = supervisor_of(created), postmaster_of(created)
        kill(before)
        assert writer.is_writing()
        assert supervisor_of(created) == supervisor
        assert postmaster_of(created) != before
    assert is_quiet(created), processes(created)
    check_store(created, "a")


def test_everything_killed_at_once_is_recovered(created: Home) -> None:
    with writing(created) as writer:
        for pid in [*processes(created), writer.process.pid]:
            kill(pid)
    assert is_quiet(created), processes(created)
    assert check_store(created, "a") == [str(NOTES["supervisor_killed"])]


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_supervisor_asked_to_end_stops_its_server_cleanly(created: Home, sent: signal.Signals) -> None:
    with acquire(created):
        kill(supervisor_of(created), sent)
        assert eventually(lambda: not processes(created)), processes(created)
    assert check_store(created) == []


@pytest.mark.parametrize("round_", range(4))
def test_kill_at_a_random_moment(created: Home, round_: int) -> None:
    kill_somebody(created, random.Random(f"{time.time_ns()}"))


def kill_somebody(home: Home, chance: random.Random) -> tuple[str, int]:
    """Start a writer, kill one of the three at some moment of start-up or work, and check the store.

    Returns who was killed, and how many rows have been acknowledged and found so far.
    """
    victim, delay = chance.choice(["client", "supervisor", "server"]), chance.uniform(0, 0.6)
    home.root.mkdir(parents=True, exist_ok=True)
    writer = Writer(home, "a")
    try:
        time.sleep(delay)
        try:
            pid = {"client": lambda _: writer.process.pid, "supervisor": supervisor_of, "server": postmaster_of}[
                victim
            ](home)
        except (OSError, IndexError, KeyError, ValueError):
            pid = None  # not there yet at that moment
        if pid is not None and (pid == writer.process.pid or pid in processes(home)):
            kill(pid)
        if victim != "client":
            assert writer.is_writing(), f"nothing was written after {victim} was killed at {delay:.3f} s"
    finally:
        writer.end()
    assert is_quiet(home), processes(home)
    if writer.acknowledged():
        check_store(home, "a")
    else:
        check_store(home)
    assert is_quiet(home), processes(home)
    return victim, writer.acknowledged()


@pytest.mark.parametrize("delay", [0.05, 0.25, 0.5, 0.75])
def test_a_first_start_killed_halfway_is_begun_anew(created: Home, delay: float) -> None:
    home = Home(created.root.parent / f"halfway-{delay}")
    home.root.mkdir()
    writer = Writer(home, "a")
    try:
        assert eventually(lambda: (home.postgres / "server.json").exists())
        time.sleep(delay)
        kill(supervisor_of(home))
        kill(writer.process.pid)
    finally:
        writer.end()
    assert is_quiet(home), processes(home)
    notes = check_store(home)
    assert notes, "an interrupted first start is told"
    assert list(home.postgres.glob("init-*")) == []
    assert is_quiet(home), processes(home)


def test_many_commands_at_once_on_an_empty_directory_have_one_server(created: Home) -> None:
    home = Home(created.root.parent / "crowd")
    script = (
        "import sys, time; from pathlib import Path; from huitou.core.home import Home;"
        "from huitou.core.postgres import acquire; import psycopg;"
        "lease = acquire(Home(Path(sys.argv[1]))); connection = psycopg.connect(lease.url);"
        "print(connection.execute('SELECT pg_postmaster_start_time()').fetchone()[0]); time.sleep(1)"
    )
    crowd = [
        subprocess.Popen([sys.executable, "-c", script, str(home.root)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(5)
    ]
    starts = {process.communicate(timeout=60)[0].strip() for process in crowd}
    assert len(starts) == 1
    assert "" not in starts
    assert is_quiet(home), processes(home)


def test_deleting_the_data_directory_ends_its_server(created: Home) -> None:
    home = Home(created.root.parent / "deleted")
    with acquire(home):
        shutil.rmtree(home.root, ignore_errors=True)
        shutil.rmtree(home.root, ignore_errors=True)
        assert eventually(lambda: not processes(home)), processes(home)
    with acquire(home) as lease, psycopg.connect(lease.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert is_quiet(home)


def test_the_password_is_private(created: Home) -> None:
    with acquire(created):
        password = (created.postgres / "password").read_text()
        assert (created.postgres / "password").stat().st_mode & 0o077 == 0
        for pid, command in processes(created).items():
            assert password not in command
            assert password.encode() not in (Path("/proc") / str(pid) / "environ").read_bytes()
        assert password not in (created.logs / "postgres.log").read_text()


def test_a_wrong_password_is_refused(created: Home) -> None:
    with acquire(created) as lease:
        password = (created.postgres / "password").read_text()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(lease.url.replace(password, "guess"))


def test_an_unusable_data_directory_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(EmbeddedPostgresError, match="HUITOU_HOME"):
        acquire(Home(tmp_path / "file" / "home"))


def test_broken_database_files_are_reported_with_the_log(created: Home) -> None:
    home = Home(created.root.parent / "broken")
    acquire(home).release()
    assert is_quiet(home)
    (home.postgres / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedPostgresError, match=r"postgres\.log"):
        acquire(home)
    assert is_quiet(home), processes(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has somebody else run the server")
def test_root_hands_the_server_to_another_account_and_opens_nothing(created: Home) -> None:
    hidden = created.root.parent / "hidden"
    hidden.mkdir(mode=0o700)
    home = Home(hidden / "home")
    with acquire(home):
        server = Path("/proc") / str(postmaster_of(home))
        assert server.stat().st_uid != 0
        assert hidden.stat().st_mode & 0o077 == 0
        store = Path((home.postgres / "location").read_text().strip())
        assert (store / "data").stat().st_mode & 0o777 == 0o700
    assert is_quiet(home)
    assert check_store(home) == []
    assert is_quiet(home), processes(home)
    shutil.rmtree(store)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has somebody else run the server")
def test_copied_binaries_run_where_the_originals_cannot_be_reached(created: Home) -> None:
    place = find_place(created)
    copy = created.root.parent / "copy"
    copy_binaries(place.binaries, copy)
    assert place.account is not None
    for program in ("initdb", "postgres"):
        path = copy / place.binaries.relative_to(place.binaries.parents[1]) / "bin" / program
        ran = subprocess.run([path, "--version"], **place.account.options(), capture_output=True, text=True, check=True)
        assert "PostgreSQL" in ran.stdout
