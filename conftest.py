"""What every test gets: a data directory of its own, and a real PostgreSQL where it asks for a database."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.conf import settings as django_settings
from django.db import connection
from pytest_django import DjangoDbBlocker

from huitou.core import boot
from huitou.core.home import Home


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> Home:
    """An empty data directory: lake, staging and uploads of one test never meet another's."""
    own = Home(tmp_path / "home")
    monkeypatch.setenv("HUITOU_HOME", str(own.root))
    settings.HOME = own
    return own


@pytest.fixture(autouse=True)
def _no_jobs_left(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Tests that commit leave no job to the next one: the flush after them knows only tables of managed models."""
    yield
    marker = request.node.get_closest_marker("django_db")
    if "transactional_db" in request.fixturenames or (marker is not None and marker.kwargs.get("transaction")):
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute("TRUNCATE procrastinate_jobs CASCADE")


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
        os.environ["HUITOU_POSTGRES_OPTIONS"] = before or "fsync=off synchronous_commit=off full_page_writes=off"
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
