"""Everything about one customer, out or away: each app says in its `personal_data.py` what it keeps of people.

Such a module may have

- `export(person_ids, identifiers)`: what the app keeps of them, as JSON values,
- `erase(person_ids, identifiers)`: erases it and returns how much of what,
- `PERSONAL`: names of the app's models that hold personal data, each reached by both,
- `IMPERSONAL`: names of those with texts that do not, each with the reason.

Identifiers are (kind, namespace, value) as they are kept, and names under the kind `name`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
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

    The persons stay without names, so that no figure moves. Interrupted, it is done again whole. Raises
    CustomerUnknownError, or AlreadyErasedError.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # Nobody is resolved to a person that is being erased.
        cursor.execute(LOCK)
        customer, persons = _persons(person_id)
        if not Person.objects.filter(pk__in=persons, erased_at=None).exists():
            raise AlreadyErasedError(_("#%(id)s was erased already.") % {"id": customer})
        identifiers = known_identifiers(persons)
        counts: dict[str, int] = {}
        for module in personal_data_modules():
            if hasattr(module, "erase"):
                for name, count in module.erase(persons, identifiers).items():
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
