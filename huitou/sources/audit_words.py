"""What the audit log says about imports."""

from django.utils.translation import gettext_lazy as _

ACTIONS = {
    "import.orders": _("Orders imported"),
    "import.customers": _("Customers imported"),
    "import.products": _("Products imported"),
}
FIELDS = {"run": _("Import"), "rows": _("Rows"), "rejected": _("Refused")}
