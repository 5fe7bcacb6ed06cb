"""The one customer that somebody names on the command line, and the file that a document goes to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from huitou.core.errors import DomainError
from huitou.customers.joining import CustomerUnknownError
from huitou.customers.models import Person
from huitou.customers.queries import customers_of, find_person_ids


class SeveralCustomersError(DomainError):
    """More than one customer has such an identifier."""

    code = "several_customers"
    status = 409


class ConfirmationMissingError(DomainError):
    """What cannot be undone must be asked for explicitly."""

    code = "confirmation_missing"


class CannotWriteError(DomainError):
    """The file cannot be written."""

    code = "cannot_write"


def find_one(text: str, *, by_identifier: bool = False) -> int:
    """The customer of that number (12 or #12), or with that identifier in any spelling.

    Raises CustomerUnknownError, or SeveralCustomersError where an identifier finds more than one.
    """
    if by_identifier:
        found = sorted(set(customers_of(find_person_ids(text)).values()))
        if not found:
            raise CustomerUnknownError(_("No customer has this identifier. Write it whole."))
        if len(found) > 1:
            raise SeveralCustomersError(
                _("Several customers fit: %(ids)s. Name one by its number.")
                % {"ids": ", ".join(f"#{customer}" for customer in found[:20])}
            )
        return found[0]
    number = find_number(text)
    return customers_of([number])[number]


def find_number(text: str) -> int:
    """The person of that number, 12 or #12. Raises CustomerUnknownError."""
    number = text.strip().removeprefix("#")
    if not number.isdigit() or len(number) > 18:
        raise CustomerUnknownError(
            _("%(text)s is no internal number like #12. To find somebody by a customer number or phone, add -i.")
            % {"text": text}
        )
    if not Person.objects.filter(pk=int(number)).exists():
        raise CustomerUnknownError(_("There is no customer #%(id)s.") % {"id": number})
    return int(number)


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write the document as JSON, whole or not at all, readable by its owner only. Raises CannotWriteError."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.touch(mode=0o600)
        part.write_text(json.dumps(document, ensure_ascii=False, indent=2, default=str), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        reason = error.strerror or type(error).__name__
        raise CannotWriteError(
            _("%(path)s cannot be written: %(reason)s.") % {"path": path, "reason": reason}
        ) from error
