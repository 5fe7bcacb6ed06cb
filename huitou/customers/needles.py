"""Looking for one person's identifiers in text and files, in any spelling: what erasing removes must be found first.

What tells one person from all others - phones, e-mail addresses, long codes - is looked for anywhere in a text. Short
numbers, words and names stand in many texts that are about somebody else: they count only as the whole value of a field
or cell that says that it holds such a thing.
"""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from huitou.customers.identifier_kind import Key, kinds_by_name, squeezed
from huitou.customers.naming import tells_who
from huitou.customers.normalizing import fold, read_phone

# Names stand among the identifiers under this kind; nobody is ever found by one.
NAME = "name"
_SEPARATOR = r"[\s\-().·/]{0,3}"
_BLOCK = 1 << 22
_SHEETS = (".xlsx", ".xlsm", ".ods", ".xlsb", ".xls")
_TABLES = (".parquet", ".pq")
_HEADER_LINES = 50
_NAME_ENDS = (
    "name",
    "nick",
    "receiver",
    "recipient",
    "consignee",
    "contact",
    "姓名",
    "昵称",
    "收货人",
    "收件人",
    "联系人",
)
# Letters and digits that are read as others, and what cannot be seen between them: such a text has to be looked at.
_FOLDED = "[０-９Ａ-Ｚａ-ｚ＠．－＋​-‏‐-―‪-‮⁠−　﻿ ]"
# Names and values of a JSON object, in a text that is none as a whole.
_PAIR = re.compile(r'"([^"\\]{1,100})"\s*:\s*(?:"((?:[^"\\]|\\.)*)|(-?\d+))')
# What stands for anything in a LIKE of PostgreSQL, and what takes that from it.
_LIKE = re.compile(r"[%_\\]")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass(frozen=True)
class Columns:
    """By header, squeezed: the kinds of identifiers that a file's column may hold; and headers of persons' names."""

    identifiers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    names: frozenset[str] = frozenset()


