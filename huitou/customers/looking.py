"""Seeing a customer whole: what is masked everywhere else, shown to one person once, and noted for ever."""

from __future__ import annotations

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.accounts.models import User
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.customers.portrait import Portrait, find_portrait

# A choice and no free text: the audit log is for ever, and what people write might name the customer.
REASONS: dict[str, Promise] = {
    "service": gettext_lazy("The customer asked us"),
    "order": gettext_lazy("A question about an order"),
    "merge": gettext_lazy("Are two customers one?"),
    "other": gettext_lazy("Something else"),
}


class NobodyError(DomainError):
    """There is no such customer."""

    code = "customer_unknown"
    status = 404


def look_whole(
    *, person_id: int, clock: Clock, reason: str = "", actor: User | None = None, actor_label: str = "cli"
) -> Portrait:
    """The customer that the person belongs to with nothing masked; one audit entry says who saw what of whom, and why.

    `reason` is one of REASONS or empty. Raises NobodyError.
    """
    with transaction.atomic():
        portrait = find_portrait(person_id, clock=clock, whole=True)
        if portrait is None:
            raise NobodyError(_("There is no customer #%(id)s.") % {"id": person_id})
        record_audit(
            action="customer.unmasked",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=f"#{portrait.customer}",
            detail={"seen": list(portrait.personal), "reason": reason if reason in REASONS else ""},
        )
    return portrait
