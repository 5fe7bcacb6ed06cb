"""The brand's own customer number, which is also the user id of its events."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from huitou.customers.identifier_kind import IdentifierKind

IDENTIFIER_KIND = IdentifierKind(
    kind="customer_id",
    label=_("Customer number"),
    strength=90,
    is_account=True,
)
