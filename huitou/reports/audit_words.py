"""What the audit log says about reports."""

from django.utils.translation import gettext_lazy as _

ACTIONS = {"contact_gap.exported": _("Buyers out of contact downloaded")}
