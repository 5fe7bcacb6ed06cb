"""Which column of this file is which field: as told, else guessed from its headers."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from huitou.core.errors import DomainError
from huitou.sources.canonical import ATTRIBUTE_PREFIX, KINDS, find_field, label_of
from huitou.sources.importing.options import ImportOptions
from huitou.sources.statuses import word_key


class MappingError(DomainError):
    """The mapping does not fit the file."""

    code = "mapping_does_not_fit"


_OF_LINES = (
    "sku",
    "product_name",
    "quantity",
    "unit_price",
    "amount",
    "discount",
    "category",
    "brand",
    "refund_amount",
)


_PLAIN_FACTS = (
    "order_id",
    "paid_at",
    "customer_id",
    "sku",
    "product_name",
    "quantity",
    "unit_price",
    "channel",
    "store",
    "category",
    "brand",
)


# Headers of what a whole order is worth: on a line with a price of its own they say nothing of the line.
_OF_WHOLE_ORDERS = ("订单金额", "订单总额")


@dataclass(frozen=True)
class UnusedColumn:
    """A column that no field takes. `field` is what its header looks like; empty where nobody knows it."""

    column: str
    field: str = ""

    def to_json(self) -> dict[str, str | None]:
        return {"column": self.column, "field": self.field or None}


@dataclass(frozen=True)
class FileMapping:
    """The mapping of one file: `indexes` field to column position, `columns` field to header, for people."""

    kind: str
    headers: tuple[str, ...]
    indexes: Mapping[str, int]
    constants: Mapping[str, str]
    guessed: tuple[str, ...] = ()
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    refund_prefix: str = ""
    matched_index: int | None = None
    platform: str = ""
    unused: tuple[UnusedColumn, ...] = ()

    @property
    def columns(self) -> dict[str, str]:
        return {name: self.headers[index] for name, index in self.indexes.items()}

    def has(self, name: str) -> bool:
        return name in self.indexes or name in self.constants

    def to_json(self) -> dict[str, object]:
        """What was used, for reports; fields in the order of their declaration."""
        used: dict[str, object] = {"columns": self.columns, "guessed": list(self.guessed)}
        if self.constants:
            used["constants"] = dict(self.constants)
        if self.values:
            used["values"] = {name: dict(words) for name, words in self.values.items()}
        if self.refund_prefix:
            used["refund_prefix"] = self.refund_prefix
        if self.platform:
            used["platform"] = self.platform
        if self.unused:
            used["unused"] = [column.to_json() for column in self.unused]
        return used


def find_column(headers: Sequence[str], wanted: str) -> int | None:
    """Position of the header `wanted`: exactly, else regardless of width, case and blanks; `#3` is the third column."""
    if wanted in headers:
        return headers.index(wanted)
    keys = [word_key(header) for header in headers]
    key = word_key(wanted)
    if key and key in keys:
        return keys.index(key)
    if wanted.startswith("#") and wanted[1:].isdigit() and 1 <= int(wanted[1:]) <= len(headers):
        return int(wanted[1:]) - 1
    return None


def map_file(kind: str, options: ImportOptions, headers: Sequence[str]) -> FileMapping:
    """Map the headers of one file. Raises MappingError with what is missing and what the file has."""
    return _finish(kind, options, headers, _told(kind, options.columns, headers, options.may_lack))


def map_joined(options: ImportOptions, headers: Sequence[str], line_headers: Sequence[str]) -> tuple[FileMapping, int]:
    """Map an order file and its line file, joined to rows that hold the line's columns first, then the order's.

    Also returns the position of the order number in the order file.
    """
    lines = guess_columns("orders", line_headers, taken=set()) if not options.line_columns else {}
    lines |= _told("orders", options.line_columns, line_headers, options.may_lack)
    heads = guess_columns("orders", headers, taken=set()) if not options.columns else {}
    heads |= _told("orders", options.columns, headers, options.may_lack)
    for part in (lines, heads):
        if "order_id" not in part:
            raise MappingError(
                _("Both files, of orders and of lines, need a column with the order number."),
                at_terminal=_(
                    "Name it with --map order_id=COLUMN, in the line file with line_columns in --mapping FILE."
                ),
            )
    # What an order file says of pieces and money is said of the whole order, and must not be taken for each line.
    of_orders = {name: index + len(line_headers) for name, index in heads.items() if name not in _OF_LINES}
    indexes = {**of_orders, **lines}
    joined = [*line_headers, *headers]
    return _finish("orders", options, joined, indexes, lines=len(line_headers)), heads["order_id"]


def _told(
    kind: str, columns: Mapping[str, tuple[str, ...]], headers: Sequence[str], may_lack: frozenset[str]
) -> dict[str, int]:
    told: dict[str, int] = {}
    for name, candidates in columns.items():
        if find_field(kind, name) is None:
            raise MappingError(
                _("There is no field named %(name)s. Fields of %(kind)s files: %(known)s.")
                % {"name": name, "kind": kind, "known": ", ".join(f.name for f in KINDS[kind])}
            )
        found = next((i for c in candidates if (i := find_column(headers, c)) is not None), None)
        if found is not None:
            told[name] = found
        elif name not in may_lack:
            raise MappingError(
                _("The file has no column named %(column)s (for %(name)s). Its columns: %(headers)s.")
                % {"column": candidates[0], "name": label_of(kind, name), "headers": ", ".join(h for h in headers if h)}
            )
    return told


def _finish(
    kind: str,
    options: ImportOptions,
    headers: Sequence[str],
    told: dict[str, int],
    *,
    lines: int | None = None,
) -> FileMapping:
    unknown = [name for name in options.constants if find_field(kind, name) is None]
    if unknown:
        raise MappingError(_("There is no field named %(name)s.") % {"name": unknown[0]})
    guessed = guess_columns(kind, headers, only_names=bool(told), taken=set(told.values()))
    guessed = {n: i for n, i in guessed.items() if n not in told and n not in options.constants}
    needed = _guess_needed(kind, headers, {**guessed, **told}, options.constants) if told else {}
    if told and kind == "orders":
        # Beside a given mapping only plain facts join in, and only under their own names: a column that would change
        # what an order is worth or whether it counts (a discount, a status) must be asked for.
        meant = _PLAIN_FACTS if {"unit_price"} & {*told, *guessed} else (*_PLAIN_FACTS, "amount")
        guessed = {n: i for n, i in guessed.items() if n in meant}
    guessed = {**needed, **guessed}
    indexes = {**guessed, **told}
    ordered = [f.name for f in KINDS[kind] if f.name in indexes]
    ordered += [name for name in indexes if name not in ordered]
    mapping = FileMapping(
        kind=kind,
        headers=tuple(headers),
        indexes={name: indexes[name] for name in ordered},
        constants=dict(options.constants),
        guessed=tuple(name for name in ordered if name in guessed),
        values=options.values,
        refund_prefix=options.refund_prefix,
        matched_index=len(headers) if lines is not None else None,
        platform=options.platform if "customer_id" in indexes else "",
        unused=_find_unused(kind, headers, indexes, options.constants, lines),
    )
    _check(mapping)
    return mapping


def _guess_needed(
    kind: str, headers: Sequence[str], known: Mapping[str, int], constants: Mapping[str, str]
) -> dict[str, int]:
    """What a file cannot do without and nobody named: the required fields, a time, and an amount."""
    have = {*known, *constants}
    seen = guess_columns(kind, headers, taken=set(known.values()))
    wanted = [f.name for f in KINDS[kind] if f.required and f.name not in have]
    if kind == "orders":
        if "ordered_at" in have:
            wanted = [name for name in wanted if name != "paid_at"]
        elif "paid_at" in wanted and "paid_at" not in seen:
            wanted.append("ordered_at")
        if not {"amount", "unit_price"} & have:
            priced = ["unit_price", *([] if "quantity" in have else ["quantity"])]
            wanted += ["amount"] if "amount" in seen else priced
    return {name: seen[name] for name in wanted if name in seen}


def _find_unused(
    kind: str, headers: Sequence[str], indexes: Mapping[str, int], constants: Mapping[str, str], lines: int | None
) -> tuple[UnusedColumn, ...]:
    """Columns that no field takes, in the file's order. Of an order file beside a line file (whose columns come
    first, `lines` of them), what is said of pieces and money is meant for the whole order and is no line's.
    """
    used = set(indexes.values())
    taken = {headers[index] for index in used}
    seen = guess_columns(kind, headers, taken=used)
    looks = {index: name for name, index in seen.items() if name not in indexes and name not in constants}
    found: list[UnusedColumn] = []
    for index, header in enumerate(headers):
        if index in used or not header or header in taken:
            continue
        name = looks.get(index, "")
        of_order = lines is not None and index >= lines and name in _OF_LINES
        found.append(UnusedColumn(header, "" if of_order else name))
    return tuple(found)


def guess_columns(kind: str, headers: Sequence[str], *, only_names: bool = False, taken: set[int]) -> dict[str, int]:
    """Field to column position, from headers that shops commonly give; each column serves one field."""
    keys = [word_key(header) for header in headers]
    guessed: dict[str, int] = {}
    used = set(taken)
    for declared in KINDS[kind]:
        for header in (declared.name,) if only_names else (declared.name, *declared.headers):
            found = next((i for i, key in enumerate(keys) if key == word_key(header) and i not in used), None)
            if found is not None:
                guessed[declared.name] = found
                used.add(found)
                break
    if "unit_price" in guessed and "amount" in guessed and headers[guessed["amount"]] in _OF_WHOLE_ORDERS:
        del guessed["amount"]
    if kind == "customers":
        guessed |= {
            header: index
            for index, header in enumerate(headers)
            if header.startswith(ATTRIBUTE_PREFIX) and header != ATTRIBUTE_PREFIX and index not in used
        }
    return guessed


def map_flag(name: str, column: str) -> str:
    """The option of the command line that makes `column` the field `name`, quoted for a shell."""
    return f"--map {quoted(f'{name}={column}')}"


def quoted(word: str) -> str:
    """`word` for a shell: as it is where that is safe, Chinese included, else in quotes."""
    return word if all(c.isalnum() or c in "_-./=,:+%@" for c in word) else shlex.quote(word)


def count_known_headers(kind: str, cells: Sequence[str]) -> int:
    """How many of the cells are headers that we know: what tells the header row from titles above it."""
    return len(guess_columns(kind, cells, taken=set()))


def _check(mapping: FileMapping) -> None:
    missing = [f.name for f in KINDS[mapping.kind] if f.required and not mapping.has(f.name)]
    if "paid_at" in missing and mapping.has("ordered_at"):
        missing.remove("paid_at")
    listed = ", ".join(h for h in mapping.headers if h)
    if missing:
        labels = _(", ").join(label_of(mapping.kind, name) for name in missing)
        raise MappingError(
            _("Which column holds: %(missing)s? The file's columns: %(headers)s.")
            % {"missing": labels, "headers": listed},
            at_terminal=_("Name it with %(flags)s.") % {"flags": " ".join(f"--map {name}=COLUMN" for name in missing)},
        )
    if mapping.kind == "orders" and not (mapping.has("amount") or mapping.has("unit_price")):
        raise MappingError(
            _("Which column holds the money: the unit price, or the line amount? The file's columns: %(headers)s.")
            % {"headers": listed},
            at_terminal=_("Name it with %(flags)s.") % {"flags": "--map amount=COLUMN | --map unit_price=COLUMN"},
        )
