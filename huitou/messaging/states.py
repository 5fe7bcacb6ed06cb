"""States of touches in words and tones."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

STATE_WORDS: dict[str, str | Promise] = {
    "planned": _("planned"),
    "waiting": _("waiting"),
    "sending": _("being sent"),
    "sent": _("sent"),
    "delivered": _("delivered"),
    "read": _("read"),
    "clicked": _("clicked"),
    "unknown": _("unknown whether it arrived"),
    "failed": _("failed"),
    "refused": _("not sent"),
    "expired": _("too late"),
    "cancelled": _("taken back"),
}
TONES = {
    "sent": "good",
    "delivered": "good",
    "read": "good",
    "clicked": "good",
    "unknown": "warn",
    "failed": "bad",
    "waiting": "info",
    "planned": "info",
    "sending": "info",
}


def state_words(state: str) -> str:
    """The state in the reader's language."""
    return str(STATE_WORDS.get(state, state))
