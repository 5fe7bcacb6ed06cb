"""Points in time as files write them: the form is found over the whole column, shown, and then used for every row."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from huitou.analytics.engines import Scratch
from huitou.core.errors import DomainError
from huitou.sources.importing.cells import first_of
from huitou.sources.importing.zones import offset_changes, wall_to_utc

DAY_ORDERS = ("dmy", "mdy", "ymd")
# 9 stands for any digit. A clock with seconds or not, perhaps with AM or PM.
_CLOCK = r"(?:[ T]+9{1,2}:99(?::99(?:\.9+)?)?(?: ?[AaPp]\.?[Mm]\.?)?)?"
_ZONE = r" ?(?:Z|UTC|GMT|[+-]99(?::?99)?)"
_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("zoned", re.compile(rf"9{{4}}[-/.]9{{1,2}}[-/.]9{{1,2}}[ T]+9{{1,2}}:99(?::99(?:\.9+)?)?{_ZONE}")),
    ("ymd", re.compile(rf"9{{4}}[-/.]9{{1,2}}[-/.]9{{1,2}}(?: 9{{1,2}}|{_CLOCK})")),
    ("chinese", re.compile(r"9{4}年9{1,2}月9{1,2}日?.*|9{4}[-/.]9{1,2}[-/.]9{1,2} *(?:上午|下午).*")),
    ("compact", re.compile(r"9{8}|9{12}|9{14}|9{8}[ T]9{1,2}:99(?::99)?|9{8}[ T]9{6}")),
    ("serial", re.compile(r"9{5}(?:\.9+)?")),
    ("epoch", re.compile(r"9{10}(?:\.9+)?|9{13}|9{16}")),
    ("day_first", re.compile(rf"9{{1,2}}[-/.]9{{1,2}}[-/.](?:9{{4}}|99){_CLOCK}")),
    ("named", re.compile(rf"(?:9{{1,2}}[ -][A-Za-z]{{3,9}}[ ,-]+9{{2,4}}|[A-Za-z]{{3,9}} 9{{1,2}},? 9{{4}}){_CLOCK}")),
)
# Zones with a summer time have hundreds of changes; then only those of the column's own years are written out.
_FEW_CHANGES = 24
_YEARS_BEFORE, _YEARS_AFTER = timedelta(days=366), timedelta(days=5 * 366)
_EARLIEST, _LATEST = "TIMESTAMP '1970-01-01'", "TIMESTAMP '2100-01-01'"


def form_words() -> dict[str, str]:
    """The forms of time by code, as people say them."""
    return {
        "zoned": _("year-month-day, clock and zone"),
        "ymd": _("year-month-day"),
        "chinese": _("year, month and day in Chinese"),
        "compact": _("year, month and day without separators"),
        "serial": _("days as Excel counts them"),
        "epoch": _("Unix time"),
        "dmy": _("day/month/year"),
        "mdy": _("month/day/year"),
        "named": _("day, month by name, year"),
    }


class DateOrderError(DomainError):
    """Day and month cannot be told apart in a column, or it mixes both orders."""

    code = "date_order"


@dataclass(frozen=True)
class TimeForm:
    """How a column writes time: the forms met (commonest first), each with a value of the file, and the order
    of day and month.
    """

    forms: tuple[str, ...]
    day_order: str
    day_formats: tuple[str, ...]
    examples: tuple[str, ...]
    unread: int

    @property
    def example(self) -> str:
        return self.examples[0] if self.examples else ""

    def to_json(self) -> dict[str, object]:
        names = [self.day_order if form == "day_first" else form for form in self.forms]
        return {
            "forms": [{"form": name, "like": like} for name, like in zip(names, self.examples, strict=True)],
            "date_order": self.day_order or None,
            "example": self.example,
            "unread": self.unread,
        }


def detect_form(scratch: Scratch, table: str, cell: str, column: str, date_order: str, first_row: int = 2) -> TimeForm:
    """The form of one column, from every row of `table`, whose first one people see under the number `first_row`.

    Raises DateOrderError where day and month cannot be told apart; `date_order` then says it.
    """
    shapes = scratch.rows(
        f"SELECT translate(cell, '0123456789', '9999999999') AS shape, count(*) AS n, min(cell)"
        f" FROM (SELECT {cell} AS cell FROM {table}) WHERE cell IS NOT NULL AND NOT is_nothing(cell)"
        f" GROUP BY shape ORDER BY n DESC, shape LIMIT 2000"
    )
    forms: dict[str, int] = {}
    examples: dict[str, str] = {}
    formats: list[str] = []
    unread = 0
    for shape, count, example in shapes:
        form = next((name for name, pattern in _SHAPES if pattern.fullmatch(shape)), None)
        if form is None:
            unread += count
            continue
        forms[form] = forms.get(form, 0) + count
        examples.setdefault(form, example)
        if form == "day_first" and (written := _day_format(shape)) not in formats:
            formats.append(written)
    ordered = tuple(sorted(forms, key=lambda name: -forms[name]))
    order = date_order if "day_first" in forms else ""
    if "day_first" in forms and not order:
        order = _day_order(scratch, table, cell, column, first_row)
    return TimeForm(ordered, order, tuple(formats), tuple(examples[form] for form in ordered), unread)


def _day_format(shape: str) -> str:
    """The format after the three numbers: year in two or four digits, and the clock."""
    match = re.fullmatch(r"9{1,2}[-/.]9{1,2}[-/.](9{4}|99)[ T]*(.*)", shape)
    assert match is not None, "only shapes of that form come here"
    year = "%Y" if match[1] == "9999" else "%y"
    clock = match[2]
    if not clock:
        return year
    half = bool(re.search(r"[AaPp]\.?[Mm]", clock))
    written = "%I" if half else "%H"
    written += ":%M" + (":%S" if clock.count(":") == 2 else "") + (".%f" if "." in clock.split("M")[0] else "")
    return f"{year} {written}" + (" %p" if half else "")


def _day_order(scratch: Scratch, table: str, cell: str, column: str, first_row: int) -> str:
    """Which of the first two numbers is the day, by a number above 12 anywhere in the column."""
    first, second = scratch.row(
        f"SELECT max(TRY_CAST(regexp_extract(cell, '^(\\d{{1,2}})[-/.]', 1) AS INTEGER)),"
        f" max(TRY_CAST(regexp_extract(cell, '^\\d{{1,2}}[-/.](\\d{{1,2}})[-/.]', 1) AS INTEGER))"
        f" FROM (SELECT {cell} AS cell FROM {table}) WHERE regexp_matches(cell, '^\\d{{1,2}}[-/.]\\d{{1,2}}[-/.]\\d')"
    )
    if (first or 0) > 12 and (second or 0) > 12:
        raise DateOrderError(
            _("Column %(column)s writes some dates day first and some month first; split the file or unify them.")
            % {"column": column},
            control="date_order",
        )
    if (first or 0) <= 12 and (second or 0) <= 12:
        row, value = scratch.row(
            f"SELECT coalesce(file_row, {first_row} + place), cell FROM (SELECT file_row, {cell} AS cell,"
            f" row_number() OVER () - 1 AS place FROM {table})"
            " WHERE regexp_matches(cell, '^\\d{1,2}[-/.]\\d{1,2}[-/.]\\d') ORDER BY 1 LIMIT 1"
        )
        raise DateOrderError(
            _("Column %(column)s, row %(row)s: does %(value)s begin with the day or with the month? No row tells.")
            % {"column": column, "row": row, "value": value},
            at_terminal=_("Say --date-order dmy (day first) or --date-order mdy (month first)."),
            control="date_order",
        )
    return "dmy" if (first or 0) > 12 else "mdy"


def wall_time(cell: str, form: TimeForm) -> str:
    """SQL of the naive TIMESTAMP written in `cell`, NULL if it is none of the column's forms."""
    readings = [_READERS[name](cell, form) for name in form.forms if name in _READERS]
    # The plain form costs least and is harmless to try on rows of other forms.
    plain = f"TRY_CAST({cell} AS TIMESTAMP)"
    if "zoned" not in form.forms:
        # The plain form would pass over an offset; a column that has one turns out to be zoned when all of it is asked.
        plain = (
            f"CASE WHEN contains({cell}, '+') OR ends_with({cell}, 'Z')"
            f" OR (length({cell}) > 19 AND NOT contains({cell}, '.')) THEN NULL ELSE {plain} END"
        )
    ordered = [plain, *readings] if "ymd" in form.forms and form.day_order == "" else [*readings, plain]
    tried = "".join(f"CASE WHEN {r} BETWEEN {_EARLIEST} AND {_LATEST} THEN {r} ELSE " for r in ordered)
    return f"{tried}NULL{' END' * len(ordered)}"


