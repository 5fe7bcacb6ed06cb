"""Mail that came back, handed in by whoever reads the mailbox: what failed for good, and who complained, is not written
again."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.messaging.channel import COMPLAINED
from huitou.messaging.channels.email.bounces import NotABounceError, read_bounce
from huitou.messaging.models import Attempt
from huitou.messaging.receiving import take_receipts


class BounceInvalidError(DomainError):
    """What was handed in is neither a report of mail that could not be delivered nor a complaint."""

    code = "bounce_invalid"
    status = 422


@dataclass(frozen=True)
class Bounced:
    """What a report came to: recipients given up, complaints, how many of both are new, how many of no mail of ours."""

    failed: int
    complained: int
    new: int
    unmatched: int


def take_bounce(*, raw: bytes, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> Bounced:
    """Take in one delivery status notification or complaint; twice is once. Raises BounceInvalidError."""
    try:
        receipts = read_bounce(raw, clock)
    except NotABounceError as error:
        raise BounceInvalidError(
            _(
                "This is no report of undeliverable mail and no complaint: %(part)s is missing. Hand in the whole mail "
                "with its headers."
            )
            % {"part": error.what}
        ) from error
    new = unmatched = 0
    with transaction.atomic():
        for receipt in receipts:
            found = Attempt.objects.filter(provider_ref=receipt.provider_ref, account__kind="email")
            attempt = found.select_related("account").first()
            if attempt is None:
                unmatched += 1
                continue
            new += take_receipts([receipt], account=attempt.account, origin="report", clock=clock).new
        if new:
            record_audit(action="message.bounced", clock=clock, actor=actor, actor_label=actor_label, count=new)
    complained = sum(receipt.status == COMPLAINED for receipt in receipts)
    return Bounced(len(receipts) - complained, complained, new, unmatched)
