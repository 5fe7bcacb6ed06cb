"""The doctor sees what is broken, says how to mend it, and is never broken by it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import translation

from huitou.accounts.roles import ADMIN
from huitou.accounts.staff import add_staff
from huitou.core import checks, doctor
from huitou.core.clock import FixedClock, SystemClock
from huitou.core.doctor import Check, Finding, as_object, examine
from huitou.core.environment import Environment
from huitou.core.home import Home
from huitou.core.models import LakeBatch, RefreshRun
from huitou.sources.models import DeadLetter, ImportRun, InboxEvent

pytestmark = pytest.mark.django_db
CLOCK = SystemClock()
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def in_english(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A sound deployment with an administrator."""
    home.root.mkdir(mode=0o700)
    monkeypatch.setenv("HUITOU_PORT", "1")
    monkeypatch.setattr(checks, "check_port", lambda _clock: ("ok", "", ""))
    with translation.override("en"):
        add_staff(username="boss", role=ADMIN, clock=CLOCK)
        yield


def look(part: str, **more: Any) -> Finding:
    return next(finding for finding in examine(CLOCK, **more) if finding.part == part)


def test_a_sound_store_has_nothing_to_mend() -> None:
    found = examine(CLOCK)
    assert [f for f in found if f.state == "fail" and f.part not in {"port", "database"}] == []
    assert {f.part for f in found} >= {
        *("python", "data_directory", "disk", "secret_key", "https", "port", "database", "clocks", "migrations"),
        *("lake", "engine", "batches", "staging", "worker", "jobs", "administrators", "refresh", "inbox"),
        *("dead_letters", "imports", "uploads"),
    }


def test_the_test_servers_careless_settings_are_noticed() -> None:
    # The tests' own PostgreSQL runs without fsync, which no deployment may.
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('fsync')")
        careless = cursor.fetchone()[0] == "off"
    assert (look("database").state == "fail") is careless


def _open_folder(home: Home) -> None:
    (home.root / "lake").mkdir(mode=0o755)


def _unwritable_folder(home: Home) -> None:
    # Whoever runs the tests as root may write anywhere but into nothing.
    (home.root / "uploads").symlink_to(home.root / "nowhere")


def _readable_key(home: Home) -> None:
    (home.root / "secret-key").write_text("x" * 64)
    (home.root / "secret-key").chmod(0o644)


def _old_batch(_home: Home) -> None:
    LakeBatch.objects.create(
        key="k", table="fct_order_lines", staged_path="1", row_count=1, claimed_at=CLOCK.now() - timedelta(hours=1)
    )


def _leftover(home: Home) -> None:
    import os

    folder = home.staging / "99"
    folder.mkdir(parents=True)
    os.utime(folder, (0, 0))


def _failed_job(_home: Home) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status)"
            " VALUES ('q', 'orders.refresh', '{}', 'failed')"
        )


def _failed_refresh(_home: Home) -> None:
    now = CLOCK.now()
    RefreshRun.objects.create(as_of=now, started_at=now, error="Traceback\nValueError: no such table")


def _old_refresh(_home: Home) -> None:
    then = CLOCK.now() - timedelta(days=3)
    RefreshRun.objects.create(as_of=then, started_at=then, finished_at=then)


def _waiting_event(_home: Home) -> None:
    InboxEvent.objects.create(received_at=CLOCK.now() - timedelta(hours=1), key_id=1, payload=b"{}")


def _dead_letter(_home: Home) -> None:
    now = CLOCK.now()
    DeadLetter.objects.create(
        digest=b"0" * 16, source="s", key_id=1, reason="r", payload=b"{}", size=2, received_at=now, last_at=now
    )


def _stuck_import(_home: Home) -> None:
    ImportRun.objects.create(
        key="k", kind="orders", source="s", file_name="orders.csv", file_path="f", content_hash="0",
        created_at=CLOCK.now() - timedelta(days=1), state="claimed",
    )  # fmt: skip


def _old_upload(home: Home) -> None:
    import os

    folder = home.uploads / ("0" * 32)
    folder.mkdir(parents=True, mode=0o700)
    os.utime(folder, (0, 0))


@pytest.mark.parametrize(
    ("part", "state", "harm", "mend"),
    [
        ("data_directory", "fail", _open_folder, "chmod 700"),
        ("data_directory", "fail", _unwritable_folder, "writable"),
        ("secret_key", "fail", _readable_key, "chmod 600"),
        ("batches", "warn", _old_batch, "huitou worker"),
        ("staging", "warn", _leftover, "99"),
        ("jobs", "warn", _failed_job, "log"),
        ("refresh", "fail", _failed_refresh, "huitou refresh"),
        ("refresh", "warn", _old_refresh, "huitou worker"),
        ("inbox", "warn", _waiting_event, "huitou worker"),
        ("dead_letters", "warn", _dead_letter, "replay"),
        ("imports", "warn", _stuck_import, "huitou up"),
        ("uploads", "warn", _old_upload, "Delete"),
        ("worker", "warn", lambda _home: None, "huitou up"),
    ],
)
def test_harm_is_seen_and_its_mending_named(
    home: Home, part: str, state: str, harm: Callable[[Home], None], mend: str
) -> None:
    harm(home)
    found = look(part)
    assert found.state == state, found
    assert mend in found.mend


