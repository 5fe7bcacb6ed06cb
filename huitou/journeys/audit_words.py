"""What the audit log says about journeys, launches and tasks."""

from django.utils.translation import gettext_lazy as _

ACTIONS = {
    "journey.created": _("Journey created"),
    "journey.draft_saved": _("Draft of a journey saved"),
    "journey.published": _("Version of a journey published"),
    "journey.archived": _("Journey put away"),
    "launch.created": _("Launch created"),
    "launch.paused": _("Launch paused"),
    "launch.resumed": _("Launch resumed"),
    "launch.stopped": _("Launch stopped"),
    "staff_task.taken": _("Staff task taken"),
    "staff_task.released": _("Staff task given back"),
    "staff_task.snoozed": _("Staff task put off"),
    "staff_task.finished": _("Staff task finished"),
}
FIELDS = {
    "number": _("Version"),
    "control_bp": _("Control share in basis points"),
    "window_days": _("Outcome window in days"),
    "starts_at": _("Starts"),
    "ends_at": _("Ends"),
    "left": _("Customers who left"),
    "taken_back": _("Messages taken back"),
    "called_off": _("Staff tasks called off"),
    "outcome": _("Outcome"),
    "until": _("Until"),
}
VALUES: dict[str, dict[str, object]] = {}
