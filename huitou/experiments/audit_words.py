"""What the audit log says about experiments and the global holdout."""

from django.utils.translation import gettext_lazy as _

ACTIONS = {
    "experiment.opened": _("Experiment opened"),
    "experiment.assigned": _("Customers assigned to the arms of an experiment"),
    "experiment.closed": _("Experiment closed"),
    "holdout.share_set": _("Share of the global holdout set"),
    "margin.set": _("Margin set"),
}
FIELDS = {
    "arms": _("Arms"),
    "window_days": _("Outcome window in days"),
    "starts_at": _("Start"),
    "ends_at": _("End"),
    "before": _("Before"),
    "after": _("After"),
    "margin": _("Margin"),
    "looks": _("Planned looks before the end"),
}
