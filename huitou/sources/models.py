"""Imports of files: what came in, how it was read, what was refused."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class ImportRun(models.Model):
    """One file on its way in. Each state is reached by a committed step, so a killed import resumes where it was."""

    KINDS: ClassVar = [("orders", "orders"), ("customers", "customers"), ("products", "products")]
    # uploaded: file kept; prepared: parsed, checked and staged; claimed: batches persisted; done; failed: see error.
    STATES: ClassVar = [(s, s) for s in ("uploaded", "preparing", "prepared", "claimed", "done", "failed")]

    key = models.CharField(max_length=200, unique=True, help_text="idempotency key")
    kind = models.CharField(max_length=20, choices=KINDS)
    source = models.CharField(max_length=100, help_text="feed name; order numbers are unique inside one")
    file_name = models.CharField(max_length=300)
    file_path = models.CharField(max_length=1000, help_text="where the file lies")
    file_size = models.BigIntegerField(default=0)
    state = models.CharField(max_length=20, choices=STATES, default="uploaded")
    detected = models.JSONField(default=dict, help_text="encoding, separator, date form, columns")
    mapping = models.JSONField(default=dict, help_text="the mapping used")
    rows = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    orders = models.BigIntegerField(default=0)
    customers = models.BigIntegerField(default=0)
    reject_path = models.CharField(max_length=1000, blank=True)
    problems = models.JSONField(default=list, help_text="rejections by reason, with counts and an example")
    progress = models.JSONField(default=dict, help_text="step, done, total")
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["-created_at"], name="import_newest")]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="import_counts_add_up", condition=models.Q(rows__gte=models.F("accepted") + models.F("rejected"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.file_name}"
