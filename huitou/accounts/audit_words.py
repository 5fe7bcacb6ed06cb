"""What the audit log says about the people who work here, their keys and the brand."""

from django.utils.translation import gettext_lazy as _

from huitou.accounts.roles import PERMISSIONS, ROLE_LABELS

ACTIONS = {
    "brand.created": _("Brand created"),
    "brand.updated": _("Settings of the brand changed"),
    "brand.removed": _("Settings of a brand without data put aside for the example"),
    "brand.clock_moved": _("Clock of the example moved"),
    "example.started": _("Work on the example begun"),
    "example.removed": _("Example removed"),
    "user.created": _("First administrator created"),
    "staff.added": _("Person added"),
    "staff.changed": _("Person changed"),
    "staff.activated": _("Person let in again"),
    "staff.deactivated": _("Person deactivated"),
    "staff.password_reset": _("Password reset"),
    "staff.password_changed": _("Own password changed"),
    "login.throttled": _("Login slowed down after wrong passwords"),
    "key.created": _("Key created"),
    "key.revoked": _("Key revoked"),
}
FIELDS = {
    "name": _("Name"),
    "full_name": _("Full name"),
    "role": _("Role"),
    "is_active": _("May sign in"),
    "zone": _("Time zone"),
    "currency": _("Currency"),
    "is_example": _("Example"),
    "exclusions": _("What is not a purchase"),
    "thresholds": _("Cut-offs"),
    "targets": _("Targets"),
    "min_amount_minor": _("Smallest amount (minor units)"),
    "order_types": _("Kinds of order"),
    "channels": _("Channels"),
    "skus": _("Products"),
    "person_ids": _("Customers"),
    "before": _("Before"),
    "after": _("After"),
    "scope": _("Scope"),
    "target": _("Target"),
    "kind": _("Type of key"),
    "scopes": _("What it may do"),
    "source": _("Feed"),
    "reason": _("Reason"),
}
# Codes among the values of a field, in words.
VALUES = {
    "role": ROLE_LABELS,
    "scopes": PERMISSIONS,
    "kind": {"write": _("Write key"), "api": _("API key")},
    "order_types": {"brushing": _("Brushing orders"), "sample": _("Samples"), "staff": _("Staff orders")},
}
