"""An external contact of WeCom (企业微信); the namespace is the corporation's id."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from huitou.customers.identifier_kind import IdentifierKind
from huitou.customers.normalizing import show_secret

IDENTIFIER_KIND = IdentifierKind(
    kind="external_userid",
    label=_("WeCom external contact"),
    strength=65,
    is_account=True,
    namespaced=True,
    show=show_secret,
    traits=("external_userid", "externalUserid"),
    aliases=("external_user_id", "external_contact_id"),
)
