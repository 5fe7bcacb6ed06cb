"""A WeChat user, the same in all apps of one open-platform account."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from huitou.customers.identifier_kind import IdentifierKind
from huitou.customers.normalizing import show_secret

IDENTIFIER_KIND = IdentifierKind(
    kind="unionid",
    label=_("WeChat unionid"),
    strength=70,
    is_account=True,
    show=show_secret,
    traits=("unionid", "unionId", "union_id"),
)
