"""Who may do what: permissions by role, the same for pages, API and back office."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ADMIN, OPERATOR, ANALYST, SERVICE = "admin", "operator", "analyst", "service"
ROLE_LABELS: dict[str, Promise] = {
    ADMIN: _("Administrator"),
    OPERATOR: _("Operator"),
    ANALYST: _("Analyst"),
    SERVICE: _("Customer service"),
}

# What each permission allows, in the words of the pages where keys and roles are given.
PERMISSIONS: dict[str, Promise] = {
    "metrics.view": _("See metrics, overview and customer features without names"),
    "customers.view": _("See customers and their history, personal data masked"),
    "customers.unmask": _("See names, phones and other identifiers whole (each look is logged)"),
    "customers.write": _("Change customers: attributes, consent, merge and unmerge"),
    "customers.export": _("Export everything about one customer, or lists with identifiers"),
    "customers.erase": _("Erase a customer"),
    "data.view": _("See imports, feeds, dead letters and the tracking plan"),
    "data.write": _("Import files, connect shops, replay dead letters, change the tracking plan"),
    "segments.view": _("See segments, tags and their sizes"),
    "segments.write": _("Build and change segments, give and take tags"),
    "plays.view": _("See plays, journeys, launches and their results"),
    "plays.write": _("Edit, launch, pause and stop plays, and send messages"),
    "tasks.view": _("See staff tasks"),
    "tasks.write": _("Take and finish staff tasks"),
    "settings.view": _("See settings and the audit log"),
    "settings.write": _("Change the brand's settings"),
    "staff.write": _("Add and change staff, and issue keys"),
}

_EVERYONE = frozenset({"metrics.view"})
_PLAYS = frozenset({"segments.view", "segments.write", "plays.view", "plays.write", "tasks.view", "tasks.write"})
ROLES: dict[str, frozenset[str]] = {
    ADMIN: frozenset(PERMISSIONS),
    OPERATOR: _EVERYONE
    | _PLAYS
    | {"customers.view", "customers.unmask", "customers.write", "data.view", "data.write", "settings.view"},
    ANALYST: _EVERYONE
    | {"customers.view", "data.view", "settings.view", "segments.view", "segments.write", "plays.view", "tasks.view"},
    SERVICE: _EVERYONE
    | {"customers.view", "customers.unmask", "customers.write", "segments.view", "tasks.view", "tasks.write"},
}


def role_choices() -> list[tuple[str, Promise]]:
    """Choices of a user's role."""
    return list(ROLE_LABELS.items())


def permissions_of(role: str) -> frozenset[str]:
    """What a role may do; an unknown role may nothing."""
    return ROLES.get(role, frozenset())
