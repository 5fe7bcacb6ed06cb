"""What the audit log says about imports."""

from django.utils.translation import gettext_lazy as _

from huitou.sources.connectors.kinds import CONNECTORS
from huitou.sources.connectors.trouble import TROUBLE
from huitou.sources.intake.refusals import REASONS

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
    "fields": _("What was changed"),
    "code": _("What is wrong"),
    "kind": _("Kind"),
    "days": _("Days"),
    "letters": _("Numbers"),
    "first": _("First number"),
    "last": _("Last number"),
    "expected_seconds": _("Longest normal silence (seconds)"),
    "action": _("Change"),
    "problem": _("Difference"),
    "count": _("How many"),
}
VALUES = {
    "reason": {code: reason.label for code, reason in REASONS.items()},
    "kind": {
        "orders": _("Order data"),
        "customers": _("Customer data"),
        "products": _("Product data"),
        "load": _("Load the example"),
        "advance": _("Move the example's clock on"),
        "remove": _("Remove the example"),
        **{connector.kind: connector.label for connector in CONNECTORS},
    },
    "code": {code: trouble.text for code, trouble in TROUBLE.items()},
}
