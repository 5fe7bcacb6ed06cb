"""A lake that is missing, or another one, is refused; the store's own one is found again wherever it lies."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

from huitou.accounts.models import Brand
from huitou.core import lake_mark
from huitou.core.checks import check_lake
from huitou.core.doctor import Finding, examine
from huitou.core.home import Home
from huitou.core.lake import commit_pending
from huitou.core.lake_mark import MARKER, OtherLakeError, home_lake
from huitou.core.models import LakeBatch, LakeMark, RefreshRun
from huitou.orders.queries import NotRefreshedError, open_engine
from huitou.orders.refresh import refresh
from huitou.sources.consuming.consumer import consume_once
from huitou.sources.models import ImportRun, InboxEvent
from huitou.sources.services import ImportOptions, run_import, start_import
from huitou.sources.tests.eventing import Client, Turning, consume, facts, track

CLOCK = Turning()


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def brand(client: Client) -> Brand:
    return Brand.objects.create(pk=1, name="b", currency="CNY", zone="Asia/Shanghai")


@pytest.fixture
def filled(client: Client, home: Home, brand: Brand) -> RefreshRun:
    """A store with two events and figures."""
    client.batch(track("a"), track("b", userId="u2"))
    consume(home, CLOCK)
    return refresh(home=home, brand=brand, clock=CLOCK).run


def _other_lake(folder: Path, kind: str) -> Path:
    if kind == "another":
        folder.mkdir()
        (folder / MARKER).write_text("0" * 32)
    elif kind == "empty":
        folder.mkdir()
    return folder


def _lake_finding() -> Finding:
    return next(finding for finding in examine(CLOCK) if finding.part == "lake")


@pytest.mark.parametrize("kind", ["missing", "empty", "another"])
@pytest.mark.usefixtures("filled")
def test_nothing_is_read_or_written_in_another_lake_and_nothing_lost(
    client: Client, home: Home, brand: Brand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    LakeBatch.objects.update(committed_at=None, lake_version=None)
    other = _other_lake(tmp_path / "other", kind)
    before = sorted(other.rglob("*"))
    with monkeypatch.context() as patched:
        patched.setenv("HUITOU_LAKE_URL", str(other))
        client.batch(track("c"))
        for write in (
            lambda: consume_once(home=home, clock=CLOCK),
            lambda: commit_pending(home=home, clock=CLOCK),
            lambda: refresh(home=home, brand=brand, clock=CLOCK, force=True),
        ):
            with pytest.raises(OtherLakeError, match=r"not the lake of this store.* HUITOU_LAKE_URL"):
                write()
        with pytest.raises(OtherLakeError), open_engine():
            pass
        found = _lake_finding()
        assert (found.state, "not the lake of this store" in found.detail, found.mend) == ("fail", True, "")
        assert sorted(other.rglob("*")) == before
        assert (InboxEvent.objects.count(), LakeBatch.objects.filter(committed_at=None).count()) == (1, 1)
    assert RefreshRun.objects.count() == 1
    assert consume(home, CLOCK).accepted == 1
    assert len(commit_pending(home=home, clock=CLOCK)) == 1
    assert [row["event_id"] for row in facts(home)] == sorted({row["event_id"] for row in facts(home)})
    assert len(facts(home)) == 3


@pytest.mark.usefixtures("filled")
def test_an_import_is_refused_before_it_begins(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("order_id,sku,product_name,quantity,unit_price,paid_at,customer_id\n1,s,n,1,5,2024-01-01,c\n")
    run = start_import(path=file, kind="orders", options=ImportOptions(), clock=CLOCK)
    with monkeypatch.context() as patched:
        patched.setenv("HUITOU_LAKE_URL", str(tmp_path / "none"))
        with pytest.raises(OtherLakeError):
            run_import(run.pk, home=home, clock=CLOCK)
        assert ImportRun.objects.get().state == "uploaded"
    assert run_import(run.pk, home=home, clock=CLOCK).state == "done"


def test_a_lake_that_was_moved_goes_on_working(
    client: Client, home: Home, brand: Brand, filled: RefreshRun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.move(home.lake_url, tmp_path / "elsewhere")
    monkeypatch.setenv("HUITOU_LAKE_URL", str(tmp_path / "elsewhere"))
    assert refresh(home=home, brand=brand, clock=CLOCK).run == filled
    client.batch(track("c"))
    assert consume(home, CLOCK).accepted == 1
    assert len(facts(home)) == 3
    assert check_lake(CLOCK)[0] == "ok"


def test_an_older_copy_is_told_and_computed_anew(
    client: Client, home: Home, brand: Brand, filled: RefreshRun, tmp_path: Path
) -> None:
    shutil.copytree(home.lake_url, tmp_path / "copy")
    client.batch(track("c", userId="u3"))
    consume(home, CLOCK)
    newest = refresh(home=home, brand=brand, clock=CLOCK).run
    shutil.rmtree(home.lake_url)
    shutil.move(tmp_path / "copy", home.lake_url)
    with pytest.raises(NotRefreshedError, match="huitou refresh"), open_engine() as engine:
        engine.table("int_person_days")
    again = refresh(home=home, brand=brand, clock=CLOCK)
    assert not again.skipped
    assert again.run.pk > newest.pk
    with open_engine() as engine:
        assert engine.to_pyarrow(engine.table("int_person_days")).num_rows == 2
    state, detail, _mend = check_lake(CLOCK)
    assert (state, "fct_events" in detail) == ("fail", True)


def test_a_new_store_takes_an_empty_folder_and_no_lake_of_another(
    client: Client, home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client.batch(track("a"))
    with monkeypatch.context() as patched:
        patched.setenv("HUITOU_LAKE_URL", str(_other_lake(tmp_path / "other", "another")))
        with pytest.raises(OtherLakeError, match="of another store"):
            consume_once(home=home, clock=CLOCK)
    assert not LakeMark.objects.exists()
    consume(home, CLOCK)
    assert (Path(home.lake_url) / MARKER).read_text().strip() == LakeMark.objects.get().value
    assert len(facts(home)) == 1


def test_a_kill_between_row_and_marker_is_made_good(
    client: Client, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.batch(track("a"))
    with monkeypatch.context() as patched:
        patched.setattr(lake_mark, "_place_marker", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        with pytest.raises(OSError, match="killed"):
            consume_once(home=home, clock=CLOCK)
    assert not LakeMark.objects.get().is_placed
    commit_pending(home=home, clock=CLOCK)
    assert (Path(home.lake_url) / MARKER).read_text().strip() == LakeMark.objects.get().value
    assert len(facts(home)) == 1


@pytest.mark.usefixtures("filled")
def test_a_store_of_an_earlier_release_takes_the_lake_that_has_its_tables(
    home: Home, brand: Brand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    LakeMark.objects.all().delete()
    (Path(home.lake_url) / MARKER).unlink()
    with monkeypatch.context() as patched:
        patched.setenv("HUITOU_LAKE_URL", str(tmp_path / "none"))
        with pytest.raises(OtherLakeError):
            home_lake(home)
    refresh(home=home, brand=brand, clock=CLOCK)
    assert (Path(home.lake_url) / MARKER).read_text().strip() == LakeMark.objects.get().value
