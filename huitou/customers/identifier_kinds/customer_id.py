"""The brand's own customer number, which is also the user id of its events."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from huitou.customers.identifier_kind import IdentifierKind

IDENTIFIER_KIND = IdentifierKind(
    kind="customer_id",
    label=_("Customer number"),
    strength=90,
    is_account=True,
    aliases=(
        "customer_id",
        "customer_no",
        "customer_number",
        "customer_code",
        "user_id",
        "uid",
        "client_id",
        "inviter",
        "inviter_id",
        "inviter_no",
        "invitee",
        "invitee_id",
        "invitee_no",
        "invited_by",
        "referrer_id",
        "account",
        "account_id",
        "account_no",
        "客户编号",
        "用户编号",
    ),
)
