"""Batches on their way into the lake, and refreshes: what lets a killed process be resumed exactly once."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class LakeBatch(models.Model):
    """One appended batch of one lake table, from claim to commit. Its id is the batch id and the lake transaction."""

    key = models.CharField(max_length=200, unique=True, help_text="idempotency key of whoever claimed it")
    table = models.CharField(max_length=100)
    staged_path = models.CharField(max_length=500, help_text="folder of Parquet files below the staging folder")
    row_count = models.BigIntegerField()
    claimed_at = models.DateTimeField()
    committed_at = models.DateTimeField(null=True)
    lake_version = models.BigIntegerField(null=True, help_text="table version that holds it")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="lake_batch_committed_with_version",
                condition=models.Q(committed_at__isnull=True, lake_version__isnull=True)
                | models.Q(committed_at__isnull=False, lake_version__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["table", "id"], name="lake_batch_pending", condition=models.Q(committed_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.table} #{self.pk}"


class RefreshRun(models.Model):
    """One refresh. `versions` names the lake version of every table it read and wrote: readers use the last done."""

    as_of = models.DateTimeField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    versions = models.JSONField(default=dict)
    detail = models.JSONField(default=dict, help_text="seconds and rows by step")
    error = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"refresh {self.pk} as of {self.as_of:%Y-%m-%d %H:%M}"
