"""What the doctor looks at among the people who work here."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.accounts.models import User
from huitou.accounts.roles import ADMIN
from huitou.core.clock import Clock
from huitou.core.doctor import FAIL, OK, Check


def check_admins(_clock: Clock) -> tuple[str, str, str]:
    """Somebody must be able to let others in."""
    admins = User.objects.filter(role=ADMIN, is_active=True).count()
    mend = _("Make one: huitou staff add NAME --role admin")
    return (OK if admins else FAIL), _("%(count)s who may sign in") % {"count": admins}, mend


CHECKS = [Check("administrators", gettext_lazy("Administrators"), check_admins)]
