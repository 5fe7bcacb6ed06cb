"""What lets a killed process or a repeated request end exactly once: batches, refreshes, answers of the API."""

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


class LakeMark(models.Model):
    """The one row that says which lake is this store's: the id in its marker (huitou.core.lake_mark)."""

    value = models.CharField(max_length=32)
    is_placed = models.BooleanField(default=False, help_text="whether the marker was written into the lake")

    def __str__(self) -> str:
        return self.value


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


class StoredAnswer(models.Model):
    """The answer to a write of the API that came with an Idempotency-Key; written in the transaction of the write."""

    caller = models.CharField(max_length=100, help_text="who sent it: key:PREFIX or user:ID")
    key = models.CharField(max_length=200, help_text="the Idempotency-Key")
    request_hash = models.CharField(max_length=64, help_text="SHA-256 of method, address and body")
    status = models.PositiveSmallIntegerField()
    body = models.TextField(blank=True, help_text="without what is shown only once, such as a new key")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["caller", "key"], name="answer_once_per_key")]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"


class RateLimit(models.Model):
    """How much a caller of the API has used up of what it may: the instant at which all of it is free again."""

    caller = models.CharField(max_length=100, unique=True)
    free_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.caller} {self.free_at:%H:%M:%S}"
