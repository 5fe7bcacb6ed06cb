"""What the audit log says about customers: by number only, never by name."""

from django.utils.translation import gettext_lazy as _

ACTIONS = {
    "customer.merged": _("Two customers joined by hand"),
    "customers.merged": _("Customers joined by shared identifiers"),
    "customer.unmerged": _("Joined customers parted"),
    "customer.kept_apart": _("Two customers kept apart"),
    "customers.case_closed": _("Case of the merge review closed"),
    "customers.identifiers_stopped": _("Identifiers of many accounts stopped joining"),
}
FIELDS = {
    "merge": _("Join"),
    "merges_ended": _("Joins ended"),
    "rules": _("Shared identifiers"),
    "rule": _("Shared identifier"),
    "barriers_lifted": _("Earlier partings lifted"),
}
