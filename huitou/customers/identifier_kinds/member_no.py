"""Number of the brand's membership card."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from huitou.customers.identifier_kind import IdentifierKind

IDENTIFIER_KIND = IdentifierKind(
    kind="member_no",
    label=_("Member number"),
    strength=80,
    is_account=True,
)
