"""Imports of files: what came in, how it was read, what was refused."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class ImportRun(models.Model):
    """One file on its way in. Each state is reached by a committed step, so a killed import resumes where it was."""

    KINDS: ClassVar = [("orders", "orders"), ("customers", "customers"), ("products", "products")]
    # uploaded: file known; preparing: being read; prepared: checked and staged; claimed: its batch is persisted;
    # done: in the lake, or in the register or catalog; failed: see error.
    STATES: ClassVar = [(s, s) for s in ("uploaded", "preparing", "prepared", "claimed", "done", "failed")]

    key = models.CharField(max_length=200, unique=True, help_text="idempotency key")
    kind = models.CharField(max_length=20, choices=KINDS)
    source = models.CharField(max_length=100, help_text="feed name; order numbers are unique inside one")
    file_name = models.CharField(max_length=300)
    file_path = models.CharField(max_length=1000, help_text="where the file lies")
    lines_path = models.CharField(max_length=1000, blank=True, help_text="where its separate line file lies")
    content_hash = models.CharField(max_length=64, help_text="SHA-256 of the file (and its line file)")
    file_size = models.BigIntegerField(default=0)
    options = models.JSONField(default=dict, help_text="how the file is to be read, as a mapping file would say it")
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
    warnings = models.JSONField(default=list, help_text="what was taken in but deserves a look")
    batch_id = models.BigIntegerField(
        null=True, help_text="lake batch of its order lines, while and after it is staged"
    )
    staged_path = models.CharField(max_length=500, blank=True, help_text="folder below the staging folder")
    staged_rows = models.BigIntegerField(default=0, help_text="order lines staged")
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
