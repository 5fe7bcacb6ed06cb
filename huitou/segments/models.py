"""Saved audiences, the tags that people carry, and what each audience gets. Who is in a segment lies in the lake."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from huitou.core.models import RefreshRun
from huitou.customers.models import Person


class Segment(models.Model):
    """A named audience: everybody for whom its latest version's condition holds."""

    GROUPS: ClassVar = [(g, g) for g in ("own", "layer")]

    name = models.CharField(max_length=60, unique=True, help_text="how conditions, commands and the API call it")
    title = models.CharField(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    group = models.CharField(max_length=10, choices=GROUPS, default="own", help_text="layer: came with the product")
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, help_text="not refreshed any more; its history stays")
    archived_label = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="segment_is_named", condition=~models.Q(name=""))]

    def __str__(self) -> str:
        return self.title or self.name


class SegmentVersion(models.Model):
    """What a segment's condition was from a time on. Never changed: the highest number counts."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    definition = models.JSONField(help_text="a condition, see the condition schema")
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_label = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["segment", "number"], name="segment_version_once"),
            models.CheckConstraint(name="segment_version_from_one", condition=models.Q(number__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.segment_id} v{self.number}"


class SegmentSize(models.Model):
    """How many were in a segment at one finished refresh, and how many came and went since the one before."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="sizes")
    run = models.ForeignKey(RefreshRun, on_delete=models.CASCADE, related_name="+")
    version = models.PositiveIntegerField(help_text="number of the version that was counted")
    as_of = models.DateTimeField()
    size = models.PositiveBigIntegerField()
    entered = models.PositiveBigIntegerField()
    left = models.PositiveBigIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["segment", "run"], name="segment_size_once")]
        indexes: ClassVar = [models.Index(fields=["segment", "-as_of"], name="segment_sizes")]

    def __str__(self) -> str:
        return f"{self.segment_id}: {self.size}"


class TagGroup(models.Model):
    """Tags that belong together, such as skin concerns or where somebody came from."""

    name = models.CharField(max_length=60, unique=True)
    position = models.IntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="tag_group_is_named", condition=~models.Q(name=""))]

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A word that people carry. Its name is what conditions call it."""

    name = models.CharField(max_length=60, unique=True)
    group = models.ForeignKey(TagGroup, null=True, on_delete=models.SET_NULL, related_name="tags")
    description = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, help_text="offered nowhere any more; who carries it keeps it")

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="tag_is_named", condition=~models.Q(name=""))]

    def __str__(self) -> str:
        return self.name


class TagAssignment(models.Model):
    """One reason for which one person carries one tag, from when until when. A tag holds while any reason does."""

    ORIGINS: ClassVar = [(o, o) for o in ("manual", "rule", "play", "import", "api")]

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="tag_assignments")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="assignments")
    origin = models.CharField(max_length=10, choices=ORIGINS)
    origin_ref = models.CharField(max_length=100, blank=True, db_default="", help_text="which rule, launch or file")
    given_at = models.DateTimeField()
    given_label = models.CharField(max_length=150, blank=True, db_default="", help_text="who gave it")
    expires_at = models.DateTimeField(null=True, help_text="from then on it does not hold; empty: until it is taken")
    taken_at = models.DateTimeField(null=True)
    taken_origin = models.CharField(max_length=10, blank=True, db_default="", help_text="an origin, or expired")
    taken_label = models.CharField(max_length=150, blank=True, db_default="", help_text="who took it")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "tag", "origin", "origin_ref"],
                name="tag_given_once",
                condition=models.Q(taken_at=None),
            ),
            models.CheckConstraint(
                name="tag_expires_later",
                condition=models.Q(expires_at=None) | models.Q(expires_at__gt=models.F("given_at")),
            ),
            models.CheckConstraint(
                name="tag_taken_with_origin",
                condition=models.Q(taken_at=None, taken_origin="")
                | (models.Q(taken_at__isnull=False) & ~models.Q(taken_origin="")),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tag", "person"], name="tag_carriers", condition=models.Q(taken_at=None))
        ]

    def __str__(self) -> str:
        return f"#{self.person_id} {self.tag_id} ({self.origin})"


class TagRule(models.Model):
    """Whoever a condition holds for carries a tag; a refresh gives and takes. A changed rule is a new one."""

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="rules")
    definition = models.JSONField(help_text="a condition, see the condition schema")
    created_at = models.DateTimeField()
    created_label = models.CharField(max_length=150, blank=True)
    stopped_at = models.DateTimeField(null=True, help_text="gives and takes no more")
    stopped_label = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tag"], name="tag_rule_stands_once", condition=models.Q(stopped_at=None))
        ]

    def __str__(self) -> str:
        return f"rule {self.pk} of tag {self.tag_id}"


class TagBatch(models.Model):
    """A giving or taking that its caller named, so that repeating it does nothing."""

    key = models.CharField(max_length=200, unique=True)
    count = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="tag_batch_has_key", condition=~models.Q(key=""))]

    def __str__(self) -> str:
        return self.key


class Strategy(models.Model):
    """What the people of one segment get. Whoever is in several segments gets that of the smallest priority."""

    segment = models.OneToOneField(Segment, primary_key=True, on_delete=models.CASCADE, related_name="strategy")
    priority = models.PositiveIntegerField(unique=True, help_text="1 comes first")
    offers = models.TextField(blank=True)
    content = models.TextField(blank=True)
    channel = models.CharField(max_length=200, blank=True)
    service_level = models.CharField(max_length=200, blank=True)
    changed_at = models.DateTimeField()
    changed_label = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="strategy_priority_from_one", condition=models.Q(priority__gte=1))
        ]

    def __str__(self) -> str:
        return f"{self.priority}: {self.segment_id}"
