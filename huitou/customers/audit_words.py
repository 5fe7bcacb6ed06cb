"""What the audit log says about customers: by number only, never by name."""

from django.utils.translation import gettext_lazy as _

from huitou.customers.identifier_kind import IDENTIFIER_KINDS
from huitou.customers.looking import REASONS

ACTIONS = {
    "customer.merged": _("Two customers joined by hand"),
    "customers.merged": _("Customers joined by shared identifiers"),
    "customer.unmerged": _("Joined customers parted"),
    "customer.kept_apart": _("Two customers kept apart"),
    "customers.case_closed": _("Case of the merge review closed"),
    "customer.exported": _("Everything about a customer exported"),
    "customer.erased": _("Customer erased"),
    "customer.consent_recorded": _("Consent of a customer recorded"),
    "customer.unmasked": _("Personal data of a customer looked at whole"),
    "customers.identifiers_stopped": _("Identifiers of many accounts stopped joining"),
}
FIELDS = {
    "seen": _("Seen"),
    "reason": _("Reason"),
    "channel": _("Channel"),
    "purpose": _("Purpose"),
    "granted": _("Agreed"),
    "merge": _("Join"),
    "merges_ended": _("Joins ended"),
    "rules": _("Joined by"),
    "rule": _("Joined by"),
    "barriers_lifted": _("Earlier partings lifted"),
    "persons": _("Persons"),
    "identifiers": _("Identifiers"),
    "uses": _("Sightings with others"),
    "consents": _("Consent decisions"),
    "milestones": _("Milestones"),
    "acquisitions": _("Origins"),
    "event_details": _("Personal parts of events"),
    "waiting_events": _("Waiting events"),
    "dead_letters": _("Dead letters"),
    "uploads": _("Uploaded files"),
    "rejected_rows": _("Rejected rows"),
    "scratch_files": _("Scratch files"),
    "progress_files": _("Progress notes"),
    "log_lines": _("Lines of logs"),
    "imports": _("Imports"),
    "attributes_of_others": _("Attributes of other customers"),
    "origins_of_others": _("Origins of other customers"),
    "details_of_others": _("Personal parts of other customers' events"),
    "answers": _("Kept answers of the API"),
}
_RULES = {kind.kind: kind.label for kind in IDENTIFIER_KINDS} | {"manual": _("By hand")}
VALUES = {
    "rule": _RULES,
    "rules": _RULES,
    "reason": REASONS,
    "seen": {
        "names": _("Names"),
        "phones": _("Phones"),
        "identifiers": _("Identifiers"),
        "attributes": _("Attributes"),
        "milestones": _("Milestones"),
    },
}
