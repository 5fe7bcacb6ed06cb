"""Files of the data directory that may hold a person: uploads, rejected rows, progress, logs; and how they forget."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from huitou.core.errors import DomainError
from huitou.core.home import Home
from huitou.customers.identifier_kind import kinds_by_name, squeezed
from huitou.customers.needles import Columns, Needles
from huitou.sources.canonical import find_field
from huitou.sources.models import ImportRun

UNFINISHED = ("uploaded", "preparing", "prepared", "claimed")


class ImportUnderWayError(DomainError):
    """A file that holds the customer is being imported."""

    code = "import_under_way"
    status = 409
    permanent = False


class Looks:
    """Which files hold the person; one that has not changed since it was looked at is not read again."""

    def __init__(self, needles: Needles) -> None:
        self._needles = needles
        self._known: dict[Path, tuple[tuple[int, ...], Columns | None, bool]] = {}

    def hold(self, path: Path, columns: Columns | None = None) -> bool:
        """Whether this file does, read as a table with these columns."""
        try:
            told = path.stat()
        except FileNotFoundError:
            return False
        # From before the file is read: whatever is written meanwhile makes it another one.
        state = (told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns)
        known = self._known.get(path)
        if known is None or known[:2] != (state, columns):
            known = self._known[path] = (state, columns, self._needles.in_file(path, columns))
        return known[2]


def look_in_files(needles: Needles, home: Home) -> Looks:
    """Read every file that may hold the person."""
    looks, tables = Looks(needles), _tables()
    for path in (*_files(home.uploads), *_files(home.rejects)):
        looks.hold(path, tables.columns_of(path))
    for path in (*_files(home.root / "progress"), *_files(home.logs)):
        looks.hold(path)
    return looks


def forget_in_files(needles: Needles, home: Home, looks: Looks | None = None) -> dict[str, int]:
    """Remove uploads and rows of other files that hold the person; returns how many.

    Raises ImportUnderWayError while an import that needs such a file is not finished.
    """
    looks, tables = looks or Looks(needles), _tables()
    return {
        "uploads": _forget_uploads(needles, home, tables, looks),
        "rejected_rows": sum(
            _forget_rows(path, needles, tables.columns_of(path), looks) for path in _files(home.rejects)
        ),
        "scratch_files": _forget_scratch(needles, home),
        "progress_files": _forget_whole(home.root / "progress", looks),
        "log_lines": sum(_forget_lines(path, needles, looks) for path in _files(home.logs)),
    }


@dataclass(frozen=True)
class _Tables:
    """Which columns of the files of imports hold identifiers and names of persons."""

    by_path: dict[str, Columns]

    def columns_of(self, path: Path) -> Columns:
        """Those of a file; of one that no import knows, the columns that shops commonly call so."""
        return self.by_path[str(path)] if str(path) in self.by_path else _columns({})


def _tables() -> _Tables:
    by_path: dict[str, Columns] = {}
    for run in ImportRun.objects.only("kind", "mapping", "file_path", "lines_path", "reject_path"):
        told = (run.mapping or {}).get("columns") if isinstance(run.mapping, dict) else None
        columns = Columns() if run.kind == "products" else _columns(told if isinstance(told, dict) else {})
        by_path |= dict.fromkeys(filter(None, (run.file_path, run.lines_path, run.reject_path)), columns)
    return _Tables(by_path)


def _columns(told: Mapping[str, Any]) -> Columns:
    """By what the mapping tells, and by the headers that shops give such columns."""
    identifiers = {header: frozenset({kind}) for header, kind in kinds_by_name().items()}
    for name, kinds in _KINDS.items():
        for header in _headers(told, name):
            identifiers[header] = identifiers.get(header, frozenset()) | kinds
    names = frozenset(header for name in _TOLD_NAMES for header in _headers(told, name))
    return Columns(identifiers, names.union(_NAMES))


# A customer's number is of the brand or of the platform; files of the brand's own have one space for all.
_KINDS = {
    "customer_id": frozenset({"customer_id", "buyer_id"}),
    "phone": frozenset({"phone"}),
    "recipient_phone": frozenset({"phone"}),
}
_TOLD_NAMES = ("customer_name", "recipient_name", "name")
_NAMES = ["姓名", "昵称", "name", "fullname", "receivername"]


def _headers(told: Mapping[str, Any], name: str) -> list[str]:
    field = find_field("orders", name)
    known = [*(field.headers if field else ()), *([str(told[name])] if told.get(name) else ())]
    return [squeezed(header) for header in known]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


def _forget_uploads(needles: Needles, home: Home, tables: _Tables, looks: Looks) -> int:
    """A kept file goes whole: it has done its work, and whoever sent it has it."""
    needed = set()
    for run in ImportRun.objects.filter(state__in=UNFINISHED):
        needed |= {run.file_path, run.lines_path}
    removed = 0
    for path in _files(home.uploads):
        if not looks.hold(path, tables.columns_of(path)) and not needles.in_file_name(path.name):
            continue
        if str(path) in needed:
            raise ImportUnderWayError(
                _("%(name)s holds this customer and is being imported. Try again when the import is done.")
                % {"name": path.name}
            )
        path.unlink()
        removed += 1
        _drop_empty(path.parent, home.uploads)
    return removed


def _drop_empty(folder: Path, root: Path) -> None:
    while folder != root and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _forget_scratch(needles: Needles, home: Home) -> int:
    """What jobs that were killed left beside the staged batches. Staged batches themselves name nobody."""
    if not home.staging.is_dir():
        return 0
    running = {f".import-{pk}-" for pk in ImportRun.objects.filter(state__in=UNFINISHED).values_list("pk", flat=True)}
    left = [
        folder
        for folder in home.staging.iterdir()
        if folder.name.startswith(".import-") and not folder.name.startswith(tuple(running) or ("\0",))
    ]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)


def _forget_whole(folder: Path, looks: Looks) -> int:
    held = [path for path in _files(folder) if looks.hold(path)]
    for path in held:
        path.unlink(missing_ok=True)
    return len(held)


def _forget_rows(path: Path, needles: Needles, columns: Columns, looks: Looks) -> int:
    """Take the person's rows out of a file of rejected rows; its header stays."""
    if not looks.hold(path, columns):
        return 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    kept = [row for row in rows if not needles.in_row(row, header, columns)]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *kept])
    fresh = path.with_suffix(".part")
    fresh.write_text(text.getvalue(), encoding="utf-8-sig", newline="")
    fresh.replace(path)
    return len(rows) - len(kept)