class Needles:
    """Whether a text holds any of some identifiers, however it spells them."""

    def __init__(self, identifiers: Iterable[Key]) -> None:
        self.keys = frozenset(key for key in identifiers if key[0] != NAME)
        self._whole: dict[str, set[str]] = {}
        words, phones = set(), set()
        for kind, _namespace, value in identifiers:
            folded = fold(value).casefold()
            if folded:
                self._whole.setdefault(kind, set()).add(folded)
            if kind != NAME and (number := read_phone(value)):
                phones.add(number.removeprefix("+").removeprefix("86"))
            if kind != NAME and tells_one(folded):
                words.add(folded)
        self._names = self._whole.get(NAME, set())
        self._codes = {value for kind, values in self._whole.items() if kind != NAME for value in values}
        # Numbers are found as whole words only: the customer 20127788 is not in 320127788.
        listed = [re.escape(word) for word in sorted(words, key=len, reverse=True)]
        listed += [rf"(?:(?:00)?86{_SEPARATOR})?0?{_SEPARATOR.join(phone)}" for phone in sorted(phones)]
        self._anywhere = re.compile(rf"(?<![0-9a-z])(?:{'|'.join(listed)})(?![0-9a-z])") if listed else None
        self.hints = self._hints(words, phones)
        weak = sorted(self._names | self._codes, key=len, reverse=True)
        self._hint = re.compile("|".join(map(re.escape, weak))) if weak else None

    def _hints(self, words: set[str], phones: set[str]) -> tuple[list[str], list[str]]:
        """What JSON in small letters is LIKE, or matches, in PostgreSQL, if it holds anything but persons' names."""
        quoted = {code: json.dumps(code, ensure_ascii=False)[1:-1] for code in self._codes}
        likes = ["%" + _LIKE.sub(r"\\\g<0>", text) + "%" for code, text in quoted.items() if code in words]
        # Those that are phones are found as such.
        short = [re.escape(text) for code, text in quoted.items() if code not in words and read_phone(code) is None]
        patterns = [_SEPARATOR.join(phone) for phone in phones]
        patterns += [rf"(?<![0-9a-z])(?:{'|'.join(short)})(?![0-9a-z])"] if short else []
        return sorted(likes), [*sorted(patterns), _FOLDED] if quoted else []

    def __bool__(self) -> bool:
        return self._hint is not None

    def in_text(self, text: str) -> bool:
        """Whether the text holds what tells this person from all others."""
        return self._anywhere is not None and bool(self._anywhere.search(fold(text).casefold()))

    def in_file_name(self, name: str) -> bool:
        """Whether the name of a file does, or holds a name or short number between other words."""
        words = set(re.split(r"[\W_]+", fold(name).casefold()))
        return self.in_text(name) or not words.isdisjoint(self._names | self._codes)

    def in_json(self, value: Any, *, names: bool = True) -> bool:
        """Whether any text, number or name inside the value does; persons' names only if `names`."""
        waiting: list[tuple[str, Any]] = [("", value)]
        while waiting:
            name, inner = waiting.pop()
            if isinstance(inner, dict):
                if any(self.in_text(str(key)) for key in inner):
                    return True
                waiting += [(str(key), each) for key, each in inner.items()]
            elif isinstance(inner, list | tuple):
                waiting += [(name, each) for each in inner]
            elif isinstance(inner, str | int) and not isinstance(inner, bool):
                text = str(inner)
                if self.in_text(text) or self._is_value(name, text, names):
                    return True
        return False

    def without(self, value: Any, *, name: str = "") -> Any:
        """The value without what tells of the person; None where nothing is left."""
        if isinstance(value, dict):
            told = {key: self.without(inner, name=key) for key, inner in value.items() if not self.in_text(key)}
            return {key: inner for key, inner in told.items() if inner is not None} or None
        if isinstance(value, list):
            # An element keeps its place.
            told_list = [self.without(inner, name=name) for inner in value]
            return told_list if any(inner is not None for inner in told_list) else None
        return None if self.in_json({name: value}, names=False) else value

    def _is_value(self, name: str, text: str, names: bool) -> bool:
        """Whether a field of that name, with that value, tells of the person."""
        if self._hint is None or len(text) > 200:
            return False
        plain, folded = squeezed(name), fold(text).casefold()
        if names and folded in self._names and plain.endswith(_NAME_ENDS):
            return True
        if folded not in self._codes:
            return False
        kind = kinds_by_name().get(plain)
        # Other names that tell who somebody is, such as friend_id, do not say by which kind of number.
        return folded in self._whole.get(kind, ()) if kind is not None else tells_who(name)

    def in_bytes(self, raw: bytes, *, names: bool = True) -> bool:
        """Whether what these bytes say does: as JSON if they are, else as text in any encoding that shops use."""
        try:
            return self.in_json(json.loads(raw), names=names)
        except (ValueError, RecursionError):
            return any(self._in_broken(text, names) for text in _decoded(raw))

    def _in_broken(self, text: str, names: bool) -> bool:
        plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
        if self.in_text(plain):
            return True
        return any(self._is_value(name, word or number, names) for name, word, number in _PAIR.findall(plain))

    def in_row(self, cells: Sequence[str], header: Sequence[str], columns: Columns) -> bool:
        """Whether a row of a table does, under its header."""
        if any(self.in_text(cell) for cell in cells):
            return True
        return any(
            any(_plain(cell) in self._whole.get(kind, ()) for kind in columns.identifiers.get(squeezed(head), ()))
            or (squeezed(head) in columns.names and _plain(cell) in self._names)
            for head, cell in zip(header, cells, strict=False)
        )

    def in_file(self, path: Path, columns: Columns | None = None) -> bool:
        """Whether the file does, tables read as such; a file that cannot be read counts as one that does."""
        try:
            return any(self.in_text(text) for text in _texts(path)) or self._in_rows(path, columns or Columns())
        except FileNotFoundError:
            return False
        except Exception:
            # Better one file too many erased than one too few: nobody can say what is in it.
            return True

    def _in_rows(self, path: Path, columns: Columns) -> bool:
        """Whether a cell of a column that holds such a thing is a short number or a name of the person."""
        if self._hint is None or not (columns.identifiers or columns.names):
            return False
        headers: list[Sequence[str]] = []
        for number, cells in enumerate(_rows(path, self._hint)):
            if number < _HEADER_LINES and _is_header(cells, columns):
                headers.append(cells)
            elif any(self.in_row(cells, header, columns) for header in headers):
                return True
        return False


