"""Start-up shared by every command: a database that answers and is migrated, then Django."""

from __future__ import annotations

import atexit
import gc
import os
import pkgutil
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.utils.translation import gettext_lazy as _

from huitou.core.environment import ENVIRONMENT
from huitou.core.errors import DomainError, fill_later
from huitou.core.home import Home
from huitou.core.postgres import Lease, acquire

P = ParamSpec("P")
R = TypeVar("R")
_booted = False
_lease: Lease | None = None

# Folders that only we have business in. They are made private before anybody writes customers' data into them.
PRIVATE_FOLDERS = ("lake", "staging", "uploads", "rejects", "logs")

# Expressions are many small objects: by Python's own thresholds an eighth of a refresh goes into looking again and
# again for cycles among all of them.
_COLLECTING = (50_000, 20, 20)

# Where a process only explains why it cannot start, nothing is signed.
NO_KEY = "unused"


class DatabaseUnreachableError(DomainError):
    """PostgreSQL does not answer, or the connection broke."""

    code = "database_unreachable"
    status = 503
    permanent = False

    def __init__(self, reason: str) -> None:
        super().__init__(
            fill_later(
                _(
                    "PostgreSQL does not answer: %(reason)s. Check HUITOU_DATABASE_URL, or unset it to use the "
                    "embedded PostgreSQL."
                ),
                {"reason": reason},
            )
        )


class DatabaseLostError(DomainError):
    """The connection broke while a command was at work."""

    code = "database_lost"
    status = 503
    permanent = False

    def __init__(self, reason: str) -> None:
        super().__init__(
            fill_later(
                _("The connection to PostgreSQL was lost: %(reason)s. What was saved is safe; run the command again."),
                {"reason": reason},
            )
        )


class DatabaseUrlError(DomainError):
    """`HUITOU_DATABASE_URL` is no address of a PostgreSQL."""

    code = "database_url"


def boot(*, to_examine: bool = False) -> Home:
    """Make the product usable in this process, once: lease the embedded PostgreSQL unless `HUITOU_DATABASE_URL`
    names another, set up Django, migrate a store that is behind, and say on standard error what was recovered.

    Raises DomainError when there is no database to be had, or a setting cannot be understood. `to_examine` neither
    migrates nor minds the settings.
    """
    global _booted, _lease
    home = Home.from_environment()
    if _booted:
        return home
    gc.set_threshold(*_COLLECTING)
    os.environ["HUITOU_HOME"] = str(home.root)  # a relative one means the same to our children
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        _lease = _have_database(home)
    except DomainError:
        _prepare_to_explain()
        raise
    for name in PRIVATE_FOLDERS:
        (home.root / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    _set_up_django()
    if not to_examine:
        ENVIRONMENT.refuse_problems()
        migrate_if_behind()
    for note in _lease.notes if _lease else []:
        sys.stderr.write(f"{note}\n")
    _booted = True
    return home


def _have_database(home: Home) -> Lease | None:
    if given := os.environ.get("HUITOU_DATABASE_URL"):
        _check_reachable(given)
        return None
    lease = acquire(home)
    atexit.register(lease.release)
    return lease


def _prepare_to_explain() -> None:
    """Set Django up without a database: its translations are all that this process still needs."""
    os.environ["HUITOU_DATABASE_URL"] = ""
    os.environ.setdefault("HUITOU_SECRET_KEY", NO_KEY)  # the data directory may be the very trouble
    _set_up_django()


def current_lease() -> Lease | None:
    """This process's share in the embedded server; None where another PostgreSQL is used."""
    return _lease


def assume_booted() -> None:
    """For processes in which Django and its database were set up by somebody else (a test run)."""
    global _booted
    _booted = True


def choose_language() -> str:
    """The language of a command's output: `HUITOU_LANGUAGE`, else that of the terminal.

    Chinese first: where nothing names a language (unset, C, POSIX), it is Chinese. Any language but Chinese that is
    named means English.
    """
    for name in ("HUITOU_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "").strip().lower()
        if value and value.partition(".")[0] not in ("c", "posix"):
            return "zh-hans" if value.startswith("zh") else "en"
    return "zh-hans"


def _set_up_django() -> None:
    # The address goes to the settings, not to the environment: a child must hold a lease of its own.
    import django

    if _lease is not None:
        from django.conf import settings

        settings.DATABASES["default"].update(connection_settings(_lease.url))
    django.setup()
    from django.utils import translation

    translation.activate(choose_language())


def connection_settings(url: str) -> dict[str, str]:
    """The parts of a PostgreSQL address as Django's settings name them."""
    from psycopg.conninfo import conninfo_to_dict

    parts = conninfo_to_dict(url)
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    return {setting: str(parts.get(name) or "") for setting, name in names.items()}


def _check_reachable(url: str) -> None:
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.ProgrammingError as error:
        raise DatabaseUrlError(
            fill_later(
                _(
                    "HUITOU_DATABASE_URL is not the address of a PostgreSQL: %(reason)s. "
                    "Write it like postgresql://user:password@host:5432/database."
                ),
                {"reason": str(error).strip()},
            )
        ) from error
    except psycopg.OperationalError as error:
        raise DatabaseUnreachableError(str(error).strip().splitlines()[0]) from error


def has_pending_migrations() -> bool:
    """Whether some installed app has a migration that this database has not seen. Reads names only: fast."""
    from django.apps import apps
    from django.db import connection

    known = set()
    for config in apps.get_app_configs():
        folder = os.path.join(config.path, "migrations")  # noqa: PTH118 - Django gives a str
        known |= {(config.label, module.name) for module in pkgutil.iter_modules([folder])}
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('django_migrations')")
        if cursor.fetchone()[0] is None:
            return True
        cursor.execute("SELECT app, name FROM django_migrations")
        return not known <= set(cursor.fetchall())


def migrate_if_behind() -> None:
    """Apply what is missing. One process migrates; the others wait for it and then find nothing to do."""
    if not has_pending_migrations():
        return
    from django.db import connection

    from huitou.core.lake import widen_tables
    from huitou.core.migrating import apply_migrations

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('huitou.migrate'))")
        try:
            if has_pending_migrations():
                _need_lake(connection.introspection.table_names())
                apply_migrations()
                widen_tables(Home.from_environment())
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('huitou.migrate'))")


def _need_lake(tables: list[str]) -> None:
    """Before anything is changed: an upgrade goes through database and lake together. Raises OtherLakeError."""
    if "core_lakemark" in tables:
        from huitou.core.lake_mark import home_lake

        home_lake(Home.from_environment())


def booted(function: Callable[P, R]) -> Callable[P, R]:
    """A command that boots before it runs; `--help` stays instant because it never gets here."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        boot()
        return function(*args, **kwargs)

    return wrapper