def _read_ymd(cell: str, form: TimeForm) -> str:
    dashed = f"regexp_replace({cell}, '^(\\d{{4}})[./](\\d{{1,2}})[./](\\d{{1,2}})', '\\1-\\2-\\3')"
    hours = f"regexp_replace({dashed}, '^(\\S+ \\d{{1,2}})$', '\\1:00')"
    half = ", ".join(f"'%Y-%m-%d %I:%M{s} %p'" for s in ("", ":%S"))
    return first_of(f"TRY_CAST({hours} AS TIMESTAMP)", f"try_strptime({dashed}, [{half}])")


def _read_chinese(cell: str, form: TimeForm) -> str:
    plain = f"regexp_replace({cell}, '^(\\d{{4}})[年./-](\\d{{1,2}})[月./-](\\d{{1,2}})日? *', '\\1-\\2-\\3 ')"
    clock = f"rtrim(replace(regexp_replace({plain}, '[时時点點分]', ':', 'g'), '秒', ''), ': ')"
    halves = f"regexp_replace({clock}, '(上午|下午) *(\\d{{1,2}}(:\\d{{2}})+)', '\\2 \\1')"
    latin = f"replace(replace({halves}, '上午', 'AM'), '下午', 'PM')"
    hours = f"regexp_replace({latin}, '^(\\S+ \\d{{1,2}})$', '\\1:00')"
    halved = "['%Y-%m-%d %I:%M %p', '%Y-%m-%d %I:%M:%S %p']"
    return first_of(f"TRY_CAST({hours} AS TIMESTAMP)", f"try_strptime({latin}, {halved})")


