"""What the doctor looks at below all apps: the machine, the data directory, PostgreSQL, the lake, the worker."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import socket
import stat
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.core.boot import NO_KEY, PRIVATE_FOLDERS, has_pending_migrations
from huitou.core.clock import Clock
from huitou.core.doctor import DATABASE, FAIL, NOTHING, OK, SKIPPED, WARN, Check
from huitou.core.environment import ENVIRONMENT
from huitou.core.health import WORKER_SILENT_SECONDS, worker_silence
from huitou.core.models import LakeBatch, RefreshRun

Answer = tuple[str, str, str]
_GIB = 1 << 30
_LITTLE_SPACE, _NO_SPACE = 5 * _GIB, _GIB
_OLDEST_POSTGRES = 140000
_SKEW_WARN, _SKEW_FAIL = 2.0, 60.0
_PENDING_AGE = timedelta(minutes=10)
_LEFTOVER_SECONDS = 86_400


def check_python(_clock: Clock) -> Answer:
    """The interpreter, and every package that the product declares."""
    running = ".".join(str(part) for part in sys.version_info[:3])
    wrong = []
    for requirement in importlib.metadata.requires("huitou") or []:
        if "extra ==" in requirement:
            continue
        name = re.split(r"[\[<>=!~;\s]", requirement, maxsplit=1)[0]
        pinned = re.search(r"==([\w.]+)", requirement)
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(_("%(name)s is missing") % {"name": name})
            continue
        if pinned and version != pinned[1]:
            wrong.append(f"{name} {version} ≠ {pinned[1]}")
    if wrong:
        return FAIL, f"Python {running}; {', '.join(wrong)}", _("Install what is declared: make run")
    return OK, f"Python {running}", ""


def check_settings(_clock: Clock) -> Answer:
    """Whether the environment variables can be understood."""
    ENVIRONMENT.refuse_problems()
    return OK, _("understood"), ""


def check_data_directory(_clock: Clock) -> Answer:
    """The data directory: there, writable, and what holds customers' data readable by its owner only."""
    root = settings.HOME.root
    if not root.is_dir() or not os.access(root, os.W_OK | os.X_OK):
        return FAIL, str(root), _("Make the folder writable for the account that runs Huitou, or set HUITOU_HOME.")
    folders = [root / name for name in PRIVATE_FOLDERS]
    for folder in [*folders, Path(settings.HOME.lake_url)]:
        if (reason := _why_not_writable(folder)) is not None:
            mend = _("Make the folder writable for the account that runs Huitou: nothing can be kept there.")
            return FAIL, f"{folder}: {reason}", mend
    open_ = [str(path) for path in folders if path.is_dir() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    if open_:
        mend = _("Close them: chmod 700 %(folders)s") % {"folders": " ".join(open_)}
        return FAIL, _("Others on this machine can read customers' data."), mend
    return OK, str(root), ""


def _why_not_writable(folder: Path) -> str | None:
    """What the system says when a file is written there; a folder that is not there yet is made when needed."""
    if not folder.exists() and not folder.is_symlink():
        return None
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-"):
            return None
    except OSError as error:
        return error.strerror or str(error)


def check_disk(_clock: Clock) -> Answer:
    """Room for the next days."""
    if not settings.HOME.root.is_dir():
        return SKIPPED, _("waits for the data directory"), ""
    usage = shutil.disk_usage(settings.HOME.root)
    detail = _("%(free)s GB free of %(total)s GB") % {
        "free": f"{usage.free / _GIB:.1f}",
        "total": f"{usage.total / _GIB:.0f}",
    }
    mend = _("Make room or move the data directory to a larger disk; PostgreSQL stops when the disk is full.")
    return FAIL if usage.free < _NO_SPACE else WARN if usage.free < _LITTLE_SPACE else OK, detail, mend


def check_secret_key(_clock: Clock) -> Answer:
    """The key that signs sessions: long, and nobody else's to read."""
    mend = _("Set HUITOU_SECRET_KEY to 50 random characters, or delete secret-key in the data directory.")
    if os.environ.get("HUITOU_SECRET_KEY", NO_KEY) != NO_KEY:
        enough = len(settings.SECRET_KEY) >= 32 and len(set(settings.SECRET_KEY)) > 8
        return (OK if enough else FAIL), _("from HUITOU_SECRET_KEY"), mend
    path = settings.HOME.root / "secret-key"
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        return FAIL, _("%(path)s can be read by others.") % {"path": path}, f"chmod 600 {path}"
    return OK, _("in the data directory"), ""


def check_https(_clock: Clock) -> Answer:
    """Whether a console that others can reach is guarded as one."""
    host = os.environ.get("HUITOU_HOST", "127.0.0.1")
    is_local = host in {"127.0.0.1", "localhost", "::1"} and not settings.TRUSTED_PROXIES
    if settings.DEBUG:
        return FAIL, _("HUITOU_DEBUG shows errors with their source."), _("Unset HUITOU_DEBUG.")
    if "*" in settings.ALLOWED_HOSTS:
        return FAIL, "HUITOU_ALLOWED_HOSTS=*", _("Name the hosts under which the console is reached.")
    if is_local:
        return OK, _("this machine only"), ""
    if not settings.HTTPS_ONLY:
        mend = _("Put a proxy with HTTPS in front, name it in HUITOU_TRUSTED_PROXIES and set HUITOU_HTTPS=1.")
        return WARN, _("Others can reach the console, and passwords may travel without HTTPS."), mend
    return OK, _("by HTTPS only"), ""


def check_port(_clock: Clock) -> Answer:
    """The console's port: free, or ours."""
    from huitou.core.serving.web import AddressError, asked_address, chosen_address

    asked = asked_address()
    try:
        host, port = chosen_address()
    except AddressError as error:
        return (OK, _("the console serves there"), "") if _is_ours(*asked) else (WARN, str(error), "")
    return OK, _("%(address)s is free") % {"address": f"{host}:{port}"}, ""


def _is_ours(host: str, port: int) -> bool:
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared with, not bound to
    try:
        with socket.create_connection((target, port), timeout=2) as asked:
            asked.sendall(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            return b'"status": "ok"' in asked.makefile("rb").read(4096)
    except OSError:
        return False


def check_database(_clock: Clock) -> Answer:
    """PostgreSQL: version, encoding, size, and the settings on which nothing lost depends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version_num')::int, current_setting('server_version'),"
            " current_setting('server_encoding'), pg_size_pretty(pg_database_size(current_database())),"
            " current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on',"
            " current_setting('synchronous_commit') = 'off',"
            " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int,"
            " current_setting('max_connections')::int"
        )
        number, version, encoding, size, is_durable, is_lazy, used, limit = cursor.fetchone()
    detail = _("PostgreSQL %(version)s, %(size)s, %(used)s of %(limit)s connections") % {
        "version": version,
        "size": size,
        "used": used,
        "limit": limit,
    }
    if number < _OLDEST_POSTGRES:
        return FAIL, detail, _("Use PostgreSQL 14 or newer.")
    if encoding != "UTF8":
        return FAIL, f"{detail}, {encoding}", _("Make the database anew with the encoding UTF8.")
    if not is_durable:
        return FAIL, detail, _("Turn fsync and full_page_writes on: a power failure would lose what was acknowledged.")
    if is_lazy:
        return WARN, detail, _("Set synchronous_commit to on: a crash could lose what was acknowledged last.")
    if used > limit * 0.8:
        return WARN, detail, _("Raise max_connections, or run fewer processes.")
    return OK, detail, ""


def check_clocks(clock: Clock) -> Answer:
    """This machine's clock beside the database's."""
    with connection.cursor() as cursor:
        before = clock.now()
        cursor.execute("SELECT clock_timestamp()")
        theirs = cursor.fetchone()[0]
        after = clock.now()
    skew = max((before - theirs).total_seconds(), (theirs - after).total_seconds(), 0.0)
    mend = _("Let NTP set both clocks: events are dated by them.")
    detail = _("%(seconds)s s apart from the database's") % {"seconds": f"{skew:.1f}"}
    return FAIL if skew > _SKEW_FAIL else WARN if skew > _SKEW_WARN else OK, detail, mend


def check_migrations(_clock: Clock) -> Answer:
    """Whether the tables are those of this program."""
    if has_pending_migrations():
        return FAIL, _("The database is behind the program."), _("Run any other command: huitou up")
    return OK, _("up to date"), ""


def check_lake(_clock: Clock) -> Answer:
    """Every table of the lake opens, and what the last refresh left is there."""
    from huitou.analytics.tables import TABLES
    from huitou.core.lake_mark import home_lake, outdated_tables

    lake = home_lake(settings.HOME)
    there = [table for table in TABLES if lake.version(table) is not None]
    last = RefreshRun.objects.filter(finished_at__isnull=False, error="").order_by("-pk").first()
    lost = [name for name, version in (last.versions if last else {}).items() if lake.kept_files(name, version) is None]
    if lost:
        return FAIL, _("lost: %(tables)s") % {"tables": ", ".join(sorted(lost))}, _("Compute anew: huitou refresh")
    if outdated := outdated_tables(lake):
        mend = _("Put back the newest copy. What came in after this one is missing from all figures.")
        return FAIL, _("An older copy of the lake: %(tables)s") % {"tables": ", ".join(outdated)}, mend
    return OK, _("%(there)s of %(all)s tables are there") % {"there": len(there), "all": len(TABLES)}, ""


def check_batches(clock: Clock) -> Answer:
    """Batches that were claimed and are not in the lake yet."""
    pending = LakeBatch.objects.filter(committed_at=None)
    oldest = pending.order_by("claimed_at").values_list("claimed_at", flat=True).first()
    if oldest is None:
        return OK, _("none waits"), ""
    detail = _("%(count)s wait, the oldest since %(since)s") % {
        "count": pending.count(),
        "since": f"{oldest:%Y-%m-%d %H:%M} UTC",
    }
    mend = _("The worker finishes them; start it: huitou worker. Nothing is lost meanwhile.")
    return WARN if clock.now() - oldest > _PENDING_AGE else OK, detail, mend


def check_staging(clock: Clock) -> Answer:
    """Prepared files that belong to no batch that waits: what a killed process left."""
    staging = settings.HOME.staging
    wanted = {
        path.split("/")[0] for path in LakeBatch.objects.filter(committed_at=None).values_list("staged_path", flat=True)
    }
    now = clock.now().timestamp()
    left = [
        entry.name
        for entry in (staging.iterdir() if staging.is_dir() else [])
        if entry.name not in wanted and now - entry.stat().st_mtime > _LEFTOVER_SECONDS
    ]
    if not left:
        return OK, _("clean"), ""
    mend = _("No import waits for them; delete them: %(paths)s") % {
        "paths": " ".join(str(staging / name) for name in sorted(left)[:3])
    }
    return WARN, _("%(count)s leftovers older than a day") % {"count": len(left)}, mend


def check_worker(clock: Clock) -> Answer:
    """Whether somebody does the work in the background."""
    silent = worker_silence(clock)
    mend = _("Start it: huitou worker, or everything together: huitou up")
    if silent is None:
        return WARN, _("none runs"), mend
    if silent > WORKER_SILENT_SECONDS:
        return WARN, _("none runs; the last one was heard of %(seconds)s s ago") % {"seconds": f"{silent:.0f}"}, mend
    return OK, _("last heard of %(seconds)s s ago") % {"seconds": f"{silent:.0f}"}, ""


def check_jobs(_clock: Clock) -> Answer:
    """Jobs that failed for good."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), string_agg(DISTINCT task_name, ', ') FROM procrastinate_jobs WHERE status = 'failed'"
        )
        failed, names = cursor.fetchone()
    if not failed:
        return OK, _("none failed"), ""
    return WARN, _("%(count)s failed: %(names)s") % {"count": failed, "names": names}, _("The worker's log says why.")


def check_engine(_clock: Clock) -> Answer:
    """What computes can be had."""
    from huitou.core.engine import open_home_engine
    from huitou.core.lake_mark import OtherLakeError

    if not LakeBatch.objects.exclude(committed_at=None).exists():
        return SKIPPED, _("nothing to compute yet"), ""
    try:
        with open_home_engine(settings.HOME):
            return OK, settings.HOME.engine, ""
    except OtherLakeError:
        return SKIPPED, _("waits for the lake"), ""


CHECKS = [
    Check("python", gettext_lazy("Python and packages"), check_python, needs=NOTHING),
    Check("settings", gettext_lazy("Settings"), check_settings, needs=NOTHING),
    Check("data_directory", gettext_lazy("Data directory"), check_data_directory, needs=NOTHING),
    Check("disk", gettext_lazy("Disk"), check_disk, needs=NOTHING),
    Check("secret_key", gettext_lazy("Signing key"), check_secret_key, needs=NOTHING),
    Check("https", gettext_lazy("HTTPS"), check_https, needs=NOTHING),
    Check("port", gettext_lazy("Port"), check_port, needs=NOTHING),
    Check("database", gettext_lazy("Database"), check_database, needs=DATABASE),
    Check("clocks", gettext_lazy("Clocks"), check_clocks, needs=DATABASE),
    Check("migrations", gettext_lazy("Tables"), check_migrations, needs=DATABASE),
    Check("lake", gettext_lazy("Lake"), check_lake),
    Check("engine", gettext_lazy("Engine"), check_engine),
    Check("batches", gettext_lazy("Batches"), check_batches),
    Check("staging", gettext_lazy("Staging"), check_staging),
    Check("worker", gettext_lazy("Worker"), check_worker),
    Check("jobs", gettext_lazy("Jobs"), check_jobs),
]
