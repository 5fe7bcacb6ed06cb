"""What only the whole column tells: forms of time, words and their meanings, decimal commas, codes kept as floats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from huitou.analytics.engines import Scratch
from huitou.sources.canonical import CODE, INSTANT, KINDS, MONEY, NUMBER, label_of
from huitou.sources.importing.mapping import FileMapping, MappingError
from huitou.sources.importing.times import TimeForm, detect_form, local_sql
from huitou.sources.statuses import VOCABULARIES, meaning_of

_SAMPLE_ROWS = 20_000
_MOST_WORDS = 300
# 2,55 and 1.234,5 can only have a decimal comma; 1,234 says nothing.
_COMMA_NUMBER = r"[^0-9]*(\d+|\d{1,3}(\.\d{3})+),(\d{1,2}|\d{4,})"
_POINT_NUMBER = r"[^0-9]*[0-9,]*\.(\d{1,2}|\d{4,})"


@dataclass(frozen=True)
class ColumnFacts:
    """Findings by field. `words`: the column's own words that are understood; `local`: SQL from wall time to UTC."""

    times: Mapping[str, TimeForm] = field(default_factory=dict)
    local: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, dict[str, str]] = field(default_factory=dict)
    unknown_words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    comma_numbers: frozenset[str] = frozenset()
    float_codes: frozenset[str] = frozenset()
    zeroed_orders: bool = False

    def reads_like(self, other: ColumnFacts) -> bool:
        """Whether rows are read the same by both findings, whatever was counted on the way."""
        return self._reading() == other._reading()

    def _reading(self) -> tuple[object, ...]:
        forms = {name: (sorted(f.forms), f.day_order, sorted(f.day_formats)) for name, f in self.times.items()}
        local = dict(self.local)
        return forms, local, dict(self.words), self.comma_numbers, self.float_codes, self.zeroed_orders

    def to_json(self) -> dict[str, object]:
        found: dict[str, object] = {"times": {name: form.to_json() for name, form in self.times.items()}}
        if self.words:
            found["words"] = {name: dict(words) for name, words in self.words.items()}
        if any(self.unknown_words.values()):
            found["unknown_words"] = {name: list(words) for name, words in self.unknown_words.items() if words}
        if self.comma_numbers:
            found["decimal_comma"] = sorted(self.comma_numbers)
        return found


def detect_columns(
    scratch: Scratch, table: str, *, mapping: FileMapping, zone: ZoneInfo, date_order: str, first_row: int = 2
) -> ColumnFacts:
    """Look at the mapped columns in `table`, which may hold the first rows of `raw` only; people see its first row
    under the number `first_row`.

    Raises DateOrderError, or MappingError where a column is not what it is mapped to.
    """
    times: dict[str, TimeForm] = {}
    local: dict[str, str] = {}
    words: dict[str, dict[str, str]] = {}
    unknown: dict[str, tuple[str, ...]] = {}
    for declared in KINDS[mapping.kind]:
        name = declared.name
        if not mapping.has(name):
            continue
        cell = f"c{mapping.indexes[name]}" if name in mapping.indexes else _constant(mapping.constants[name])
        if declared.form == INSTANT:
            column = mapping.columns.get(name, name)
            times[name] = detect_form(scratch, table, f"code({cell})", column, date_order, first_row)
            local[name] = local_sql(scratch, table, f"code({cell})", f"w_{name}", times[name], zone)
        elif name in VOCABULARIES:
            # A kind of order that nobody asked about would pass for a sale: all rows are asked, always.
            asked = "raw" if name == "order_type" else table
            words[name], unknown[name] = _words(scratch, asked, name, cell, mapping)
    comma, floats = _sampled(scratch, table, mapping)
    return ColumnFacts(times, local, words, unknown, comma, floats, _lost_tails(scratch, table, mapping))


def _constant(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _words(
    scratch: Scratch, table: str, name: str, cell: str, mapping: FileMapping
) -> tuple[dict[str, str], tuple[str, ...]]:
    found = scratch.rows(
        f"SELECT word FROM (SELECT code({cell}) AS word, count(*) AS n FROM {table} GROUP BY 1)"
        f" WHERE word IS NOT NULL AND NOT is_nothing(word) ORDER BY n DESC, word LIMIT {_MOST_WORDS + 1}"
    )
    if len(found) > _MOST_WORDS and name != "order_type":
        raise MappingError(
            _("Column %(column)s holds more than %(count)s different words; it cannot be the %(field)s.")
            % {"column": mapping.columns.get(name, name), "count": _MOST_WORDS, "field": label_of(mapping.kind, name)}
        )
    known: dict[str, str] = {}
    unknown: list[str] = []
    for (word,) in found:
        meaning = meaning_of(name, word, dict(mapping.values.get(name, {})))
        if meaning is None:
            unknown.append(word)
        else:
            known[word] = meaning
    return known, tuple(unknown)


def _sampled(scratch: Scratch, table: str, mapping: FileMapping) -> tuple[frozenset[str], frozenset[str]]:
    """Fields with decimal commas, and codes that a program wrote as floats (17850.0) throughout."""
    numbers = [f.name for f in KINDS[mapping.kind] if f.form in (NUMBER, MONEY) and f.name in mapping.indexes]
    codes = [f.name for f in KINDS[mapping.kind] if f.form == CODE and f.name in mapping.indexes]
    tests = [
        f"count_if(regexp_full_match(c{mapping.indexes[n]}, '{_COMMA_NUMBER}')) > 0"
        f" AND count_if(regexp_full_match(c{mapping.indexes[n]}, '{_POINT_NUMBER}')) = 0"
        for n in numbers
    ]
    tests += [
        f"count_if(regexp_full_match(c{mapping.indexes[n]}, '\\d+\\.0')) > 0 AND"
        f" count_if(regexp_full_match(c{mapping.indexes[n]}, '\\d+\\.0'))"
        f" = count_if(coalesce(code(c{mapping.indexes[n]}), 'nan') <> 'nan')"
        for n in codes
    ]
    if not tests:
        return frozenset(), frozenset()
    row = scratch.row(f"SELECT {', '.join(tests)} FROM {table}")
    hits = dict(zip([*numbers, *codes], row, strict=True))
    floats = [n for n in codes if hits[n] and _all_floats(scratch, table, mapping.indexes[n])]
    return frozenset(n for n in numbers if hits[n]), frozenset(floats)


def _all_floats(scratch: Scratch, table: str, index: int) -> bool:
    whole = f"coalesce(code(c{index}), 'nan')"
    sql = f"SELECT count(*) FROM {table} WHERE {whole} <> 'nan' AND NOT regexp_full_match({whole}, '\\d+\\.0')"
    return bool(scratch.row(sql)[0] == 0)


def _lost_tails(scratch: Scratch, table: str, mapping: FileMapping) -> bool:
    """Whether long order numbers all end in zeros after the 15th digit: a spreadsheet kept only the first 15."""
    index = mapping.indexes.get("order_id")
    if mapping.kind != "orders" or index is None:
        return False
    sql = (
        f"SELECT count(DISTINCT x), count(DISTINCT x) FILTER (regexp_full_match(x, '\\d{{15}}0+')) FROM"
        f" (SELECT code(c{index}) AS x FROM {table} LIMIT {_SAMPLE_ROWS}) WHERE regexp_full_match(x, '\\d{{17,}}')"
    )
    long, zeroed = scratch.row(sql)
    return bool(long >= 3 and long == zeroed)
