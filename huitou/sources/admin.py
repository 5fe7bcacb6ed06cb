"""The back office's tables of data on their way in. Payloads hold personal data and are not shown."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from huitou.accounts.back_office import LookOnly, word_filter
from huitou.sources.models import Consumer, ImportRun

_KINDS = {"orders": _("Orders"), "customers": _("Customers"), "products": _("Products")}
_STATES = {
    "uploaded": _("waiting"),
    "preparing": _("being read"),
    "prepared": _("checked"),
    "claimed": _("being written"),
    "done": _("done"),
    "failed": _("failed"),
}


@admin.register(ImportRun)
class ImportRunAdmin(LookOnly):
    """Imports with everything that is known about them but the rows."""

    title = _("Imports")
    list_display = (
        "file_name",
        "kind_word",
        "source",
        "state_word",
        "rows",
        "accepted",
        "rejected",
        "created_at",
        "finished_at",
    )
    list_filter = (word_filter("kind", _("Kind"), lambda: _KINDS), word_filter("state", _("State"), lambda: _STATES))
    fields = (*list_display, "orders", "customers", "content_hash", "detected", "error")

    @admin.display(description=_("Kind"), ordering="kind")
    def kind_word(self, run: ImportRun) -> str:
        return str(_KINDS.get(run.kind, run.kind))

    @admin.display(description=_("State"), ordering="state")
    def state_word(self, run: ImportRun) -> str:
        return str(_STATES.get(run.state, run.state))


@admin.register(Consumer)
class ConsumerAdmin(LookOnly):
    """Processes that drain the inbox."""

    title = _("Event consumers")
    list_display = ("name", "at", "events", "seconds")
