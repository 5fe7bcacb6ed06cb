"""Days kept up to date from new events only are those of a plain account of all events: whatever came late, twice, out
of order, and wherever a refresh was killed in between."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from huitou.analytics.engines import DuckEngine, Engine, Lake
from huitou.analytics.feature import FEATURES, Moment, interaction_cuts, interaction_rows
from huitou.analytics.person_days import (
    DaysBasis,
    person_days_from_facts,
    person_days_until,
    refresh_person_days,
)
from huitou.analytics.rules import Thresholds
from huitou.analytics.tables import TABLES
from huitou.analytics.tests.happenings import Row, event, random_events
from huitou.analytics.tests.interaction_oracle import days_of, interactions_of

AS_OF = datetime(2024, 4, 9, 4, 0, 0, 5, tzinfo=UTC)
# Saint John's turned its clocks at a minute past midnight then: a day of it is not one stretch of time.
ODD = datetime(2009, 11, 1, 3, 0, tzinfo=UTC)
PEOPLE = (1, 2, 3)
KEY = ("person_id", "day", "name")


class KilledError(Exception):
    """The process died here."""


class Brand:
    """A lake of events, with what its refreshes remember: nothing but what the last finished one published."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lake = _Aging(str(folder / "lake"))
        self.zone = "Asia/Shanghai"
        self.delivered: list[Row] = []
        self.last: DaysBasis | None = None
        self._batches = 0

    def deliver(self, events: list[Row], *, times: int = 1) -> None:
        """Append one batch; every delivery after the first is the same batch again."""
        self._batches += 1
        staged = self.folder / f"batch-{self._batches}"
        for month in {row["month"] for row in events}:
            rows = [row for row in events if row["month"] == month]
            table = pa.Table.from_pylist(rows, TABLES["fct_events"].schema).drop_columns(["month"])
            (staged / f"month={month}").mkdir(parents=True)
            pq.write_table(table, staged / f"month={month}" / "rows.parquet")
        for _ in range(times):
            self.lake.append("fct_events", staged, transaction_id=f"batch-{self._batches}")
        self.delivered += events

    def refresh(self, *, dies: str | None = None) -> bool:
        """Bring the days up to date; returns whether they were rebuilt in full.

        `dies` says where the process is killed: with files written and nothing committed, or with the new version
        committed and the refresh not finished.
        """
        versions = {}
        if (version := self.lake.version("fct_events")) is not None:
            versions["fct_events"] = version
        with DuckEngine(self.lake, scratch=self.folder / "scratch", versions=versions) as engine:
            if dies == "before the commit":
                engine.lake = _Dying(self.lake.url)
            try:
                done = refresh_person_days(engine, self.last, self.zone)
            except KilledError:
                return False
        if dies is None:
            self.last = DaysBasis(
                self.lake.identity("fct_events"),
                version or 0,
                self.lake.identity("int_person_days"),
                done.version,
                self.zone,
            )
        return done.in_full

    def compact(self) -> int:
        """Write the small files of all months together; returns how many months had several."""
        months = self.lake.scattered("fct_events", small_bytes=2**30, at_least=2)
        for month in months:
            self.lake.compact("fct_events", month)
        return len(months)

    def lose(self, what: str) -> None:
        """The folder of the days is removed, or put back as an earlier copy of it; or its log loses its start."""
        folder = Path(self.lake.url) / "int_person_days"
        copy = self.folder / "copy"
        if not folder.exists():
            return
        if what == "lose the days' log":
            self.lake.clean_log("int_person_days")
            return
        if what == "lose and restore the days" and copy.exists():
            shutil.rmtree(folder)
            shutil.copytree(copy, folder)
        elif what == "lose and restore the days":
            shutil.copytree(folder, copy)
        else:
            shutil.rmtree(folder)

    def engine(self) -> Engine:
        """An engine over what the last finished refresh published."""
        assert self.last is not None
        versions = {"int_person_days": self.last.version}
        if self.last.events_identity is not None:
            versions["fct_events"] = self.last.events_version
        return DuckEngine(self.lake, scratch=self.folder / "scratch", versions=versions)

    def published(self) -> list[Row]:
        """The days of the last finished refresh, read without an engine."""
        assert self.last is not None
        files = self.lake.kept_files("int_person_days", self.last.version)
        assert files is not None
        months = {file: Path(file).parent.name.removeprefix("month=") for file in files}
        return [row | {"month": months[file]} for file in files for row in pq.ParquetFile(file).read().to_pylist()]

    def check(self, *instants: datetime) -> None:
        """The published days, and the features as of some instants, are those of the account."""
        rows = self.published()
        assert len({tuple(row[k] for k in KEY) for row in rows}) == len(rows)
        assert {tuple(row.pop(k) for k in KEY): row for row in rows} == days_of(self.delivered, self.zone)
        if instants:
            self._check_features(instants)

    def _check_features(self, instants: tuple[datetime, ...]) -> None:
        with self.engine() as engine:
            for as_of in instants:
                every = interactions_of(self.delivered, PEOPLE, as_of, self.zone)
                expected = {n: row for n, row in every.items() if row["last_interaction_at"] is not None}
                for row in expected.values():
                    del row["message_response_rate"]  # held against its account with all other features
                for read in (person_days_until, person_days_from_facts):
                    days = read(engine, as_of, self.zone, interaction_cuts(as_of))
                    assert _features(engine, days, as_of) == expected, read.__name__


