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
    "connection.created": _("Outside system connected"),
    "connection.changed": _("Connection changed"),
    "connection.paused": _("Connection paused"),
    "connection.resumed": _("Connection resumed"),
    "connection.pull_requested": _("Pull asked for"),
    "connection.stopped": _("Connection stopped by itself"),
    "connection.removed": _("Connection removed"),
}
FIELDS = {
    "run": _("Import"),
    "rows": _("Rows"),
    "rejected": _("Refused"),
    "event": _("Event"),
    "property": _("Property"),
    "source": _("Feed"),
    "minutes": _("Minutes between pulls"),
    "since": _("From which day on"),
}
