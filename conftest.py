"""What every test gets: a data directory of its own, and a real PostgreSQL where it asks for a database."""

from __future__ import annotations

import gc
import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from django.conf import LazySettings
from django.conf import settings as django_settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker

from huitou.core import boot
from huitou.core.home import Home

# A machine may be busy: how long an example takes says nothing of what it does.
hypothesis.settings.register_profile("huitou", deadline=None)
hypothesis.settings.load_profile("huitou")


# What `make test` draws of a property's random examples; `make soak` draws all, by --all-examples.
_SHARE, _LEAST = 0.2, 2


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-examples", action="store_true", help="as many random examples as properties ask for")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--all-examples"):
        return
    for test in {getattr(item, "obj", None) for item in items if not item.get_closest_marker("soak")}:
        if getattr(test, "is_hypothesis_test", False):
            asked: hypothesis.settings = test._hypothesis_internal_use_settings  # type: ignore[union-attr]  # no other way
            fewer = max(math.ceil(asked.max_examples * _SHARE), min(asked.max_examples, _LEAST))
            test._hypothesis_internal_use_settings = hypothesis.settings(asked, max_examples=fewer)  # type: ignore[union-attr]


def pytest_collection_finish() -> None:
    """Expressions are many small objects: a tenth of the time went into looking again and again for cycles in all."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> Home:
    """An empty data directory: lake, staging and uploads of one test never meet another's."""
    own = Home(tmp_path / "home")
    monkeypatch.setenv("HUITOU_HOME", str(own.root))
    settings.HOME = own
    return own


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """One round where the product takes a million, so that a guess is slow for who guesses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PBKDF2PasswordHasher, "iterations", 1)
        yield


# What migrations wrote and no test changes.
_KEPT = ("django_migrations", "django_content_type", "auth_permission")
# Triggers, those of foreign keys among them, are for others than who takes everything away.
_EMPTY = f"""
DO $$
DECLARE name text;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
        AND relname NOT IN {_KEPT} AND pg_relation_size(oid) > 0
    LOOP
        EXECUTE 'DELETE FROM ' || name;
    END LOOP;
END $$
"""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Tests that commit leave no row of any table to the next one.

    Django truncates every table of managed models and writes content types and permissions anew, which takes longer
    than most of these tests; and it knows nothing of jobs and of partitions.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (True,), "the tests' database must be a superuser's"

    def empty(_case: TransactionTestCase) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_EMPTY)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


# Nothing needs to outlive the run. Statistics of tables that one test emptied would give the next one's large tables
# plans for small ones: foreign keys of a hundred thousand rows were then looked up by reading whole tables.
_QUICK_SERVER = "fsync=off synchronous_commit=off full_page_writes=off autovacuum=off"


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A server for this test run: `HUITOU_TEST_DATABASE_URL`, or an embedded one that is thrown away."""
    if given := os.environ.get("HUITOU_TEST_DATABASE_URL"):
        yield given
        return
    from huitou.core.postgres import acquire

    with tempfile.TemporaryDirectory(prefix="huitou-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)  # the server's account passes through when we are root
        before = os.environ.get("HUITOU_POSTGRES_OPTIONS")
        os.environ["HUITOU_POSTGRES_OPTIONS"] = before or _QUICK_SERVER
        try:
            lease = acquire(Home(Path(folder)))
        finally:
            if before is None:
                del os.environ["HUITOU_POSTGRES_OPTIONS"]
        with lease:
            yield lease.url


@pytest.fixture(scope="session")
def django_db_modify_db_settings(database_url: str) -> None:
    """Point Django at that server, just before pytest-django creates its test database there."""
    django_settings.DATABASES["default"].update(boot.connection_settings(database_url))
    # Commands under test must use this database, and not start one for the test's own data directory.
    boot.assume_booted()
