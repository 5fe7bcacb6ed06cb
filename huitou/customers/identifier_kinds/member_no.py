"""Number of the brand's membership card."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from huitou.customers.identifier_kind import IdentifierKind

IDENTIFIER_KIND = IdentifierKind(
    kind="member_no",
    label=_("Member number"),
    strength=80,
    is_account=True,
    traits=("member_no", "memberNo"),
    aliases=(
        "member_id",
        "member_number",
        "member_code",
        "member_card",
        "member_card_no",
        "card_no",
        "vip_no",
        "会员号",
        "会员编号",
        "会员卡号",
    ),
)
