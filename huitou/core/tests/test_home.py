"""The data directory: what lies where, and a signing key that two processes never disagree about."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from huitou.core.home import Home


def test_secret_key_is_made_once_and_private(home: Home) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: home.secret_key(), range(8)))
    assert len(keys) == 1
    assert (home.root / "secret-key").stat().st_mode & 0o077 == 0
    assert [path.name for path in home.root.iterdir()] == ["secret-key"]


def test_lake_goes_where_the_environment_says(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert home.lake_url == str(home.root / "lake")
    monkeypatch.setenv("HUITOU_LAKE_URL", "s3://facts/lake")
    assert home.lake_url == "s3://facts/lake"
