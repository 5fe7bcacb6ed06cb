"""Forms of time: each as some program writes it, with what it means worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from huitou.sources.importing.zones import offset_changes
from huitou.sources.tests.reading import read, write

EIGHT = datetime(2011, 3, 1, 0, 26)  # noqa: DTZ001  # 8:26 in Shanghai, as stored
FORMS = {
    "2011-03-01 08:26:00": EIGHT,
    "2011-03-01T08:26:00.000": EIGHT,
    "2011/3/1 8:26": EIGHT,
    "2011.3.1 8:26": EIGHT,
    "2011-03-01 08:26:00+08:00": EIGHT,
    "2011-03-01T00:26:00Z": EIGHT,
    "2011-02-28 19:26:00 -0500": EIGHT,
    "2011-03-01 00:26:00 UTC": EIGHT,
    "20110301082600": EIGHT,
    "201103010826": EIGHT,
    "20110301 08:26:00": EIGHT,
    "2011年3月1日 8时26分": EIGHT,
    "2011年03月01日 08:26:00": EIGHT,
    "2011年3月1日8点26分0秒": EIGHT,
    "2011/3/1 上午 8:26:00": EIGHT,
    "2011/3/1 下午 8:26:00": EIGHT + timedelta(hours=12),
    "40603.351388889": EIGHT,
    "1298939160": EIGHT,
    "1298939160000": EIGHT,
    "1 Mar 2011 08:26": EIGHT,
    "Mar 1, 2011 08:26:00": EIGHT,
    "01-March-2011 8:26 AM": EIGHT,
    "20110301": EIGHT - timedelta(hours=8, minutes=26),
    "2011-03-01": EIGHT - timedelta(hours=8, minutes=26),
    "2011年3月1日": EIGHT - timedelta(hours=8, minutes=26),
    "40603": EIGHT - timedelta(hours=8, minutes=26),
    "2011-03-01 24:00:00": EIGHT + timedelta(hours=15, minutes=34),
}
HEADER = "order_id,unit_price,paid_at\n"


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Messages are compared in the language they are written in."""
    with translation.override("en"):
        yield


@pytest.mark.parametrize(("written", "instant"), FORMS.items())
def test_one_form(written: str, instant: datetime, tmp_path: Path) -> None:
    """A column of one form."""
    found = read(write(tmp_path / "o.csv", f'{HEADER}A1,1,"{written}"\n'))
    assert [row["occurred_at"] for row in found.rows] == [instant]


def test_all_forms_in_one_column(tmp_path: Path) -> None:
    """Exports of several programs pasted together: every row is still read."""
    rows = "".join(f'A{i},1,"{written}"\n' for i, written in enumerate(FORMS))
    found = read(write(tmp_path / "o.csv", HEADER + rows))
    assert found.problems == {}
    assert [row["occurred_at"] for row in found.rows] == list(FORMS.values())


@pytest.mark.parametrize(
    ("texts", "months"),
    [
        (["3/4/2011 8:26", "25/12/2011 8:26"], [4, 12]),
        (["3/4/2011 8:26", "12/25/2011 8:26"], [3, 12]),
        (["3/4/11 08:26", "12/25/11 08:26"], [3, 12]),
        (["3-4-2011", "25-12-2011 23:59:59"], [4, 12]),
        (["03.04.2011 08:26 PM", "25.12.2011 08:26 PM"], [4, 12]),
    ],
)
def test_day_and_month_by_evidence(texts: list[str], months: list[int], tmp_path: Path) -> None:
    """A number above 12 anywhere in the column says which of the first two is the day."""
    rows = "".join(f"A{i},1,{text}\n" for i, text in enumerate(texts))
    found = read(write(tmp_path / "o.csv", HEADER + rows), zone="UTC")
    assert [row["occurred_at"].month for row in found.rows] == months
    assert {row["occurred_at"].year for row in found.rows} == {2011}


def test_impossible_times_are_rejected(tmp_path: Path) -> None:
    """The 30th of February, the year 12, and words."""
    found = read(write(tmp_path / "o.csv", HEADER + "A,1,2011-02-30\nB,1,0012-01-02\nC,1,soon\nD,1,2011-03-01\n"))
    assert found.problems == {"not_a_time:paid_at": [2, 3, 4]}


@pytest.mark.parametrize("name", ["Europe/London", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe"])
def test_wall_times_are_those_of_zoneinfo(name: str, tmp_path: Path) -> None:
    """Around every change of 1986 to 1991 and 2010 to 2012, in gaps and overlaps too: as Python's zoneinfo, fold 0."""
    zone = ZoneInfo(name)
    around = [at for at, _ in offset_changes(zone, datetime(1986, 1, 1, tzinfo=UTC), datetime(1991, 12, 1, tzinfo=UTC))]
    around += [at for at, _ in offset_changes(zone, datetime(2010, 1, 1, tzinfo=UTC), datetime(2012, 6, 1, tzinfo=UTC))]
    around += [datetime(2011, 6, 1, tzinfo=UTC)]
    walls = [
        (at.astimezone(zone) + timedelta(minutes=m)).replace(tzinfo=None) for at in around for m in range(-90, 100, 15)
    ]
    rows = "".join(f"A{i},1,{wall:%Y-%m-%d %H:%M:%S}\n" for i, wall in enumerate(walls))
    found = read(write(tmp_path / "o.csv", HEADER + rows), zone=name)
    expected = [wall.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None) for wall in walls]
    assert [row["occurred_at"] for row in found.rows] == expected


def test_a_form_that_begins_late_in_a_large_file_is_found(tmp_path: Path) -> None:
    """The first rows are only where looking begins: zones, other forms and words further down count as well."""
    rows = "".join(f"A{i},1,2011-03-01 08:26:00,交易成功\n" for i in range(25_000))
    late = "B1,1,2011-03-01 00:26:00+00:00,交易成功\nB2,1,20110301082600,已退款\nB3,1,2011年3月1日 8:26,待付款\n"
    found = read(write(tmp_path / "o.csv", "order_id,unit_price,paid_at,status\n" + rows + late))
    assert found.problems == {}
    assert [(r["occurred_at"], r["status"]) for r in found.rows[-3:]] == [
        (EIGHT, "completed"),
        (EIGHT, "refunded"),
        (EIGHT, "unpaid"),
    ]


@pytest.mark.parametrize("name", ["Europe/London", "America/New_York", "Australia/Sydney"])
@pytest.mark.parametrize("years", [0, 1, 20])
def test_summer_time_beyond_the_first_rows_counts(name: str, years: int, tmp_path: Path) -> None:
    """A file whose first rows all lie in one season of one year: rows of other seasons, years later and years
    earlier, are read by their own offsets."""
    zone = ZoneInfo(name)
    first = "".join(f"A{i},1,2011-01-10 08:{i % 60:02}:00\n" for i in range(21_000))
    walls = [datetime(year, month, 15, 13, 13) for year in (2011 - years, 2011 + years) for month in range(1, 13)]  # noqa: DTZ001
    late = "".join(f"B{i},1,{wall:%Y-%m-%d %H:%M:%S}\n" for i, wall in enumerate(walls))
    found = read(write(tmp_path / "o.csv", HEADER + first + late), zone=name)
    assert found.problems == {}
    expected = [wall.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None) for wall in walls]
    assert [row["occurred_at"] for row in found.rows[-len(walls) :]] == expected