def tells_one(value: str) -> bool:
    """Whether a text that holds this value can only mean its owner: an address, or a long code that is no word."""
    if "@" in value:
        return True
    if value.isdigit():
        return len(value) >= 8 and not _is_day(value)
    letters = any(letter.isalpha() for letter in value)
    return letters and (len(value) >= 12 or (len(value) >= 6 and any(letter.isdigit() for letter in value)))


def _is_day(digits: str) -> bool:
    try:
        date.fromisoformat(digits)
    except ValueError:
        return False
    return True


def _plain(cell: str) -> str:
    """A cell as values are compared; spreadsheets write numbers with a point, and shops put marks before them."""
    return fold(cell).strip("=\"'`\t ").casefold().removesuffix(".0")


def _is_header(cells: Collection[str], columns: Columns) -> bool:
    return any(squeezed(cell) in columns.identifiers or squeezed(cell) in columns.names for cell in cells)


def _texts(path: Path) -> Iterator[str]:
    suffix = path.suffix.lower()
    if suffix in _TABLES:
        for row in _table_rows(path):
            yield "\t".join(row)
    elif suffix in _SHEETS:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield from _decoded(archive.read(name))
        for row in _sheet_rows(path):
            yield "\t".join(row)
    else:
        before = b""
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                # What stands across two blocks is seen in the second one; a line is never longer than this.
                yield from _decoded(before + block)
                before = block[-65_536:]


def _rows(path: Path, hint: re.Pattern[str]) -> Iterator[Sequence[str]]:
    """The first rows of a table, and of the others those with the hint."""
    suffix = path.suffix.lower()
    if suffix in _TABLES:
        yield from _table_rows(path)
    elif suffix in _SHEETS:
        yield from _sheet_rows(path)
    else:
        yield from _line_rows(path, hint)


def _line_rows(path: Path, hint: re.Pattern[str]) -> Iterator[Sequence[str]]:
    with path.open("rb") as file:
        wide = file.read(2) in (b"\xff\xfe", b"\xfe\xff")
    if wide:
        lines: Iterator[list[str]] = ([line] for line in path.read_text(encoding="utf-16").splitlines())
        yield from _split(lines, hint)
    else:
        with path.open("rb") as file:
            yield from _split((list(_decoded(line)) for line in file), hint)


def _split(lines: Iterator[list[str]], hint: re.Pattern[str]) -> Iterator[Sequence[str]]:
    """Cells of lines, each given in every encoding that it may be in."""
    for number, line in enumerate(lines):
        for text in line:
            if number < _HEADER_LINES or hint.search(fold(text).casefold()):
                mark = max(",\t;|", key=text.count)
                yield next(csv.reader([text.strip("\ufeff\r\n")], delimiter=mark), [])


def _decoded(raw: bytes) -> Iterator[str]:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield raw.decode("utf-16", errors="replace")
        return
    yield raw.decode("utf-8", errors="replace")
    if not raw.isascii():
        yield raw.decode("gb18030", errors="replace")


def _table_rows(path: Path) -> Iterator[list[str]]:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    yield list(file.schema_arrow.names)
    for batch in file.iter_batches():
        for row in batch.to_pylist():
            yield ["" if value is None else str(value) for value in row.values()]


def _sheet_rows(path: Path) -> Iterator[list[str]]:
    from python_calamine import CalamineWorkbook

    workbook = CalamineWorkbook.from_path(str(path))
    for name in workbook.sheet_names:
        for row in workbook.get_sheet_by_name(name).to_python():
            yield [str(cell) for cell in row]
