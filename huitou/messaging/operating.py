"""What people decide about messages: settings, sends by hand, and what became of those nobody knows about."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.messaging import sql
from huitou.messaging.channel import CHANNELS
from huitou.messaging.content import MARKETING, Content
from huitou.messaging.hours import parse_hours
from huitou.messaging.models import (
    CANCELLED,
    FAILED,
    OPEN_STATES,
    PLANNED,
    SENT,
    UNKNOWN,
    Attempt,
    ChannelAccount,
    ContactPolicy,
    Touch,
    TouchDecision,
)
from huitou.messaging.services import TouchRequest, request_touches

# How long a message that somebody sends by hand may wait for quiet hours and caps.
_BY_HAND = timedelta(days=2)
DECISIONS = ("sent", "not_sent", "again")
_NUMBERS = {
    "cap_day": (0, 100),
    "cap_week": (0, 500),
    "duplicate_days": (0, 3650),
    "max_retries": (0, 20),
    "fatigue_unanswered": (1, 1000),
    "fatigue_gap_days": (1, 365),
    "fatigue_stop_after": (1, 1000),
    "fatigue_optout_bp": (0, 10_000),
}
_SWITCHES = ("service_is_capped", "service_is_held_out", "fatigue_is_on")


class PolicyInvalidError(DomainError):
    """A setting of contact that cannot be used."""

    code = "policy_invalid"
    status = 422


class TouchStateError(DomainError):
    """The message is not in a state in which this can be decided."""

    code = "touch_state"
    status = 409


class TouchUnknownError(DomainError):
    """There is no such message."""

    code = "touch_unknown"
    status = 404


def change_policy(
    *, changes: Mapping[str, Any], clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> ContactPolicy:
    """Change how often and when customers may be contacted; what is left out stays. Raises PolicyInvalidError."""
    _check_policy(changes)
    with transaction.atomic():
        ContactPolicy.objects.bulk_create([ContactPolicy(pk=1)], ignore_conflicts=True)
        policy = ContactPolicy.objects.select_for_update().get(pk=1)
        changed = [name for name, value in changes.items() if getattr(policy, name) != value]
        for name in changed:
            setattr(policy, name, changes[name])
        if policy.fatigue_stop_after < policy.fatigue_unanswered:
            raise PolicyInvalidError(_("Marketing cannot stop before it is lowered: give a larger number."))
        if changed:
            policy.save()
            record_audit(
                action="contact.policy_changed",
                clock=clock,
                actor=actor,
                actor_label=actor_label,
                detail={"fields": sorted(changed)},
            )
    return policy


def _check_policy(changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        if name in _NUMBERS:
            least, most = _NUMBERS[name]
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise PolicyInvalidError(
                    _("%(name)s must be a whole number from %(least)s to %(most)s.")
                    % {"name": name, "least": least, "most": most}
                )
        elif name in _SWITCHES:
            if not isinstance(value, bool):
                raise PolicyInvalidError(_("%(name)s is either on or off.") % {"name": name})
        elif name == "quiet_hours":
            _check_hours(value)
        elif name == "home_channels":
            _check_homes(value)
        else:
            raise PolicyInvalidError(_("There is no setting named %(name)s.") % {"name": name[:50]})


def _check_hours(told: object) -> None:
    if not isinstance(told, dict) or not set(told) <= set(CHANNELS.kinds()):
        raise PolicyInvalidError(
            _("Quiet hours are given by channel: %(known)s.") % {"known": ", ".join(CHANNELS.kinds())}
        )
    for hours in told.values():
        try:
            read = parse_hours(hours)
        except (ValueError, TypeError) as error:
            raise PolicyInvalidError(_("Write quiet hours as two times, like 21:00 and 09:00.")) from error
        if read and read[0] == read[1]:
            raise PolicyInvalidError(_("Quiet hours that begin and end at one time leave no moment to send."))


def _check_homes(told: object) -> None:
    if not isinstance(told, dict) or not set(told) <= set(CHANNELS.kinds()):
        raise PolicyInvalidError(
            _("Sales channels are given by channel: %(known)s.") % {"known": ", ".join(CHANNELS.kinds())}
        )
    seen: set[str] = set()
    for codes in told.values():
        if not isinstance(codes, list) or not all(isinstance(code, str) and 0 < len(code) <= 64 for code in codes):
            raise PolicyInvalidError(_("Write sales channels as a list of codes of at most 64 characters."))
        if twice := seen.intersection(codes):
            raise PolicyInvalidError(
                _("The sales channel %(code)s belongs to one channel only.") % {"code": min(twice)}
            )
        seen.update(codes)


def send_by_hand(
    *,
    customer_id: int,
    channels: tuple[str, ...],
    content: Content,
    purpose: str = MARKETING,
    is_test: bool = False,
    key: str = "",
    clock: Clock,
    actor: User | None = None,
    actor_label: str = "cli",
) -> Touch:
    """Plan one message to one customer, governed like every other. The same `key` again is the same message.

    Raises what request_touches raises.
    """
    who = str(actor.pk) if actor else actor_label
    kind = "test" if is_test else "manual"
    now = clock.now()
    request = TouchRequest(
        key=f"{kind}:{who}:{key or secrets.token_hex(12)}"[:200],
        customer_id=customer_id,
        source=f"{kind}:{who}"[:100],
        channels=channels,
        content=content,
        purpose=purpose,
        priority=100,
        send_after=now,
        not_after=now + _BY_HAND,
        step=kind,
        planned_by=actor.get_username() if actor else actor_label,
    )
    with transaction.atomic():
        [touch_id] = request_touches([request], clock=clock)
        record_audit(
            action="message.planned",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=f"#{customer_id}",
            detail={"touch": touch_id, "channels": list(channels), "purpose": purpose, "test": is_test},
        )
    return Touch.objects.get(pk=touch_id)


def cancel_touch(*, touch_id: int, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> Touch:
    """Take back one message that has not gone out. Raises TouchUnknownError, TouchStateError."""
    with transaction.atomic():
        touch = _locked(touch_id)
        if touch.state not in OPEN_STATES:
            raise TouchStateError(_("Only what is still waiting can be taken back."))
        touch.state, touch.reason, touch.next_at, touch.ended_at = CANCELLED, "cancelled", None, clock.now()
        touch.lake_version += 1
        touch.save(update_fields=["state", "reason", "next_at", "ended_at", "lake_version"])
        _audit("message.cancelled", touch, "", clock, actor, actor_label)
    return touch


def decide_unknown(
    *, touch_id: int, decision: str, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> Touch:
    """Settle a message of which nobody knows whether it arrived: sent, not_sent, or again (governed anew).

    Raises TouchUnknownError, TouchStateError where it is not unknown, PolicyInvalidError for another decision.
    """
    if decision not in DECISIONS:
        raise PolicyInvalidError(_("Decide one of %(known)s.") % {"known": ", ".join(DECISIONS)})
    now = clock.now()
    with transaction.atomic():
        touch = _locked(touch_id)
        if touch.state != UNKNOWN:
            raise TouchStateError(_("Only a message of which nobody knows whether it arrived is decided by hand."))
        outcome = "accepted" if decision == "sent" else "refused"
        Attempt.objects.filter(touch=touch, outcome="unknown").update(
            outcome=outcome, code=f"operator_{decision}", finished_at=now, decided_by=actor
        )
        if decision == "sent":
            touch.state, touch.reason = SENT, "operator_sent"
        else:
            with connection.cursor() as cursor:
                cursor.execute(sql.RELEASE_SLOTS, [[touch.pk]])
            again = decision == "again"
            touch.state, touch.reason = (PLANNED, "operator_again") if again else (FAILED, "operator_not_sent")
            touch.next_at, touch.sent_at = (now, None) if again else (None, None)
            touch.ended_at = None if again else now
        touch.lake_version += 1
        touch.save()
        TouchDecision.objects.create(
            touch=touch,
            at=now,
            verdict="wait" if decision == "again" else "no",
            reason=touch.reason,
            channel=touch.channel,
        )
        _audit("message.decided", touch, decision, clock, actor, actor_label)
    return touch


def set_welcome(
    *, account_id: int, content: Content | None, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> ChannelAccount:
    """What the account answers to customers who were just added; None: nothing. Raises TouchUnknownError."""
    with transaction.atomic():
        found = ChannelAccount.objects.select_for_update(no_key=True).filter(pk=account_id).first()
        if found is None:
            raise TouchUnknownError(_("There is no such channel account; it may have been removed."))
        found.welcome = content.to_json() if content else {}
        found.save(update_fields=["welcome"])
        record_audit(
            action="channel.welcome_changed", clock=clock, actor=actor, actor_label=actor_label, target=found.name
        )
    return found


def _audit(action: str, touch: Touch, decision: str, clock: Clock, actor: User | None, actor_label: str) -> None:
    record_audit(
        action=action,
        clock=clock,
        actor=actor,
        actor_label=actor_label,
        target=f"#{touch.person_id}",
        detail={"touch": touch.pk, **({"decision": decision} if decision else {})},
    )


def _locked(touch_id: int) -> Touch:
    found = Touch.objects.select_for_update(no_key=True).filter(pk=touch_id).first()
    if found is None:
        raise TouchUnknownError(_("There is no message %(id)s.") % {"id": touch_id})
    return found


def get_touch(touch_id: int) -> Touch:
    """The message of that number. Raises TouchUnknownError."""
    found = Touch.objects.select_related("account").filter(pk=touch_id).first()
    if found is None:
        raise TouchUnknownError(_("There is no message %(id)s.") % {"id": touch_id})
    return found
