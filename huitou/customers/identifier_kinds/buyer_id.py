"""A buyer's account at a platform; the namespace is platform:shop."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from huitou.customers.identifier_kind import IdentifierKind
from huitou.customers.normalizing import read_account, show_account

IDENTIFIER_KIND = IdentifierKind(
    kind="buyer_id",
    label=_("Buyer account"),
    strength=50,
    is_account=True,
    namespaced=True,
    normalize=read_account,
    show=show_account,
    aliases=(
        "buyer_id",
        "buyer_no",
        "buyer_nick",
        "buyer_name",
        "buyer_account",
        "nick",
        "wechat_id",
        "wechat_no",
        "wx_id",
        "买家昵称",
        "买家会员名",
    ),
)
