"""One decision about consent that somebody was told: recorded with who wrote it down."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.customers.telling import ConsentDecision, record_consents


class ConsentRefusedError(DomainError):
    """A decision that names no channel or purpose of its own."""

    code = "consent_refused"
    status = 422


def decide_consent(
    *, decision: ConsentDecision, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> None:
    """Record one decision of a customer that somebody was told. Raises ConsentRefusedError."""
    with transaction.atomic():
        for problem in record_consents(decisions=[decision], clock=clock):
            raise ConsentRefusedError(
                _("The consent %(value)s cannot be recorded: %(reason)s.")
                % {"value": problem.value, "reason": problem.reason}
            )
        record_audit(
            action="customer.consent_recorded",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=f"#{decision.person_id}",
            detail={"channel": decision.channel, "purpose": decision.purpose, "granted": decision.granted},
        )