def _forget_lines(path: Path, needles: Needles, looks: Looks) -> int:
    """Take lines out of a log in place: whoever is writing it goes on."""
    if not looks.hold(path):
        return 0
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    kept = [line for line in lines if not needles.in_text(line)]
    with path.open("r+", encoding="utf-8") as file:
        file.writelines(kept)
        file.truncate()
    return len(lines) - len(kept)


def forget_in_imports(needles: Needles) -> int:
    """Blank what imports remember of cells and file names that hold the person; returns how many imports did."""
    changed = 0
    for run in ImportRun.objects.order_by("pk"):
        told = ("options", "detected", "mapping", "problems", "warnings", "error")
        held = [name for name in told if _quotes(needles, getattr(run, name))]
        # Where the file of an import lies is needed until it is done.
        paths = () if run.state in UNFINISHED else ("file_path", "lines_path")
        held += [name for name in ("file_name", *paths) if needles.in_file_name(Path(getattr(run, name)).name)]
        if not held:
            continue
        changed += 1
        for problem in run.problems:
            if _quotes(needles, [problem]):
                problem["example"] = {"row": problem.get("example", {}).get("row"), "value": None}
                problem["message"] = (
                    _("The cell was erased with its customer.") if _quotes(needles, [problem]) else problem["message"]
                )
        for name in held:
            if name in ("options", "detected", "mapping"):
                setattr(run, name, {})
            elif name == "warnings":
                run.warnings = [warning for warning in run.warnings if not _quotes(needles, [warning])]
            elif name != "problems":
                setattr(run, name, _("erased"))
        run.save(update_fields=["problems", *held])
    return changed


def _quotes(needles: Needles, told: Any) -> bool:
    """Whether what an import remembers quotes a cell of the person: a problem's value stands under its field."""
    if needles.in_json(told):
        return True
    problems = told if isinstance(told, list) else []
    examples = [(p.get("field"), p.get("example")) for p in problems if isinstance(p, dict)]
    return any(needles.in_json({str(field): e.get("value")}) for field, e in examples if isinstance(e, dict))
