"""A phone number. People have several, and some are shared: it joins, and never conflicts."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from huitou.customers.identifier_kind import IdentifierKind
from huitou.customers.normalizing import read_phone, show_phone

IDENTIFIER_KIND = IdentifierKind(
    kind="phone",
    label=_("Phone"),
    strength=40,
    normalize=read_phone,
    show=show_phone,
    traits=("phone", "mobile"),
    aliases=(
        "phone_number",
        "mobile_phone",
        "mobile_no",
        "telephone",
        "tel",
        "cellphone",
        "contact_phone",
        "receiver_phone",
        "手机",
        "手机号",
        "电话",
    ),
)
