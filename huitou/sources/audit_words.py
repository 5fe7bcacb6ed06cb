"""What the audit log says about imports."""

from django.utils.translation import gettext_lazy as _

ACTIONS = {
    "import.orders": _("Orders imported"),
    "import.customers": _("Customers imported"),
    "import.products": _("Products imported"),
    "import.requested": _("Import asked for"),
    "example.requested": _("Work on the example asked for"),
    "import.rejects_taken": _("Refused rows of an import downloaded"),
    "event.replayed": _("Refused events replayed"),
    "event.edited": _("A refused event mended"),
    "event.discarded": _("Refused events discarded"),
    "plan.changed": _("Tracking plan changed"),
    "plan.problem_dismissed": _("Difference from the tracking plan dismissed"),
    "feed.expectation_set": _("Normal silence of a feed set"),
}
FIELDS = {
    "run": _("Import"),
    "rows": _("Rows"),
    "rejected": _("Refused"),
    "event": _("Event"),
    "property": _("Property"),
    "source": _("Feed"),
}
