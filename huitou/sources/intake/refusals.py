"""Why an event is not taken: one code for each reason, with the words for it and what mends it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one event is not taken: a code of REASONS, and what exactly was wrong with it."""

    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Reason:
    """A reason in words: what is wrong, and how to mend it."""

    label: str | Promise
    remedy: str | Promise


REASONS: dict[str, Reason] = {
    "malformed": Reason(
        _("not an event of the Segment spec"),
        _("Send a JSON object: ids are text or whole numbers, event and times text, properties and context objects."),
    ),
    "kind_unknown": Reason(_("unknown type"), _("Set type to track, identify, page, screen, alias or group.")),
    "name_missing": Reason(_("no event name"), _("A track call needs event, at most 200 characters.")),
    "name_personal": Reason(
        _("a phone number, an e-mail address or an identity card number in the event name"),
        _("Name events after what happened and put the rest into properties."),
    ),
    "identity_missing": Reason(
        _("nobody named"),
        _("Send userId or anonymousId; an alias call also needs previousId, a group call groupId."),
    ),
    "id_invalid": Reason(
        _("an id that is too long or holds control characters"), _("Ids have at most 200 characters.")
    ),
    "too_large": Reason(_("larger than an event may be"), _("Send at most 32 KB for each event.")),
    "time_malformed": Reason(
        _("a time that cannot be read"), _("Send ISO 8601 with a zone, for example 2026-03-01T12:00:00.000Z.")
    ),
    "time_past": Reason(
        _("a time before 1970"),
        _("Set the sender's clock, or send sentAt so that it can be corrected; then replay."),
    ),
    "time_future": Reason(
        _("more than a day in the future"),
        _("Set the sender's clock, or send sentAt so that it can be corrected; then replay."),
    ),
    "order_currency": Reason(
        _("an order in another currency"), _("Orders are in the brand's currency; send the amount in it.")
    ),
    "order_incomplete": Reason(
        _("an order that lacks something"),
        _("Order events need order_id, and products with product_id and price, or an amount such as total alone."),
    ),
    "order_word": Reason(
        _("an order with an unknown status or type"),
        _("Send status as paid, completed, cancelled, refunded, or another word of the reference of events."),
    ),
    "order_value": Reason(
        _("an order with a value that cannot be read"),
        _("Amounts and quantities are plain numbers, times ISO 8601, order and product numbers single values."),
    ),
    "order_crowded": Reason(
        _("an order that has too many events already"),
        _("One order has at most 1,000 events. See whether the sender gives all its orders one number."),
    ),
    "brand_missing": Reason(
        _("an order before the brand is set up"),
        _("Say the brand's currency and zone: huitou brand set. Then replay."),
    ),
    "consent_unreadable": Reason(
        _("a consent that cannot be read"),
        _("A grant names channel and purpose, granted is true or false; a withdrawal without them is of all."),
    ),
    "failed": Reason(_("taking it in failed"), _("See the detail; replay it once the cause is mended.")),
}


def reason_label(code: str) -> str:
    """A reason in the reader's language; the code itself where no words are known."""
    reason = REASONS.get(code)
    return str(reason.label) if reason else code


def reason_sentence(code: str) -> str:
    """What is wrong and how to mend it, in the reader's language."""
    return gettext("%(reason)s. %(remedy)s") % {"reason": reason_label(code), "remedy": reason_remedy(code)}


def reason_remedy(code: str) -> str:
    """How to mend it, in the reader's language; empty where no words are known."""
    reason = REASONS.get(code)
    return str(reason.remedy) if reason else ""
