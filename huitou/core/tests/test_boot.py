"""Start-up: the language of the output, and whether the store is behind."""

from __future__ import annotations

import pytest
from django.db import connection

from huitou.core.boot import choose_language, has_pending_migrations, migrate_if_behind
from huitou.core.migrating import WholeExecutor

NAMES = ("HUITOU_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "zh-hans"),
        ({"LANG": "C.UTF-8"}, "zh-hans"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "zh_TW.UTF-8"}, "zh-hans"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_CN.UTF-8"}, "zh-hans"),
        ({"LANG": "zh_CN.UTF-8", "HUITOU_LANGUAGE": "en"}, "en"),
        ({"LANG": "C"}, "zh-hans"),
        ({"LANG": "POSIX"}, "zh-hans"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "HUITOU_LANGUAGE": "zh"}, "zh-hans"),
        ({"LANG": "en_US.UTF-8", "HUITOU_LANGUAGE": ""}, "en"),
        ({"LANG": "cs_CZ.UTF-8"}, "en"),
    ],
)
def test_language_of_the_output(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], language: str) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert choose_language() == language


@pytest.mark.django_db
def test_a_store_is_behind_until_its_last_migration_is_known() -> None:
    assert not has_pending_migrations()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'core' AND name = '0001_initial'")
    assert has_pending_migrations()


@pytest.mark.django_db(transaction=True)
def test_only_what_is_missing_is_migrated() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
        cursor.execute("DROP TABLE django_session")
        migrate_if_behind()
        cursor.execute("SELECT count(*) FROM django_session")
        assert cursor.fetchone() == (0,)
    assert not has_pending_migrations()


@pytest.mark.django_db(transaction=True)
def test_a_migration_killed_before_it_was_recorded_has_made_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'admin'")
        cursor.execute("DROP TABLE django_admin_log")

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(WholeExecutor, "record_migration", killed)
            with pytest.raises(KeyboardInterrupt):
                migrate_if_behind()
        cursor.execute("SELECT to_regclass('django_admin_log')")
        assert cursor.fetchone() == (None,)
        migrate_if_behind()
        cursor.execute("SELECT count(*) FROM django_admin_log")
        assert cursor.fetchone() == (0,)
    assert not has_pending_migrations()
