"""Looking for one person's identifiers in text and files, in any spelling: what erasing removes must be found first."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from huitou.customers.identifier_kind import Key
from huitou.customers.normalizing import fold

# Names stand among the identifiers under this kind; nobody is ever found by one.
NAME = "name"
_SEPARATORS = re.compile(r"[\s\-().·/]+")
_BLOCK = 1 << 22
_ARCHIVES = (".xlsx", ".xlsm", ".ods", ".xlsb")
_TABLES = (".parquet", ".pq")


class Needles:
    """Whether a text holds any of some identifiers, however it spells them."""

    def __init__(self, identifiers: Iterable[Key]) -> None:
        words, self._phones = set(), set()
        for kind, _namespace, value in identifiers:
            words.add(fold(value).casefold())
            digits = _SEPARATORS.sub("", value).lstrip("+").removeprefix("86")
            if kind == "phone" and len(digits) >= 7:
                self._phones.add(digits)
        words.discard("")
        # Numbers are found as whole words only: the customer 12 is not in 2012. Other letters need no border.
        listed = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
        self._words = re.compile(f"(?<![0-9a-z])(?:{listed})(?![0-9a-z])") if words else None

    def __bool__(self) -> bool:
        return self._words is not None

    def in_text(self, text: str) -> bool:
        """Whether the text holds one of them."""
        if self._words is None:
            return False
        folded = fold(text).casefold()
        if self._words.search(folded):
            return True
        bare = _SEPARATORS.sub("", folded)
        return any(phone in bare for phone in self._phones)

    def in_json(self, value: Any) -> bool:
        """Whether any text, number or name inside the value does."""
        if isinstance(value, dict):
            return any(self.in_json(name) or self.in_json(inner) for name, inner in value.items())
        if isinstance(value, list | tuple):
            return any(self.in_json(inner) for inner in value)
        return value is not None and not isinstance(value, bool) and self.in_text(str(value))

    def in_bytes(self, raw: bytes) -> bool:
        """Whether what these bytes say does: as JSON if they are, else as text in any encoding that shops use."""
        try:
            return self.in_json(json.loads(raw))
        except ValueError:
            return any(self.in_text(text) for text in _decoded(raw))

    def in_file(self, path: Path) -> bool:
        """Whether the file does, tables read as such; a file that cannot be read counts as one that does."""
        try:
            return any(self.in_text(text) for text in _texts(path))
        except FileNotFoundError:
            return False
        except Exception:
            # Better one file too many erased than one too few: nobody can say what is in it.
            return True


def _texts(path: Path) -> Iterator[str]:
    suffix = path.suffix.lower()
    if suffix in _TABLES:
        yield from _table_texts(path)
    elif suffix in _ARCHIVES:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield from _decoded(archive.read(name))
    elif suffix == ".xls":
        yield from _sheet_texts(path)
    else:
        before = b""
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                # What stands across two blocks is seen in the second one; a line is never longer than this.
                yield from _decoded(before + block)
                before = block[-65_536:]


def _decoded(raw: bytes) -> Iterator[str]:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield raw.decode("utf-16", errors="replace")
        return
    yield raw.decode("utf-8", errors="replace")
    if not raw.isascii():
        yield raw.decode("gb18030", errors="replace")


def _table_texts(path: Path) -> Iterator[str]:
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(path).iter_batches():
        for row in batch.to_pylist():
            yield "\t".join(str(value) for value in row.values() if value is not None)


def _sheet_texts(path: Path) -> Iterator[str]:
    from python_calamine import CalamineWorkbook

    workbook = CalamineWorkbook.from_path(str(path))
    for name in workbook.sheet_names:
        for row in workbook.get_sheet_by_name(name).to_python():
            yield "\t".join(str(cell) for cell in row)
