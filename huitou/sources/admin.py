"""The back office's tables of data on their way in. Payloads hold personal data and are not shown."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from huitou.accounts.back_office import LookOnly
from huitou.sources.models import Consumer, ImportRun


@admin.register(ImportRun)
class ImportRunAdmin(LookOnly):
    """Imports with everything that is known about them but the rows."""

    title = _("Imports")
    list_display = ("file_name", "kind", "source", "state", "rows", "accepted", "rejected", "created_at", "finished_at")
    list_filter = ("kind", "state")
    fields = (*list_display, "orders", "customers", "content_hash", "detected", "error")


@admin.register(Consumer)
class ConsumerAdmin(LookOnly):
    """Processes that drain the inbox."""

    title = _("Event consumers")
    list_display = ("name", "at", "events", "seconds")
