"""The local day of an instant equals Python's own zone arithmetic, at zone borders and clock changes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huitou.analytics.days import local_day, zone_offsets
from huitou.analytics.engines import open_scratch

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = ["Asia/Shanghai", "Europe/London", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> ibis.BaseBackend:
    folder: Path = tmp_path_factory.mktemp("days")
    return ibis.duckdb.from_connection(open_scratch(folder))


def _days(backend: ibis.BaseBackend, instants: list[datetime], zone: str) -> list[object]:
    rows = pa.table({"n": range(len(instants)), "at": pa.array(instants, pa.timestamp("us", tz="UTC"))})
    table = ibis.memtable(rows)
    expression = table.select("n", day=local_day(table.at, zone, min(instants), max(instants))).order_by("n")
    days: list[object] = backend.to_pyarrow(expression)["day"].to_pylist()
    return days


@settings(max_examples=40, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    instants=st.lists(
        st.integers(1_100_000_000_000_000, 1_900_000_000_000_000).map(lambda us: EPOCH + timedelta(microseconds=us)),
        min_size=1,
        max_size=20,
    ),
)
def test_days_equal_python(backend: ibis.BaseBackend, zone: str, instants: list[datetime]) -> None:
    assert _days(backend, instants, zone) == [i.astimezone(ZoneInfo(zone)).date() for i in instants]


@pytest.mark.parametrize("zone", ZONES)
def test_days_at_every_clock_change_and_midnight(backend: ibis.BaseBackend, zone: str) -> None:
    since, until = datetime(2009, 6, 1, tzinfo=UTC), datetime(2013, 6, 1, tzinfo=UTC)
    instants = [
        change + timedelta(minutes=minutes, microseconds=nudge)
        for change, _ in zone_offsets(zone, since, until)
        for minutes in range(-26 * 60, 26 * 60, 30)
        for nudge in (-1, 0, 1)
    ]
    assert _days(backend, instants, zone) == [i.astimezone(ZoneInfo(zone)).date() for i in instants]
