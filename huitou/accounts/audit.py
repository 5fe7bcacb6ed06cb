"""The audit log in words. Each app says in its `audit_words.py` what its actions and their details mean."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Mapping
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


@cache
def action_words() -> dict[str, Text]:
    """Every action that the installed apps write, with its label."""
    return {code: words for module in _modules() for code, words in getattr(module, "ACTIONS", {}).items()}


@cache
def _field_words() -> dict[str, Text]:
    return {code: words for module in _modules() for code, words in getattr(module, "FIELDS", {}).items()}


@cache
def _value_words() -> dict[tuple[str, str], Text]:
    found: dict[tuple[str, str], Text] = {}
    for module in _modules():
        for name, words in getattr(module, "VALUES", {}).items():
            found |= {(name, code): text for code, text in words.items()}
    return found


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
    processes = {"cli": _("Command line"), "start": _("First start"), "login": _("Login"), "worker": _("Worker")}
    return entry.actor_label if entry.actor_id else processes.get(entry.actor_label, entry.actor_label)


def describe(entry: AuditEntry) -> list[str]:
    """The details of an entry, one sentence each: `Role: Analyst → Operator`."""
    detail: Mapping[str, object] = entry.detail
    before, after = detail.get("before"), detail.get("after")
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        changed = [name for name in after if before.get(name) != after[name]]
        return [f"{_label(n)}: {_value(n, before.get(n))} → {_value(n, after[n])}" for n in changed]
    return [f"{_label(name)}: {_value(name, value)}" for name, value in detail.items() if value not in (None, "", [])]


def _label(name: str) -> str:
    return str(_field_words().get(name, name))


def _value(name: str, value: object) -> str:
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, Mapping):
        return _shortened("; ".join(f"{_label(key)} {_value(key, part)}" for key, part in value.items()))
    if isinstance(value, list):
        return _shortened(", ".join(_value(name, part) for part in value))
    return _shortened(str(_value_words().get((name, str(value)), value)))


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
