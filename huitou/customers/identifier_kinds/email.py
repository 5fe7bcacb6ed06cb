"""An e-mail address."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from huitou.customers.identifier_kind import IdentifierKind
from huitou.customers.normalizing import read_email, show_email

IDENTIFIER_KIND = IdentifierKind(
    kind="email",
    label=_("E-mail"),
    strength=30,
    normalize=read_email,
    show=show_email,
    traits=("email",),
    aliases=("e_mail", "mail", "email_address", "邮箱"),
)
