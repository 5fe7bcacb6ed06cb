"""A browser or device before anybody signed in on it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from huitou.customers.identifier_kind import IdentifierKind
from huitou.customers.normalizing import show_secret

IDENTIFIER_KIND = IdentifierKind(
    kind="anonymous_id",
    label=_("Anonymous id"),
    strength=10,
    show=show_secret,
    aliases=("anonymous_id", "anonymous", "previous_id", "device_id", "visitor_id", "cookie_id"),
)