class _Aging(Lake):
    def clean_log(self, table: str) -> None:
        """What a table does to commits that are old enough: a checkpoint and the newest stay."""
        opened = self._open(table)
        assert opened is not None
        opened.create_checkpoint()
        for log in sorted(Path(self.url).glob(f"{table}/_delta_log/*.json"))[:-1]:
            log.unlink()


class _Dying(Lake):
    def commit_files(self, *_: object, **__: object) -> int:
        raise KilledError


def _features(engine: Engine, days: ibis.Table, as_of: datetime) -> dict[int, Row]:
    rows, moment = interaction_rows(days), Moment(as_of, Thresholds())
    own = {f.kind: f.over_interactions(rows, moment) for f in FEATURES if f.over_interactions}
    table = rows.group_by("person_id").aggregate(**own)
    since = FEATURES["days_since_last_interaction"]
    assert since.derive is not None
    table = table.mutate(days_since_last_interaction=since.derive(table, moment))
    zero = {f.kind: table[f.kind].fill_null(f.empty) for f in FEATURES if f.over_interactions and f.empty is not None}
    table = table.mutate(**zero)
    score = FEATURES["interaction_score"]
    assert score.derive is not None
    table = table.mutate(interaction_score=score.derive(table, moment).cast(score.dtype))
    return {row.pop("person_id"): row for row in engine.to_pyarrow(table).to_pylist()}


STEPS = st.lists(
    st.sampled_from(
        [
            *("deliver", "deliver", "deliver twice", "refresh", "refresh", "die before the commit", "die after it"),
            *("move", "compact", "compact", "lose the days", "lose the days' log", "lose and restore the days"),
        ]
    ),
    min_size=3,
    max_size=12,
)


