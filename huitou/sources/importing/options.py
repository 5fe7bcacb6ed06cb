"""What a person may say about a file: its mapping and how to read it. A mapping file (YAML, JSON) holds the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml
from django.utils.translation import gettext as _

from huitou.core.errors import DomainError
from huitou.sources.statuses import MEANINGS

PRESETS = Path(__file__).parent.parent / "mappings"
_TEXTS = ("source", "platform", "refund_prefix", "zone", "encoding", "separator", "date_order", "sheet")
_TABLES = ("columns", "line_columns", "constants", "values")


class MappingFileError(DomainError):
    """A mapping file, or something given like one, cannot be used."""

    code = "mapping_unusable"


@dataclass(frozen=True)
class ImportOptions:
    """How to read one file. `columns` maps field to column, or to several of which the first that exists is taken;
    where a mapping file lists several, the file may also have none (`may_lack`).

    `line_columns` is the same for a separate line file, `constants` gives a field one value for all rows, `values`
    says by field what a shop's word means. `platform` says whose account a customer number is: a platform's code, or
    `channel` where the rows' channel names it; empty: the brand's own number. Other empty texts mean: detect, or
    take the brand's.
    """

    source: str = ""
    platform: str = ""
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    line_columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    refund_prefix: str = ""
    zone: str = ""
    encoding: str = ""
    separator: str = ""
    date_order: str = ""
    sheet: str = ""
    may_lack: frozenset[str] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """Only what was given, as a mapping file would hold it."""
        given: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if not value or item.name == "may_lack":
                continue
            if item.name in ("columns", "line_columns"):
                value = {k: list(v) if k in self.may_lack or len(v) > 1 else v[0] for k, v in value.items()}
            elif isinstance(value, Mapping):
                value = {k: dict(v) if isinstance(v, Mapping) else v for k, v in value.items()}
            given[item.name] = value
        return given

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> ImportOptions:
        """Options from a mapping file's content. Raises MappingFileError naming what cannot be used."""
        unknown = set(given) - set(_TEXTS) - set(_TABLES) - {"kind", "title"}
        if unknown:
            raise MappingFileError(
                _("The mapping has no setting named %(name)s; there are: %(known)s.")
                % {"name": ", ".join(sorted(unknown)), "known": ", ".join((*_TABLES, *_TEXTS))}
            )
        tables = {name: _table(name, given.get(name)) for name in _TABLES}
        return cls(
            columns=_columns(tables["columns"]),
            line_columns=_columns(tables["line_columns"]),
            constants={k: str(v) for k, v in tables["constants"].items()},
            values=_values(tables["values"]),
            may_lack=frozenset(
                name
                for table in ("columns", "line_columns")
                for name, column in tables[table].items()
                if isinstance(column, list)
            ),
            **{name: str(given[name]) for name in _TEXTS if given.get(name) is not None},
        )

    def over(self, base: ImportOptions) -> ImportOptions:
        """These options where given, those of `base` where not; mappings are joined field by field."""
        changes: dict[str, Any] = {name: getattr(self, name) or getattr(base, name) for name in _TEXTS}
        for name in ("columns", "line_columns", "constants"):
            changes[name] = {**getattr(base, name), **getattr(self, name)}
        changes["may_lack"] = self.may_lack | (base.may_lack - set(self.columns))
        # A customer number that somebody names is the brand's own, unless they say whose.
        if "customer_id" in self.columns and not self.platform:
            changes["platform"] = ""
        # A column given now outranks a constant or a line column of the base, and the other way round.
        for name in self.columns:
            changes["constants"].pop(name, None)
            changes["line_columns"].pop(name, None)
        for name in self.constants:
            changes["columns"].pop(name, None)
            changes["line_columns"].pop(name, None)
        changes["values"] = {
            name: {**base.values.get(name, {}), **self.values.get(name, {})} for name in {*base.values, *self.values}
        }
        return replace(self, **changes)


def _table(name: str, given: object) -> Mapping[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise MappingFileError(_("%(name)s must be a table of field: column.") % {"name": name})
    return {str(key): value for key, value in given.items()}


def _columns(given: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(str(c) for c in column) if isinstance(column, list | tuple) else (str(column),)
        for name, column in given.items()
    }


def _values(given: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    read: dict[str, dict[str, str]] = {}
    for name, words in given.items():
        if name not in MEANINGS:
            raise MappingFileError(
                _("Words can be mapped for %(known)s, not for %(name)s.") % {"name": name, "known": ", ".join(MEANINGS)}
            )
        table = _table(f"values.{name}", words)
        for word, meaning in table.items():
            if meaning not in MEANINGS[name]:
                raise MappingFileError(
                    _("%(word)s cannot mean %(meaning)s; %(field)s is one of: %(known)s.")
                    % {"word": word, "meaning": meaning, "field": name, "known": ", ".join(MEANINGS[name])}
                )
        read[name] = {str(word): str(meaning) for word, meaning in table.items()}
    return read


def read_mapping_file(path: Path) -> ImportOptions:
    """The options in a YAML or JSON mapping file. Raises MappingFileError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        given = json.loads(text) if path.suffix.lower() == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise MappingFileError(
            _("The mapping file %(path)s cannot be read: %(reason)s.") % {"path": path, "reason": error.strerror}
        ) from error
    except (ValueError, yaml.YAMLError) as error:
        raise MappingFileError(
            _("The mapping file %(path)s is neither YAML nor JSON: %(reason)s.") % {"path": path, "reason": error}
        ) from error
    return ImportOptions.from_json(_table("mapping", given))


def list_presets() -> list[str]:
    """Names of the ready mappings."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def read_preset(name: str) -> ImportOptions:
    """A ready mapping; its name is the source unless the mapping names another. Raises MappingFileError."""
    if name not in list_presets():
        raise MappingFileError(
            _("There is no ready mapping named %(name)s; there are: %(known)s.")
            % {"name": name, "known": ", ".join(list_presets())}
        )
    options = read_mapping_file(PRESETS / f"{name}.yaml")
    return options if options.source else replace(options, source=name)


def options_from_pairs(
    *,
    columns: Sequence[str] = (),
    constants: Sequence[str] = (),
    values: Sequence[str] = (),
    texts: Mapping[str, str] | None = None,
) -> ImportOptions:
    """Options from `field=column`, `field=value` and `field:word=meaning` pairs, and texts by their names.

    Raises MappingFileError.
    """
    words: dict[str, dict[str, str]] = {}
    for given in values:
        name, colon, rest = given.partition(":")
        word, equals, meaning = rest.rpartition("=")
        if not (colon and equals and word):
            raise MappingFileError(
                _("%(given)s is not a word mapping; write field:word=meaning, for example status:已发货=paid.")
                % {"given": given}
            )
        words.setdefault(name.strip(), {})[word] = meaning.strip()
    given_texts = {name: value for name, value in (texts or {}).items() if value}
    return ImportOptions.from_json(
        {
            "columns": dict(map(_pair, columns)),
            "constants": dict(map(_pair, constants)),
            "values": words,
            **given_texts,
        }
    )


def _pair(given: str) -> tuple[str, str]:
    # Field names hold no =, column names may: the first one divides.
    name, equals, value = given.partition("=")
    if not equals or not name.strip() or not value:
        raise MappingFileError(
            _("%(given)s is not a mapping; write field=column, for example order_id=Invoice.") % {"given": given}
        )
    return name.strip(), value