def test_a_worker_that_died_is_none_that_runs() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)", [CLOCK.now()])
        assert look("worker").state == "ok"
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = %s", [CLOCK.now() - timedelta(minutes=1)])
    found = look("worker")
    assert (found.state, found.detail.startswith("none runs"), "huitou up" in found.mend) == ("warn", True, True)


@pytest.mark.parametrize(
    ("age", "told"),
    [(timedelta(seconds=20), "0 minutes"), (timedelta(minutes=90), "90 minutes"), (timedelta(3), "72 h")],
)
def test_the_age_of_figures_is_said_in_fitting_units(age: timedelta, told: str) -> None:
    then = CLOCK.now() - age
    RefreshRun.objects.create(as_of=then, started_at=then, finished_at=then)
    assert told in look("refresh").detail


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.mark.parametrize(("free", "state"), [(10, "ok"), (3, "warn"), (0, "fail")])
def test_a_disk_that_fills_up_is_told_in_time(monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(100 << 30, 0, free << 30))
    assert look("disk").state == state


@pytest.mark.parametrize(("seconds", "state"), [(0, "ok"), (10, "warn"), (-3600, "fail")])
def test_clocks_that_differ_are_noticed_in_both_directions(seconds: int, state: str) -> None:
    shifted = FixedClock(CLOCK.now() + timedelta(seconds=seconds))
    assert checks.check_clocks(shifted)[0] == state


@pytest.mark.parametrize(
    ("environment", "changes", "state"),
    [
        ({}, {}, "ok"),
        ({"HUITOU_HOST": "0.0.0.0"}, {}, "warn"),
        ({"HUITOU_HOST": "0.0.0.0"}, {"HTTPS_ONLY": True}, "ok"),
        ({}, {"DEBUG": True}, "fail"),
        ({}, {"ALLOWED_HOSTS": ["*"]}, "fail"),
    ],
)
def test_a_console_that_others_reach_must_be_guarded(
    monkeypatch: pytest.MonkeyPatch,
    settings: LazySettings,
    environment: dict[str, str],
    changes: dict[str, Any],
    state: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name, value in changes.items():
        setattr(settings, name, value)
    assert look("https").state == state


@pytest.mark.parametrize("value", ["abc", "0", "70000"])
def test_a_port_that_is_none_fails_and_says_what_it_may_be(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HUITOU_PORT", value)
    found = look("port")
    assert (found.state, "from 1 to 65535" in found.detail, found.mend) == ("fail", True, "")


def test_settings_that_cannot_be_understood_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Environment({"HUITOU_SESSION_HOURS": "zzz"})
    wrong.whole("HUITOU_SESSION_HOURS", 168)
    monkeypatch.setattr(checks, "ENVIRONMENT", wrong)
    found = look("settings")
    assert (found.state, "HUITOU_SESSION_HOURS" in found.detail) == ("fail", True)


def test_no_administrator_who_may_sign_in_is_a_failure() -> None:
    from huitou.accounts.models import User

    User.objects.update(is_active=False)
    found = look("administrators")
    assert found.state == "fail"
    assert "huitou staff add" in found.mend


def test_tables_that_are_behind_are_all_that_is_told() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'core'")
    found = {finding.part: finding.state for finding in examine(CLOCK)}
    assert found["migrations"] == "fail"
    assert "refresh" not in found


def test_a_check_that_breaks_is_a_failing_part_without_secrets_in_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_clock: object) -> tuple[str, str, str]:
        raise RuntimeError("cannot reach postgresql://u:hunter2@db/x\nsecond line")

    monkeypatch.setattr(doctor, "_checks", lambda: [Check("thing", "Thing", broken)])
    (found,) = examine(CLOCK)
    assert found.state == "fail"
    assert "hunter2" not in found.detail
    assert as_object([found])["state"] == "fail"


def test_without_a_database_the_command_says_so_and_fails(tmp_path: Path) -> None:
    environment = {
        "HUITOU_HOME": str(tmp_path / "home2"),
        "HUITOU_DATABASE_URL": "postgresql://x:hunter2@127.0.0.1:1/x",
        "HUITOU_LANGUAGE": "en",
        "HUITOU_PORT": "1",
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        [sys.executable, "-m", "config", "doctor", "--json"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    parts = {part["part"]: part for part in told["parts"]}
    assert told["state"] == "fail"
    assert re.search("does not answer", parts["database"]["detail"])
    assert parts["python"]["state"] == "ok"
    assert "hunter2" not in done.stdout
