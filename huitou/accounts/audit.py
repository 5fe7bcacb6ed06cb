"""The audit log in words. Each app says in its `audit_words.py` what its actions and their details mean."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from types import ModuleType
from zoneinfo import ZoneInfo

from django.apps import apps
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from huitou.accounts.models import AuditEntry
from huitou.core.clock import day_start

Text = str | Promise
_LONGEST = 200
# Enough of a hash to tell two texts apart; the entry holds all of it.
_HASH = re.compile(r"[0-9a-f]{64}")


@cache
def action_words() -> dict[str, Text]:
    """Every action that the installed apps write, with its label."""
    return {code: words for module in _modules() for code, words in getattr(module, "ACTIONS", {}).items()}


@dataclass(frozen=True)
class _Words:
    """What the details of one app's actions are called. Two apps may mean different things by one name."""

    fields: Mapping[str, Text]
    values: Mapping[tuple[str, str], Text]

    def label(self, name: str) -> str:
        return str(self.fields.get(name, name))

    def place(self, name: str) -> int:
        """Details stand in the order in which their words are declared: the database keeps none."""
        return list(self.fields).index(name) if name in self.fields else len(self.fields)


@cache
def _words_of(action: str) -> _Words:
    """The words of the app that writes the action before those of the others."""
    fields: dict[str, Text] = {}
    values: dict[tuple[str, str], Text] = {}
    for module in sorted(_modules(), key=lambda m: action in getattr(m, "ACTIONS", {})):
        fields |= getattr(module, "FIELDS", {})
        for name, words in getattr(module, "VALUES", {}).items():
            values |= {(name, code): text for code, text in words.items()}
    return _Words(fields, values)


def _modules() -> Iterator[ModuleType]:
    for config in apps.get_app_configs():
        name = f"{config.name}.audit_words"
        if config.name.startswith("huitou.") and importlib.util.find_spec(name) is not None:
            yield importlib.import_module(name)


def action_label(action: str) -> str:
    """What happened, in the reader's language; an action of an app that is gone keeps its code."""
    return str(action_words().get(action, action))


def actor_name(entry: AuditEntry) -> str:
    """Who did it: a person by their user name, else which process acted by itself."""
    return entry.actor_label if entry.actor_id else process_name(entry.actor_label)


def process_name(label: str) -> str:
    """What acted where nobody was signed in: a part of the product by its name, a key by its beginning, or a feed."""
    processes = {
        "cli": _("Command line"),
        "start": _("First start"),
        "login": _("Login"),
        "worker": _("Worker"),
        "intake": _("Intake"),
    }
    if label.startswith("key "):
        return _("Key %(prefix)s") % {"prefix": label.removeprefix("key ")}
    return processes.get(label, label)


def describe(entry: AuditEntry) -> list[str]:
    """The details of an entry, one sentence each: `Role: Analyst → Operator`."""
    detail: Mapping[str, object] = entry.detail
    words = _words_of(entry.action)
    before, after = detail.get("before"), detail.get("after")
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        changed = [name for name in after if before.get(name) != after[name]]
        return [f"{words.label(n)}: {_value(words, n, before.get(n))} → {_value(words, n, after[n])}" for n in changed]
    told = {name: value for name, value in detail.items() if value not in (None, "", [])}
    return [f"{words.label(name)}: {_value(words, name, told[name])}" for name in sorted(told, key=words.place)]


def _value(words: _Words, name: str, value: object) -> str:
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, Mapping):
        return _shortened("; ".join(f"{words.label(key)} {_value(words, key, part)}" for key, part in value.items()))
    if isinstance(value, list):
        return _shortened(", ".join(_value(words, name, part) for part in value))
    text = str(words.values.get((name, str(value)), value))
    return f"{text[:8]}…" if _HASH.fullmatch(text) else _shortened(text)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def list_entries(
    *, zone: ZoneInfo, action: str = "", actor: str = "", target: str = "", day: date | None = None
) -> QuerySet[AuditEntry]:
    """The entries that fit every given filter, newest first; `day` is a day in `zone`."""
    found = AuditEntry.objects.order_by("-at", "-pk")
    if action:
        found = found.filter(action=action)
    if actor:
        found = found.filter(actor_label__iexact=actor)
    if target:
        found = found.filter(target__iexact=target)
    if day is not None:
        found = found.filter(at__gte=day_start(day, zone), at__lt=day_start(day + timedelta(days=1), zone))
    return found
