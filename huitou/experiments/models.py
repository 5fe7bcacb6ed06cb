"""Randomised comparisons: what was fixed when each was opened, and which arm every customer drew."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models

from huitou.customers.models import Person
from huitou.stats.allocation import DRAW_SIZE, Arm, Section, sections

# The arm that is left untouched on purpose; every comparison has one.
CONTROL = "control"
TREATMENT = "treatment"

LAUNCH, HOLDOUT = "launch", "holdout"
# Each look costs some of the five per cent, and more of them tell hardly more.
MOST_LOOKS = 10
RUNNING, ENDED, STOPPED = "running", "ended", "stopped"


class Experiment(models.Model):
    """One comparison. All but `closed_at` is fixed at opening: a trigger of the database refuses changes.

    Customers are assigned from `starts_at` on. Each is watched for `window_days` × 24 hours after its assignment; the
    verdict is read at `ends_at` and counts those whose window is over by then.
    """

    KINDS: ClassVar = [(k, k) for k in (LAUNCH, HOLDOUT)]
    OUTCOMES: ClassVar = [(k, k) for k in ("repurchase",)]

    key = models.CharField(max_length=100, unique=True, help_text="launch:12, holdout:2026-Q4")
    title = models.CharField(max_length=200, help_text="in the operator's words")
    kind = models.CharField(max_length=20, choices=KINDS, default=LAUNCH)
    salt = models.CharField(max_length=100, help_text="what draws are made with: other salts draw independently")
    arms = models.JSONField(help_text="[code, share in basis points] in the order of the draw; they add up to 10,000")
    outcome = models.CharField(max_length=30, choices=OUTCOMES, default="repurchase")
    window_days = models.PositiveIntegerField(help_text="how long each customer is watched after the assignment")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text="when the verdict is read; before it, in progress")
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    looks = models.PositiveSmallIntegerField(default=0, help_text="planned looks before the end, evenly spaced")
    closed_at = models.DateTimeField(null=True, help_text="nobody is assigned from then on")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="experiment_window_at_least_a_day", condition=models.Q(window_days__gte=1)),
            models.CheckConstraint(name="experiment_ends_later", condition=models.Q(ends_at__gt=models.F("starts_at"))),
            models.CheckConstraint(name="experiment_few_looks", condition=models.Q(looks__lte=MOST_LOOKS)),
            models.CheckConstraint(name="experiment_has_key", condition=~models.Q(key="") & ~models.Q(salt="")),
        ]
        indexes: ClassVar = [models.Index(fields=["-starts_at"], name="experiment_newest")]

    def __str__(self) -> str:
        return self.key

    @property
    def shares(self) -> tuple[Arm, ...]:
        """The arms with their shares, in the order of the draw."""
        return tuple(Arm(code, share) for code, share in self.arms)

    @property
    def sections(self) -> tuple[Section, ...]:
        """The arms' parts of the draws."""
        return sections(self.shares)

    @property
    def last_counted_at(self) -> datetime:
        """Who is assigned later has no whole window by the end, and is not counted."""
        return self.ends_at - timedelta(days=self.window_days)

    @property
    def look_instants(self) -> tuple[datetime, ...]:
        """The planned looks and the end: evenly spaced between when the first window is over and the end."""
        first = self.starts_at + timedelta(days=self.window_days)
        return tuple(first + (self.ends_at - first) * share for share in self.look_shares)

    @property
    def look_shares(self) -> tuple[float, ...]:
        """For each of them the share of that time which has passed; 1 at the end."""
        return tuple(number / (self.looks + 1) for number in range(1, self.looks + 2))

    def state_at(self, now: datetime) -> str:
        """running, ended (its end has passed), or stopped (closed before its end)."""
        if now >= self.ends_at:
            return ENDED
        return RUNNING if self.closed_at is None or self.closed_at > now else STOPPED


class Assignment(models.Model):
    """Which arm a person drew, and when: written before anything is sent, and never changed.

    Of several persons of one customer, the earliest assignment is the customer's. Only `batch_id` is filled in later:
    the batch of fct_exposures that holds the row.
    """

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="assignments")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="assignments")
    arm = models.CharField(max_length=50)
    draw = models.BigIntegerField(help_text="the number drawn, from 0 to 2**32 - 1")
    at = models.DateTimeField()
    batch_id = models.BigIntegerField(null=True, help_text="batch of fct_exposures")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["experiment", "person"], name="assignment_once"),
            models.CheckConstraint(
                name="assignment_draw_in_range", condition=models.Q(draw__gte=0, draw__lt=DRAW_SIZE)
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], name="assignment_unwritten", condition=models.Q(batch_id=None)),
        ]

    def __str__(self) -> str:
        return f"#{self.person_id} {self.arm}"


class Exposure(models.Model):
    """The first touch that was really delivered to a person under an experiment."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="exposures")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    arm = models.CharField(max_length=50, help_text="the customer's arm when it was reached")
    at = models.DateTimeField()
    channel = models.CharField(max_length=30)
    touch_id = models.BigIntegerField(help_text="number of the touch")
    batch_id = models.BigIntegerField(null=True, help_text="batch of fct_exposures")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["experiment", "person"], name="exposure_once")]
        indexes: ClassVar = [
            models.Index(fields=["id"], name="exposure_unwritten", condition=models.Q(batch_id=None)),
        ]

    def __str__(self) -> str:
        return f"#{self.person_id} {self.channel}"


class HoldoutShare(models.Model):
    """How many customers are left untouched from a quarter on. Never changed: the latest for a quarter counts."""

    share_bp = models.PositiveIntegerField(help_text="share of all customers in basis points; 0: nobody")
    first_day = models.DateField(help_text="first day of the quarter from which it holds")
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="holdout_at_most_half", condition=models.Q(share_bp__lte=5000)),
        ]

    def __str__(self) -> str:
        return f"{self.share_bp} bp from {self.first_day}"


class Margin(models.Model):
    """The brand's share of revenue that is left after the cost of goods; the latest counts. None: not known."""

    margin_bp = models.IntegerField(null=True, help_text="in basis points of net revenue")
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="margin_is_a_share",
                condition=models.Q(margin_bp=None) | models.Q(margin_bp__gte=0, margin_bp__lte=10_000),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.margin_bp} bp"
