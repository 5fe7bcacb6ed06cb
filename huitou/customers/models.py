"""People, and the identifiers by which shops know them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Person(models.Model):
    """A person facts are recorded under. Names and phones live here and nowhere else."""

    display_name = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=40, blank=True, help_text="as given; may be masked by the platform")
    known_since = models.DateTimeField(null=True, help_text="registration at the shop, where a file said so")
    attributes = models.JSONField(default=dict, help_text="declared attributes by name; mirrored for analysis")
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.display_name or f"#{self.pk}"


class Identifier(models.Model):
    """One string by which one source knows one person. Within kind and namespace it names nobody else."""

    kind = models.CharField(max_length=30, help_text="customer_id: the shop's own customer number")
    namespace = models.CharField(max_length=100, blank=True, help_text="shop or app in which the value is unique")
    value = models.CharField(max_length=200)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="identifiers")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "namespace", "value"], name="identifier_names_one_person"),
            models.CheckConstraint(name="identifier_not_empty", condition=~models.Q(value="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"
