"""Texts that people here corrected, and what was learned from them.

Texts stay in PostgreSQL and go with the customer.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class CorrectedText(models.Model):
    """One text and what it really says. The latest word of a person here counts."""

    SENTIMENTS: ClassVar = [(s, s) for s in ("positive", "negative")]

    digest = models.BinaryField(max_length=32, unique=True, help_text="SHA-256 of the evened text: one row a text")
    text = models.TextField()
    person = models.ForeignKey(
        "customers.Person",
        on_delete=models.CASCADE,
        null=True,
        db_constraint=False,
        help_text="who wrote it, where that is known",
    )
    sentiment = models.CharField(max_length=10, choices=SENTIMENTS)
    called = models.CharField(max_length=10, help_text="what the product had said")
    corrected_at = models.DateTimeField()
    corrected_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="corrected_text_says_something", condition=~models.Q(text="")),
            models.CheckConstraint(
                name="corrected_text_sentiment", condition=models.Q(sentiment__in=("positive", "negative"))
            ),
        ]

    def __str__(self) -> str:
        return f"corrected text #{self.pk}"


class TextLesson(models.Model):
    """One learning from the corrections: the held-back part judged before and after, and the layer if it was better.

    The newest lesson that is in use counts; an older one can be used again.
    """

    learned_at = models.DateTimeField()
    corrections = models.IntegerField()
    held = models.IntegerField(help_text="corrections that were held back to judge by")
    loss_before = models.FloatField()
    loss_after = models.FloatField()
    right_before = models.FloatField(help_text="share of right calls, 0 to 1")
    right_after = models.FloatField()
    layer = models.JSONField(null=True, help_text="buckets and weights; none where nothing did better")
    in_use = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["in_use"], name="one_lesson_in_use", condition=models.Q(in_use=True)),
            models.CheckConstraint(
                name="lesson_in_use_has_a_layer",
                condition=models.Q(in_use=False) | models.Q(layer__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"text lesson #{self.pk}"