@settings(max_examples=20, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(random=st.randoms(use_true_random=False), steps=STEPS)
def test_days_equal_a_plain_account_of_all_events(
    tmp_path_factory: pytest.TempPathFactory, random: Random, steps: list[str]
) -> None:
    brand = Brand(tmp_path_factory.mktemp("days"))
    for step in [*steps, "deliver many", "refresh"]:
        if step.startswith("deliver"):
            # A batch holds any part of the history, so most of what arrives is late.
            count = 200 if step == "deliver many" else random.randint(1, 40)
            batch = random_events(random, count, PEOPLE, AS_OF, brand.zone)
            brand.deliver(batch, times=2 if step == "deliver twice" else 1)
        elif step == "move":
            brand.zone = random.choice(["Europe/London", "Asia/Shanghai", "America/St_Johns"])
        elif step == "compact":
            brand.compact()
        elif step.startswith("lose"):
            brand.lose(step)
        else:
            brand.refresh(dies=step.removeprefix("die ") if step.startswith("die") else None)
            if step == "refresh":
                brand.check()
    brand.check(AS_OF, AS_OF - timedelta(days=30))


@pytest.fixture
def brand(tmp_path: Path) -> Brand:
    return Brand(tmp_path)


def test_only_touched_months_are_rewritten(brand: Brand) -> None:
    brand.deliver([event(f"a{n}", 1, "Page Viewed", None, AS_OF - timedelta(days=31 * n)) for n in range(6)])
    assert brand.refresh()
    before = set(brand.lake.files("int_person_days"))
    brand.deliver([event("late", 1, "Page Viewed", None, AS_OF - timedelta(days=93))])
    assert not brand.refresh()
    after = set(brand.lake.files("int_person_days"))
    assert [Path(f).parent.name for f in before - after] == ["month=2024-01"]
    assert {Path(f).parent.name for f in after - before} == {"month=2024-01"}
    brand.check(AS_OF)


def test_a_refresh_without_new_events_writes_nothing(brand: Brand) -> None:
    brand.deliver([event("a", 1, "Page Viewed", None, AS_OF - timedelta(days=1))])
    brand.refresh()
    version = brand.lake.version("int_person_days")
    assert not brand.refresh()
    assert brand.lake.version("int_person_days") == version


def test_what_a_killed_refresh_committed_is_not_continued_and_not_left_standing(brand: Brand) -> None:
    """Even where the next refresh finds nothing new, the table's newest version is that of the last finished one."""
    brand.deliver([event("a", 1, "Page Viewed", None, AS_OF - timedelta(days=1))])
    brand.refresh()
    published = brand.lake.files("int_person_days")
    brand.zone = "Pacific/Apia"
    brand.refresh(dies="after it")
    assert brand.lake.files("int_person_days") != published
    brand.zone = "Asia/Shanghai"
    assert not brand.refresh()
    assert brand.lake.files("int_person_days") == published
    brand.check(AS_OF)


def test_a_table_of_the_same_name_is_told_from_the_dropped_one(brand: Brand) -> None:
    brand.deliver([event("a", 1, "Page Viewed", None, AS_OF - timedelta(days=1))])
    brand.refresh()
    brand.lake.drop("fct_events")
    brand.delivered = []
    brand.deliver([event("b", 2, "Page Viewed", None, AS_OF - timedelta(days=2))])
    assert brand.refresh()
    brand.check(AS_OF)


def test_events_of_files_that_were_written_together_are_not_read_again(brand: Brand) -> None:
    """New ones among them are counted once, and no month of old ones is rewritten."""
    for n in range(3):
        brand.deliver([event(f"a{n}", 1, "Page Viewed", None, AS_OF - timedelta(days=31 * m, hours=n)) for m in (0, 1)])
    assert brand.refresh()
    before = set(brand.lake.files("int_person_days"))
    brand.deliver([event("late", 1, "Page Viewed", None, AS_OF - timedelta(days=31))])
    assert brand.compact() == 2
    brand.deliver([event("later", 2, "Page Viewed", None, AS_OF - timedelta(days=31))])
    assert not brand.refresh()
    after = set(brand.lake.files("int_person_days"))
    assert [Path(f).parent.name for f in before - after] == ["month=2024-03"]
    brand.check(AS_OF)


@pytest.mark.parametrize("what", ["lose the days", "lose the days' log", "another table"])
def test_lost_days_are_made_anew_from_all_events(brand: Brand, what: str) -> None:
    brand.deliver([event(f"a{n}", 1, "Page Viewed", None, AS_OF - timedelta(days=n)) for n in range(10)])
    brand.refresh()
    if what == "another table":
        brand.lake.drop("int_person_days")
        published, brand.last = brand.last, None
        brand.refresh()
        brand.last = published
    else:
        brand.lose(what)
    brand.deliver([event("b", 1, "Page Viewed", None, AS_OF - timedelta(days=2))])
    # A checkpoint holds the newest version, which is the published one.
    assert brand.refresh() is (what != "lose the days' log")
    brand.check(AS_OF)


def test_a_version_whose_log_was_cleaned_is_not_continued(brand: Brand) -> None:
    brand.deliver([event("a", 1, "Page Viewed", None, AS_OF - timedelta(days=1))])
    brand.refresh()
    brand.zone = "Europe/London"
    brand.refresh(dies="after it")
    brand.zone = "Asia/Shanghai"
    brand.lose("lose the days' log")
    brand.deliver([event("b", 1, "Page Viewed", None, AS_OF - timedelta(days=2))])
    assert brand.refresh()
    brand.check(AS_OF)


def test_events_whose_log_was_cleaned_are_counted_anew(brand: Brand) -> None:
    brand.deliver([event("a", 1, "Page Viewed", None, AS_OF - timedelta(days=1))])
    brand.refresh()
    brand.deliver([event("b", 1, "Page Viewed", None, AS_OF - timedelta(days=2))])
    brand.deliver([event("c", 1, "Page Viewed", None, AS_OF - timedelta(days=3))])
    brand.lake.clean_log("fct_events")
    assert brand.refresh()
    brand.check(AS_OF)


def test_days_that_are_not_one_stretch_of_time_are_cut_right(brand: Brand) -> None:
    """A minute after midnight the clock went back to the day before: both days have instants on both sides."""
    brand.zone = "America/St_Johns"
    around = [ODD - timedelta(minutes=m) for m in range(-300, 300, 7)]
    brand.deliver([event(f"e{n}", 1 + n % 3, "Page Viewed", None, at) for n, at in enumerate(around)])
    brand.refresh()
    near = [ODD + timedelta(minutes=m) for m in (-31, -29, 0, 1, 31, 61)]
    month_later = [ODD + timedelta(days=30, minutes=m) for m in (-30, 0, 30)]
    brand.check(*near, *month_later)


def test_an_empty_lake_has_no_days(brand: Brand) -> None:
    assert brand.refresh()
    brand.last = DaysBasis(None, 0, None, brand.lake.version("int_person_days") or 0, brand.zone)
    with DuckEngine(brand.lake, scratch=brand.folder / "scratch") as engine:
        days = person_days_until(engine, AS_OF, brand.zone, interaction_cuts(AS_OF))
        assert engine.to_pyarrow(days).num_rows == 0