def _read_compact(cell: str, form: TimeForm) -> str:
    digits = f"regexp_replace({cell}, '[^0-9]', '', 'g')"
    return (
        f"CASE length({digits}) WHEN 14 THEN try_strptime({digits}, '%Y%m%d%H%M%S')"
        f" WHEN 12 THEN try_strptime({digits}, '%Y%m%d%H%M') WHEN 8 THEN try_strptime({digits}, '%Y%m%d') END"
    )


def _read_serial(cell: str, form: TimeForm) -> str:
    days = f"TRY_CAST({cell} AS DOUBLE)"
    return (
        f"CASE WHEN regexp_full_match({cell}, '\\d{{5}}(\\.\\d+)?') THEN"
        f" TIMESTAMP '1899-12-30' + to_seconds(CAST(round({days} * 86400) AS BIGINT)) END"
    )


def _read_day_first(cell: str, form: TimeForm) -> str:
    slashed = f"regexp_replace(replace({cell}, 'T', ' '), '^(\\d{{1,2}})[-./](\\d{{1,2}})[-./]', '\\1/\\2/')"
    start = {"dmy": "%d/%m/", "mdy": "%m/%d/", "ymd": "%y/%m/"}[form.day_order]
    ends = [end.replace("%y", "%d").replace("%Y", "%d") if form.day_order == "ymd" else end for end in form.day_formats]
    return f"try_strptime({slashed}, [{', '.join(repr(start + end) for end in ends)}])"


def _read_named(cell: str, form: TimeForm) -> str:
    plain = f"trim(regexp_replace({cell}, '[ ,-]+', ' ', 'g'))"
    days = [f"%d {m} {y}" for m in ("%b", "%B") for y in ("%Y", "%y")] + ["%b %d %Y", "%B %d %Y"]
    clocks = ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p")
    return f"try_strptime({plain}, [{', '.join(repr(day + clock) for day in days for clock in clocks)}])"


_READERS = {
    "ymd": _read_ymd,
    "chinese": _read_chinese,
    "compact": _read_compact,
    "serial": _read_serial,
    "day_first": _read_day_first,
    "named": _read_named,
}


def instant(cell: str, wall: str, form: TimeForm, local: str) -> str:
    """SQL of the UTC TIMESTAMP for `cell`: zone-aware and Unix times as they are, else `local`, made from `wall`."""
    readings = [f"CASE WHEN {wall} IS NOT NULL THEN {local} END"]
    if "zoned" in form.forms:
        readings.insert(0, _read_zoned(cell))
    if "epoch" in form.forms:
        readings.insert(0, _read_epoch(cell))
    return first_of(*readings)


def local_sql(scratch: Scratch, table: str, cell: str, wall: str, form: TimeForm, zone: ZoneInfo) -> str:
    """SQL of the UTC TIMESTAMP for the naive column `wall`: the zone's offset changes in the years of the column.

    `table` may hold the column's first rows only: some years around them are written out as well, and a time beyond
    those is NULL, so that whoever meets one asks all rows.
    """
    first, last = datetime(1970, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001  # wall times
    if len(offset_changes(zone, first.replace(tzinfo=UTC), last.replace(tzinfo=UTC))) > _FEW_CHANGES:
        found = scratch.row(f"SELECT min(w), max(w) FROM (SELECT {wall_time(cell, form)} AS w FROM {table})")
        first = max(first, (found[0] or first) - _YEARS_BEFORE)
        last = min(last, (found[1] or first) + _YEARS_AFTER)
    return wall_to_utc(wall, zone, first, last)


def _read_zoned(cell: str) -> str:
    offset = f"regexp_replace({cell}, ' ?(Z|UTC|GMT)$', '+00:00')"
    spelled = f"regexp_replace({offset}, ' ?([+-]\\d{{2}}):?(\\d{{2}})?$', '\\1:\\2')"
    dashed = f"regexp_replace({spelled}, '^(\\d{{4}})[./](\\d{{1,2}})[./](\\d{{1,2}})', '\\1-\\2-\\3')"
    return (
        f"CASE WHEN regexp_matches({cell}, ':\\d{{2}}(\\.\\d+)? ?(Z|UTC|GMT|[+-]\\d{{2}}(:?\\d{{2}})?)$')"
        f" THEN make_timestamp(epoch_us(TRY_CAST(rtrim({dashed}, ':') AS TIMESTAMPTZ))) END"
    )


def _read_epoch(cell: str) -> str:
    return (
        f"CASE WHEN regexp_full_match({cell}, '\\d{{10}}(\\.\\d+)?|\\d{{13}}|\\d{{16}}') THEN make_timestamp("
        f"CAST(TRY_CAST({cell} AS DECIMAL(28, 6)) * CASE length(split_part({cell}, '.', 1))"
        f" WHEN 10 THEN 1000000 WHEN 13 THEN 1000 ELSE 1 END AS BIGINT)) END"
    )
