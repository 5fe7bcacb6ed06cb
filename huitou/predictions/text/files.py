"""Files of texts: read whatever people have, write the same rows with what each text says."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as parquet
from django.utils.translation import gettext as _

from huitou.core.errors import DomainError
from huitou.core.terminal import Report, silent
from huitou.predictions.text.reading import AT_ONCE, TextReader

# Names by which a column of texts is known, best first; compared in lower case.
_KNOWN = (
    *("text", "review", "content", "comment", "sentence", "message", "body", "reviewbody", "feedback"),
    *("文本", "评论", "评价", "内容", "评论内容", "评价内容", "留言", "消息", "聊天内容", "句子", "反馈"),
)
_READ, _WRITTEN = (".csv", ".tsv", ".txt", ".parquet", ".xlsx"), (".parquet", ".csv")
COLUMNS = ("sentiment", "p_positive", "intents", "keywords")
# A cell may be a whole conversation.
_LONGEST_CELL = 10_000_000


class TextFileError(DomainError):
    """A file of texts that cannot be read, or a place that cannot be written."""

    code = "text_file"


@dataclass(frozen=True)
class Classified:
    """What was written: how many rows, and how many of each sentiment."""

    rows: int
    column: str
    sentiments: dict[str, int]


def read_table(file: Path, column: str = "") -> tuple[pa.Table, str]:
    """The file's rows, and the name of its column of texts. Raises TextFileError."""
    if not file.is_file():
        raise TextFileError(_("There is no file %(file)s.") % {"file": file})
    kind = file.suffix.lower()
    if kind not in _READ:
        told = _("%(file)s: texts are read from %(kinds)s; a file with one text a line is .txt.")
        raise TextFileError(told % {"file": file, "kinds": ", ".join(_READ)})
    table = {".parquet": _parquet, ".xlsx": _workbook, ".txt": _lines}.get(kind, _delimited)(file)
    name = _column(file, table, column)
    return table, name


def _refuse(file: Path, reason: object) -> TextFileError:
    told = _("%(file)s cannot be read: %(reason)s") % {"file": file, "reason": reason}
    return TextFileError(told)


def _parquet(file: Path) -> pa.Table:
    try:
        return parquet.read_table(file)
    except (pa.ArrowException, OSError) as error:
        raise _refuse(file, str(error).splitlines()[0]) from error


def _decoded(file: Path) -> str:
    """UTF-8 or GB18030; UTF-16 where it says so itself."""
    raw = file.read_bytes()
    utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ["utf-16"] if utf16 else ["utf-8-sig", "gb18030"]:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise _refuse(file, _("it is neither UTF-8 nor GB18030 text. Save it as CSV in UTF-8."))


def _lines(file: Path) -> pa.Table:
    return pa.table({"text": pa.array(_decoded(file).splitlines(), pa.string())})


def _delimited(file: Path) -> pa.Table:
    text = _decoded(file)
    head = text[:10_000].split("\n", 1)[0]
    separator = "\t" if file.suffix.lower() == ".tsv" else max(",\t;", key=head.count)
    csv.field_size_limit(_LONGEST_CELL)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    names = next(rows, [])
    found: list[list[str]] = []
    try:
        for row in rows:
            if not row:
                continue
            if len(row) != len(names):
                told = _("line %(line)s has %(count)s fields where the header has %(names)s. Put quotes around texts.")
                raise _refuse(file, told % {"line": rows.line_num, "count": len(row), "names": len(names)})
            found.append(row)
    except csv.Error as error:
        raise _refuse(file, f"{rows.line_num}: {error}") from error
    return _as_table(file, names, found)


def _workbook(file: Path) -> pa.Table:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        rows = CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()
    except (CalamineError, OSError, IndexError) as error:
        raise _refuse(file, error) from error
    names = [str(cell) for cell in rows[0]] if rows else []
    return _as_table(file, names, [["" if cell is None else str(cell) for cell in row] for row in rows[1:]])


def _as_table(file: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> pa.Table:
    names = [name.strip() for name in names]
    if not any(names):
        raise _refuse(file, _("it is empty."))
    if len(set(names)) < len(names):
        raise _refuse(file, _("two columns have the same name."))
    return pa.table({name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(names)})


def _column(file: Path, table: pa.Table, wanted: str) -> str:
    texts = [str(field.name) for field in table.schema if _is_text(field.type)]
    if wanted:
        if wanted in texts:
            return wanted
        told = _("%(file)s has no column %(column)s with texts. It has: %(names)s.")
        raise TextFileError(told % {"file": file, "column": wanted, "names": ", ".join(texts)})
    by_name: dict[str, str] = {name.lower(): name for name in texts}
    if known := next((by_name[name] for name in _KNOWN if name in by_name), ""):
        return known
    if len(texts) == 1:
        return texts[0]
    told = _("%(file)s has several columns and none is known to hold texts. Name one with --column: %(names)s.")
    raise TextFileError(told % {"file": file, "names": ", ".join(texts or table.column_names)})


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind))


def classify_file(
    file: Path, out: Path, reader: TextReader, *, column: str = "", report: Report = silent
) -> Classified:
    """Read `file`, write its rows with `sentiment`, `p_positive`, `intents` and `keywords` to `out`, in its order.

    A column of the file that has one of these names is kept as input_NAME. Raises TextFileError.
    """
    if out.suffix.lower() not in _WRITTEN:
        told = _("%(file)s: results are written to %(kinds)s.") % {"file": out, "kinds": ", ".join(_WRITTEN)}
        raise TextFileError(told)
    table, name = read_table(file, column)
    texts = [text or "" for text in table[name].to_pylist()]
    columns: dict[str, list[Any]] = {one: [] for one in COLUMNS}
    report(0, len(texts))
    for at in range(0, len(texts), AT_ONCE):
        for understood in reader.read(texts[at : at + AT_ONCE]):
            columns["sentiment"].append(understood.sentiment)
            columns["p_positive"].append(understood.p_positive)
            columns["intents"].append(understood.intents)
            columns["keywords"].append(understood.keywords)
        report(min(at + AT_ONCE, len(texts)), len(texts))
    kept = [f"input_{one}" if one in COLUMNS else one for one in table.column_names]
    table = table.rename_columns(kept)
    lists = pa.list_(pa.string())
    for one, kind in zip(COLUMNS, (pa.string(), pa.float64(), lists, lists), strict=True):
        table = table.append_column(one, pa.array(columns[one], kind))
    _write(table, out)
    counts = {one: columns["sentiment"].count(one) for one in ("positive", "neutral", "negative")}
    return Classified(len(texts), name, counts)


def _write(table: pa.Table, out: Path) -> None:
    try:
        if out.suffix.lower() == ".parquet":
            parquet.write_table(table, out)
            return
        for at, field in enumerate(table.schema):
            if pa.types.is_list(field.type):
                joined = pa.compute.binary_join(table[field.name], "|")
                table = table.set_column(at, field.name, joined)
        with out.open("wb") as held:
            held.write(codecs.BOM_UTF8)
            pyarrow.csv.write_csv(table, held)
    except (OSError, pa.ArrowException) as error:
        raise TextFileError(_("%(file)s cannot be written: %(reason)s") % {"file": out, "reason": error}) from error
