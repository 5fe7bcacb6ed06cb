"""The back office's tables of what happens in the background: batches, refreshes, jobs."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django.models import ProcrastinateJob

from huitou.accounts.back_office import LookOnly
from huitou.core.models import LakeBatch, RefreshRun

apps.get_app_config("procrastinate").verbose_name = _("Work queue")


@admin.register(LakeBatch)
class LakeBatchAdmin(LookOnly):
    """Batches on their way into the lake."""

    title = _("Batches of the lake")
    list_display = ("id", "table", "row_count", "claimed_at", "committed_at", "lake_version")
    list_filter = ("table",)


@admin.register(RefreshRun)
class RefreshRunAdmin(LookOnly):
    """Refreshes with seconds and rows by step."""

    title = _("Refreshes")
    list_display = ("id", "as_of", "started_at", "finished_at", "error")


@admin.register(ProcrastinateJob)
class JobAdmin(LookOnly):
    """Jobs that wait, run or failed."""

    title = _("Jobs")
    list_display = ("id", "task_name", "status", "attempts", "scheduled_at")
    list_filter = ("status", "task_name")
    fields = (*list_display, "queue_name", "args", "lock", "queueing_lock")
