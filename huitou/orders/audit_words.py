"""What the audit log says about lists of customers."""

from django.utils.translation import gettext_lazy as _

ACTIONS = {"customers.list_exported": _("List of customers with numbers and phones downloaded")}
FIELDS = {"list": _("List")}
VALUES = {"list": {"all": _("All"), "week": _("Due this week"), "late": _("Late")}}
