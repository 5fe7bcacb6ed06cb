"""Start-up shared by every command: a database that answers and is migrated, then Django."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from huitou.core.home import Home

P = ParamSpec("P")
R = TypeVar("R")
_booted = False


def boot(*, migrate: bool = True) -> Home:
    """Make the product usable in this process, once: lease the embedded PostgreSQL unless
    `HUITOU_DATABASE_URL` names another, set up Django, and migrate a store that is behind.
    """
    global _booted
    home = Home.from_environment()
    if _booted:
        return home
    if not os.environ.get("HUITOU_DATABASE_URL"):
        from huitou.core.postgres import acquire

        lease = acquire(home)
        atexit.register(lease.release)
        os.environ["HUITOU_DATABASE_URL"] = lease.url
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    if migrate:
        _migrate_if_behind()
    _booted = True
    return home


def assume_booted() -> None:
    """For processes in which Django and its database were set up by somebody else (a test run)."""
    global _booted
    _booted = True


def _migrate_if_behind() -> None:
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    with connection.cursor() as cursor:
        # One process migrates, the others wait for it and then find nothing to do.
        cursor.execute("SELECT pg_advisory_lock(hashtext('huitou.migrate'))")
        try:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                call_command("migrate", verbosity=0, interactive=False)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('huitou.migrate'))")


def booted(function: Callable[P, R]) -> Callable[P, R]:
    """A command that boots before it runs; `--help` stays instant because it never gets here."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        boot()
        return function(*args, **kwargs)

    return wrapper
