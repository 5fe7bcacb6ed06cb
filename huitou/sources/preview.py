"""What the preview of a file shows: how it was read, which column is what, and the choices that change both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.console.formats import NOTHING, format_instant, mask_name, mask_phone
from huitou.core.errors import DomainError
from huitou.core.money import format_minor
from huitou.sources import services
from huitou.sources.canonical import ATTRIBUTE_PREFIX, KINDS
from huitou.sources.importing.examine import Counts
from huitou.sources.importing.options import ImportOptions, read_preset
from huitou.sources.importing.times import form_words
from huitou.sources.statuses import MEANINGS, meaning_words
from huitou.sources.uploads import Upload

Text = str | Promise
# Fields that stand open in the form; the others fold away unless the file has them.
_FIRST = {
    "orders": (
        "order_id",
        "paid_at",
        "customer_id",
        "sku",
        "product_name",
        "quantity",
        "unit_price",
        "amount",
        "status",
    ),
    "customers": ("customer_id", "name", "phone", "registered_at"),
    "products": ("sku", "name", "category", "list_price"),
}
_ROWS = 12
_MOST_WORDS = 30


@dataclass(frozen=True)
class Choice:
    """One control of the form. Without `options` it is a text field."""

    name: str
    label: Text
    value: str
    options: Sequence[tuple[str, Text]] = ()
    required: bool = False
    hint: str = ""
    error: str = ""

    @property
    def id(self) -> str:
        return "".join(c if c.isalnum() else "-" for c in self.name)


@dataclass(frozen=True)
class Choices:
    """What was chosen in the form so far: `options` for the importer, and the preset they stand on."""

    kind: str
    options: ImportOptions
    preset: str = ""
    told: bool = False


@dataclass(frozen=True)
class Preview:
    """Everything the page shows about a file. `problem` says why it cannot be imported as chosen."""

    choices: Choices
    problem: str = ""
    facts: Sequence[tuple[str, str]] = ()
    reading: Sequence[Choice] = ()
    columns: Sequence[Choice] = ()
    more_columns: Sequence[Choice] = ()
    words: Sequence[Choice] = ()
    row_headers: Sequence[Text] = ()
    rows: Sequence[Sequence[str]] = ()
    is_raw: bool = False
    problems: Sequence[Mapping[str, Any]] = ()
    skips: Sequence[Mapping[str, Any]] = ()
    warnings: Sequence[Mapping[str, Any]] = ()
    counts: Counts | None = None


def kind_words() -> dict[str, str]:
    """Kinds of file by code."""
    return {"orders": _("Order data"), "customers": _("Customer data"), "products": _("Product data")}


def state_words() -> dict[str, str]:
    """States of an import by code."""
    return {
        "uploaded": _("Waiting"),
        "preparing": _("Reading"),
        "prepared": _("Read"),
        "claimed": _("Storing"),
        "done": _("Done"),
        "failed": _("Failed"),
    }


def preset_words() -> dict[str, str]:
    """Ready mappings by code."""
    return {
        "taobao": _("Taobao and Tmall"),
        "douyin": _("Douyin shop"),
        "youzan": _("Youzan"),
        "jushuitan": _("Jushuitan"),
        "uci_online_retail": _("Online Retail (UCI)"),
    }


def read_choices(kind: str, posted: Mapping[str, str] | None, preset: str) -> Choices:
    """The choices of a sent form, or a fresh start on a ready mapping."""
    base = _preset_options(preset)
    if posted is None:
        return Choices(kind, base, preset)
    columns: dict[str, tuple[str, ...]] = {}
    values: dict[str, dict[str, str]] = {}
    for name, value in posted.items():
        part, _dot, rest = name.partition(".")
        if part == "map" and value:
            columns[rest] = (value,)
        elif part == "word" and value:
            vocabulary, _colon, word = rest.partition(":")
            if value in MEANINGS.get(vocabulary, ()):
                values.setdefault(vocabulary, {})[word] = value

    def text(name: str) -> str:
        return str(posted.get(f"read.{name}", "")).strip()

    told = ImportOptions(
        columns=columns,
        values=values,
        source=text("source"),
        encoding=text("encoding"),
        separator=text("separator"),
        date_order=text("date_order"),
        sheet=text("sheet"),
        refund_prefix=text("refund_prefix"),
    )
    if columns:
        # Columns were shown and sent in full: what the ready mapping says about them no longer counts.
        base = replace(base, columns={}, may_lack=frozenset())
    return Choices(kind, told.over(base), preset, told=True)


def _preset_options(preset: str) -> ImportOptions:
    if not preset:
        return ImportOptions()
    try:
        return read_preset(preset)
    except DomainError:
        return ImportOptions()


# Columns of the preview: label and the name that the importer gives the value.
_SHOWN: dict[str, tuple[tuple[Text, str], ...]] = {
    "orders": (
        (gettext_lazy("Row"), "row"),
        (gettext_lazy("Order number"), "order_id"),
        (gettext_lazy("Time"), "occurred_at"),
        (gettext_lazy("Customer number"), "customer_id"),
        (gettext_lazy("Product"), "product_name"),
        (gettext_lazy("Quantity"), "quantity"),
        (gettext_lazy("Amount"), "amount_minor"),
        (gettext_lazy("Status"), "status"),
        (gettext_lazy("Sale or refund"), "kind"),
    ),
    "customers": (
        (gettext_lazy("Row"), "row"),
        (gettext_lazy("Customer number"), "customer_id"),
        (gettext_lazy("Name"), "name"),
        (gettext_lazy("Phone"), "phone"),
        (gettext_lazy("Registered at"), "registered_at"),
        (gettext_lazy("City"), "city"),
    ),
    "products": (
        (gettext_lazy("Row"), "row"),
        (gettext_lazy("Product code"), "sku"),
        (gettext_lazy("Product name"), "name"),
        (gettext_lazy("Category"), "category"),
        (gettext_lazy("List price"), "list_price"),
    ),
}


def look(upload: Upload, choices: Choices, *, zone: ZoneInfo, currency: str) -> Preview:
    """Read the file as chosen and check every row, storing nothing."""
    try:
        found = services.preview_file(
            path=upload.path, lines_path=upload.lines, kind=choices.kind, options=choices.options, limit=_ROWS
        )
    except DomainError as error:
        return _look_at_headers(upload, choices, error, zone, currency)
    chosen = found.mapping.columns
    joined = upload.lines is not None
    columns, more = ([], []) if joined else _column_choices(choices.kind, found.mapping.headers, chosen)
    facts = describe_reading(found.detected)
    facts += describe_unused(found.mapping.to_json())
    if joined:
        facts.append((_("Columns"), _listed_columns(choices.kind, chosen)))
    shown = _SHOWN[choices.kind]
    return Preview(
        choices=choices,
        facts=facts,
        reading=_reading(choices, found.detected),
        columns=columns,
        more_columns=more,
        words=_word_choices(dict(found.detected.get("unknown_words") or {}), choices),
        row_headers=[label for label, _name in shown],
        rows=[[_shown(name, row, zone, currency) for _label, name in shown] for row in found.understood],
        problems=[problem for problem in found.problems if not problem["skipped"]],
        skips=[problem for problem in found.problems if problem["skipped"]],
        warnings=found.warnings,
        counts=found.counts,
    )


def _look_at_headers(upload: Upload, choices: Choices, problem: DomainError, zone: ZoneInfo, currency: str) -> Preview:
    """What can be shown of a file whose mapping does not fit: its headers, its first rows, and the selects."""
    try:
        found = services.look_at(path=upload.path, kind=choices.kind, options=choices.options)
    except DomainError as error:
        return Preview(choices, problem=str(error), reading=_reading(choices, control=error.control))
    named = {column for told in choices.options.columns.values() for column in told}
    if choices.told and named and not named & set(found.headers):
        # Another sheet was chosen: what was said about the columns of the first does not concern it.
        afresh = replace(choices, options=replace(choices.options, columns={}), told=False)
        return look(upload, afresh, zone=zone, currency=currency)
    chosen = dict(found.guessed) if not choices.told else {}
    for name, told in choices.options.columns.items():
        chosen[name] = next((column for column in told if column in found.headers), "")
    columns, more = _column_choices(choices.kind, found.headers, chosen)
    return Preview(
        choices=choices,
        problem=str(problem),
        facts=describe_reading(found.detected),
        reading=_reading(choices, found.detected, control=problem.control),
        columns=[] if upload.lines else columns,
        more_columns=[] if upload.lines else more,
        row_headers=list(found.headers),
        rows=[[cell or "" for cell in row] for row in found.rows[:_ROWS]],
        is_raw=True,
    )


def _column_choices(kind: str, headers: Sequence[str], chosen: Mapping[str, str]) -> tuple[list[Choice], list[Choice]]:
    """One select for each field: those that matter or are filled, and the rest."""
    options = [("", _("(none)")), *[(header, header) for header in dict.fromkeys(headers) if header]]
    first: list[Choice] = []
    rest: list[Choice] = []
    for declared in KINDS[kind]:
        value = chosen.get(declared.name, "")
        choice = Choice(
            name=f"map.{declared.name}",
            label=declared.label,
            value=value,
            options=options,
            required=declared.required,
            error=_("Choose the column.") if declared.required and not value else "",
        )
        (first if value or declared.name in _FIRST[kind] else rest).append(choice)
    first += [
        Choice(f"map.{name}", name.removeprefix(ATTRIBUTE_PREFIX), header, options)
        for name, header in chosen.items()
        if name.startswith(ATTRIBUTE_PREFIX)
    ]
    return first, rest


def _reading(choices: Choices, detected: Mapping[str, Any] | None = None, *, control: str = "") -> list[Choice]:
    """How the file is read, where recognizing it went wrong; `control` is the one that mends the present problem."""
    given = choices.options
    auto = ("", _("Recognize"))
    encodings = [auto, *[(name, name) for name in ("utf-8", "gb18030", "utf-16")]]
    separators = [auto, ("comma", _("Comma")), ("tab", _("Tab")), ("semicolon", _("Semicolon")), ("pipe", "|")]
    orders = [auto, ("ymd", _("year-month-day")), ("dmy", _("day/month/year")), ("mdy", _("month/day/year"))]
    found = [
        Choice("read.encoding", _("Encoding"), given.encoding, encodings),
        Choice("read.separator", _("Separator"), given.separator, separators),
        Choice("read.date_order", _("Dates are written"), given.date_order, orders),
    ]
    if choices.kind == "orders":
        hint = _("Order numbers that begin with it are refunds, for example C. Empty: none.")
        found.append(Choice("read.refund_prefix", _("Prefix of refunds"), given.refund_prefix, hint=hint))
        hint = _("Order numbers are unique inside one source. Files of one shop keep one name.")
        found.append(Choice("read.source", _("Source"), given.source, hint=hint))
    sheets = list((detected or {}).get("sheets", ()))
    if sheets:
        options = [(name, name) for name in sheets]
        found.insert(0, Choice("read.sheet", _("Sheet"), given.sheet or str((detected or {})["sheet"]), options))
    return [replace(one, error=_("Choose here.")) if one.name == f"read.{control}" else one for one in found]


def _word_choices(unknown: Mapping[str, Sequence[str]], choices: Choices) -> list[Choice]:
    meanings = meaning_words()
    labels = {declared.name: declared.label for declared in KINDS[choices.kind]}
    told = choices.options.values
    listed = [(name, word, "") for name, words in unknown.items() for word in words[:_MOST_WORDS]]
    listed += [(name, word, meaning) for name, words in told.items() for word, meaning in words.items()]
    return [
        Choice(
            name=f"word.{name}:{word}",
            label=f"{labels.get(name, name)}: {word}",
            value=value,
            options=[("", _("(refuse these rows)")), *[(code, meanings.get(code, code)) for code in MEANINGS[name]]],
        )
        for name, word, value in listed
    ]


def _listed_columns(kind: str, columns: Mapping[str, str]) -> str:
    labels = {declared.name: str(declared.label) for declared in KINDS[kind]}
    return _(", ").join(f"{labels.get(name, name)} = {header}" for name, header in columns.items())


def _shown(name: str, row: Mapping[str, str | None], zone: ZoneInfo, currency: str) -> str:
    value = row.get(name) or (row.get("sku") if name == "product_name" else None)
    if not value:
        return NOTHING
    if name == "kind":
        return _("Refund") if value == "refund" else _("Sale")
    if name == "status":
        return meaning_words().get(value, value)
    if name in {"amount_minor", "list_price"}:
        return format_minor(int(value), currency)
    if name in {"occurred_at", "registered_at"}:
        return format_instant(datetime.fromisoformat(value.replace("+00:00Z", "Z")), zone)
    if name == "quantity":
        return f"{Decimal(value).normalize():f}"
    if name == "phone":
        return mask_phone(value)
    return mask_name(value) if name == "name" and "phone" in row else value


def describe_reading(detected: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was found out about a file, in words: format, encoding, separator, sheet, header row, forms of time."""
    names = {
        "format": _("Format"),
        "encoding": _("Encoding"),
        "separator": _("Separator"),
        "sheet": _("Sheet"),
        "header_row": _("Header in row"),
    }
    separators = {",": _("Comma"), "\t": _("Tab"), ";": _("Semicolon")}
    facts = [
        (label, separators.get(str(detected[name]), str(detected[name])))
        for name, label in names.items()
        if detected.get(name)
    ]
    for name, form in dict(detected.get("times") or {}).items():
        label = next((str(f.label) for kind in KINDS.values() for f in kind if f.name == name), name)
        facts.append((label, _time_words(form)))
    return facts


def describe_unused(mapping: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The columns of a file that no field takes, as one fact; none where all are used."""
    unused = [str(column["column"]) for column in mapping.get("unused", ())]
    return [(_("Columns not used"), _(", ").join(unused))] if unused else []


def _time_words(form: Mapping[str, Any]) -> str:
    words = form_words()
    return "; ".join(
        _("%(forms)s, for example %(example)s")
        % {"forms": words.get(one["form"], one["form"]), "example": one.get("like") or form.get("example")}
        for one in form.get("forms", ())
    )
