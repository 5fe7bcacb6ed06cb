"""A WeChat user in one app; the namespace is the app's id."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from huitou.customers.identifier_kind import IdentifierKind
from huitou.customers.normalizing import show_secret

IDENTIFIER_KIND = IdentifierKind(
    kind="openid",
    label=_("WeChat openid"),
    strength=60,
    is_account=True,
    namespaced=True,
    show=show_secret,
    traits=("openid", "openId", "open_id"),
)
