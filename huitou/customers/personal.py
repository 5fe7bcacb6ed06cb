"""Everything about one customer, out or away: each app says in its `personal_data.py` what it keeps of people.

Such a module may have

- `export(person_ids, identifiers)`: what the app keeps of them, as JSON values,
- `look(person_ids, identifiers)`: finds what takes long to find, before anything is locked,
- `erase(person_ids, identifiers)`: erases it and returns how much of what; with `looked`, what its `look` found, and
  then it looks at what has changed since,
- `PERSONAL`: names of the app's models that hold personal data, each reached by both,
- `IMPERSONAL`: names of those with texts that do not, each with the reason.

Identifiers are (kind, namespace, value) as they are kept, and names under the kind `name`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.customers.groups import customers_of, members_of
from huitou.customers.identifier_kind import Key
from huitou.customers.joining import CustomerUnknownError
from huitou.customers.models import Identifier, Person
from huitou.customers.needles import NAME
from huitou.customers.sql.sightings import LOCK

# How often a customer is looked for anew because its identifiers have changed meanwhile.
_LOOKS = 3


class AlreadyErasedError(DomainError):
    """Nothing personal is left of the customer."""

    code = "already_erased"
    status = 409


def personal_data_modules() -> Iterator[ModuleType]:
    """The `personal_data.py` of every installed app of ours; that of customers comes last, for it knows who it is."""
    ours = [config for config in apps.get_app_configs() if config.name.startswith("huitou.")]
    for config in sorted(ours, key=lambda c: (c.label == "customers", c.label)):
        name = f"{config.name}.personal_data"
        if importlib.util.find_spec(name) is not None:
            yield importlib.import_module(name)


def export_customer(
    *, person_id: int, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> Mapping[str, Any]:
    """Everything about the customer that the person belongs to, by app. Raises CustomerUnknownError."""
    customer, persons = _persons(person_id)
    identifiers = known_identifiers(persons)
    document: dict[str, Any] = {"customer": customer, "persons": persons, "exported_at": clock.now().isoformat()}
    for module in personal_data_modules():
        if hasattr(module, "export"):
            document[module.__name__.split(".")[-2]] = module.export(persons, identifiers)
    record_audit(action="customer.exported", clock=clock, actor=actor, actor_label=actor_label, target=f"#{customer}")
    return document


def erase_customer(
    *, person_id: int, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> dict[str, int]:
    """Erase everything personal of the customer that the person belongs to, for ever; returns how much of what.

    The persons stay without names, so that no figure moves. Interrupted, it is done again whole. Everybody who resolves
    customers waits for it, so files and events are looked through before. Raises CustomerUnknownError, or
    AlreadyErasedError.
    """
    for _attempt in range(_LOOKS):
        counts = _erase(person_id, _look(person_id), clock=clock, actor=actor, actor_label=actor_label)
        if counts is not None:
            return counts
    # Its identifiers change all the time: the others have to wait after all.
    counts = _erase(person_id, None, clock=clock, actor=actor, actor_label=actor_label)
    assert counts is not None
    return counts


@dataclass(frozen=True)
class _Looked:
    """Who the customer was when it was looked for, and what each module found."""

    persons: list[int]
    identifiers: list[Key]
    found: dict[str, Any]


def _look(person_id: int) -> _Looked:
    _customer, persons = _alive(person_id)
    identifiers = known_identifiers(persons)
    modules = [module for module in personal_data_modules() if hasattr(module, "look")]
    return _Looked(persons, identifiers, {module.__name__: module.look(persons, identifiers) for module in modules})


def _alive(person_id: int) -> tuple[int, list[int]]:
    customer, persons = _persons(person_id)
    if not Person.objects.filter(pk__in=persons, erased_at=None).exists():
        raise AlreadyErasedError(_("#%(id)s was erased already.") % {"id": customer})
    return customer, persons


def _erase(
    person_id: int, looked: _Looked | None, *, clock: Clock, actor: User | None, actor_label: str
) -> dict[str, int] | None:
    """Erase in one transaction; None where the customer is another than the one that was looked for."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Nobody is resolved to a person that is being erased.
        cursor.execute(LOCK)
        customer, persons = _alive(person_id)
        identifiers = known_identifiers(persons)
        if looked is not None and (looked.persons, looked.identifiers) != (persons, identifiers):
            return None
        counts: dict[str, int] = {}
        for module in personal_data_modules():
            if hasattr(module, "erase"):
                found = looked.found.get(module.__name__) if looked else None
                told = {} if found is None else {"looked": found}
                for name, count in module.erase(persons, identifiers, **told).items():
                    counts[name] = counts.get(name, 0) + count
        Person.objects.filter(pk__in=persons).update(erased_at=clock.now())
        record_audit(
            action="customer.erased",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=f"#{customer}",
            count=len(persons),
            detail={name: count for name, count in counts.items() if count},
        )
    return counts


def known_identifiers(persons: Sequence[int]) -> list[Key]:
    """Everything by which these persons can be recognized in a text: identifiers, and names and phones as given."""
    rows = Identifier.objects.filter(person_id__in=persons).order_by("kind", "namespace", "value")
    found: list[Key] = list(rows.values_list("kind", "namespace", "value"))
    for name, phone in Person.objects.filter(pk__in=persons).values_list("display_name", "phone"):
        if len(name.strip()) > 1 and "*" not in name:
            found.append((NAME, "", name.strip()))
        if phone.strip() and "*" not in phone:
            found.append(("phone", "", phone.strip()))
    return found


def _persons(person_id: int) -> tuple[int, list[int]]:
    if not Person.objects.filter(pk=person_id).exists():
        raise CustomerUnknownError(_("There is no customer #%(id)s.") % {"id": person_id})
    customer = customers_of([person_id])[person_id]
    return customer, members_of([customer])[customer]
