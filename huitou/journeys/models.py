"""Journeys and their versions, dated launches, who is on the way and how they came there, and tasks for staff."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models

from huitou.customers.models import Person


class Journey(models.Model):
    """One automation under a name of its own; what it does stands in its versions."""

    name = models.SlugField(max_length=60, unique=True, help_text="short name: letters, digits, - and _")
    title = models.CharField(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    play = models.CharField(max_length=60, blank=True, help_text="the play of the library that it was made of")
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.title


class JourneyVersion(models.Model):
    """What a journey does. A draft is edited in place; a live version never changes, a trigger refuses it."""

    DRAFT, LIVE = "draft", "live"

    journey = models.ForeignKey(Journey, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=[(s, s) for s in (DRAFT, LIVE)], default=DRAFT)
    definition = models.JSONField(help_text="see journeys.definition")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["journey", "number"], name="journey_version_once"),
            models.UniqueConstraint(fields=["journey"], name="journey_one_draft", condition=models.Q(state="draft")),
            models.CheckConstraint(
                name="journey_live_since",
                condition=models.Q(state="draft", published_at=None)
                | models.Q(state="live", published_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.journey} {self.number}"


class Launch(models.Model):
    """One dated run of a journey. Control share, outcome window and end are fixed when it is launched."""

    SCHEDULED, RUNNING, PAUSED, STOPPED, ENDED = "scheduled", "running", "paused", "stopped", "ended"
    STATES = (SCHEDULED, RUNNING, PAUSED, STOPPED, ENDED)

    version = models.ForeignKey(JourneyVersion, on_delete=models.PROTECT, related_name="launches")
    title = models.CharField(max_length=160)
    key = models.CharField(max_length=100, unique=True, help_text="idempotency key of whoever launched it")
    experiment = models.CharField(max_length=100, blank=True, help_text="key of the experiment that draws its arms")
    control_bp = models.PositiveIntegerField(help_text="share kept as control, in basis points")
    holdout = models.BooleanField(default=True, help_text="whether the global holdout is kept out")
    purpose = models.CharField(max_length=20, default="marketing")
    state = models.CharField(max_length=10, choices=[(s, s) for s in STATES], default=SCHEDULED)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, help_text="nobody enters from then on; who is inside goes on")
    window_days = models.PositiveIntegerField(help_text="outcome window after entry")
    terms = models.JSONField(default=dict, help_text="what the launch adds, such as the cost of a message")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    state_at = models.DateTimeField(help_text="since when it is in this state")
    entered_through = models.DateTimeField(
        null=True, help_text="dates and schedules up to here have let in whom they had to"
    )
    refresh_run = models.BigIntegerField(null=True, help_text="refresh up to which segments have let in")
    joined_through = models.BigIntegerField(null=True, help_text="merge of customers up to which ways were joined")
    goals_run = models.BigIntegerField(null=True, help_text="refresh up to which endings were looked at")
    trouble = models.CharField(max_length=500, blank=True, help_text="why it cannot go on, as the last turn found")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="launch_share", condition=models.Q(control_bp__lte=9000)),
            models.CheckConstraint(
                name="launch_ends_after_start",
                condition=models.Q(ends_at=None) | models.Q(ends_at__gt=models.F("starts_at")),
            ),
        ]

    def __str__(self) -> str:
        return self.title


class LaunchPause(models.Model):
    """A stretch of time in which a launch was paused; what happened in it lets nobody in, whenever it is told."""

    launch = models.ForeignKey(Launch, on_delete=models.CASCADE, related_name="pauses")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["launch"], name="launch_pause_one", condition=models.Q(ended_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.launch_id} {self.began_at} – {self.ended_at or ''}"


class Listening(models.Model):
    """An event that a launch waits for: what the consumer looks up before it keeps any event for journeys."""

    launch = models.ForeignKey(Launch, on_delete=models.CASCADE, related_name="listening")
    event = models.CharField(max_length=200)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["event", "launch"], name="listening_once")]

    def __str__(self) -> str:
        return self.event


class Signal(models.Model):
    """An event that some launch listens for, kept from the consumer's transaction until the engine has taken it."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    event_id = models.CharField(max_length=32, help_text="as in the lake")
    name = models.CharField(max_length=200)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    properties = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["occurred_at", "id"], name="signal_in_order")]

    def __str__(self) -> str:
        return f"{self.name} of #{self.person_id}"


class Enrollment(models.Model):
    """One customer's way through one launch. Its row is the only state there is: whoever claims it moves it on."""

    ACTIVE, ENDED = "active", "ended"
    REENTRY = ("never", "after_exit", "after_days", "always")

    launch = models.ForeignKey(Launch, on_delete=models.PROTECT, related_name="enrollments", db_index=False)
    version = models.ForeignKey(JourneyVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="enrollments")
    entry_key = models.CharField(max_length=120, help_text="what let the customer in; a repeat lets nobody in twice")
    reentry = models.CharField(max_length=12, choices=[(r, r) for r in REENTRY])
    arm = models.CharField(max_length=30, help_text="drawn before anything is done: treatment, control, holdout")
    acts = models.BooleanField(help_text="whether steps do anything for the customer; not in control and holdout")
    state = models.CharField(max_length=10, default=ACTIVE, choices=[(s, s) for s in (ACTIVE, ENDED)])
    entered_at = models.DateTimeField()
    step = models.CharField(max_length=60, help_text="where the customer is, or was last")
    visit = models.PositiveIntegerField(default=0, help_text="how many steps were reached, this one included")
    reached_at = models.DateTimeField(help_text="when this step was reached")
    due_at = models.DateTimeField(null=True, help_text="when it goes on, at the latest")
    waiting_for = models.CharField(max_length=200, blank=True, help_text="event that makes it go on earlier")
    outcome = models.CharField(max_length=20, blank=True, help_text="what ended the wait: event; empty: its time")
    data = models.JSONField(default=dict, help_text="what the trigger told, without anything personal")
    ended_at = models.DateTimeField(null=True)
    exit_reason = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["launch", "entry_key"], name="enrollment_once_per_entry"),
            models.UniqueConstraint(
                fields=["launch", "person"], name="enrollment_never_again", condition=models.Q(reentry="never")
            ),
            models.UniqueConstraint(
                fields=["launch", "person"],
                name="enrollment_one_at_a_time",
                condition=models.Q(state="active", reentry__in=("after_exit", "after_days")),
            ),
            models.CheckConstraint(
                name="enrollment_active_or_ended",
                condition=models.Q(state="active", ended_at=None, due_at__isnull=False, exit_reason="")
                | models.Q(state="ended", ended_at__isnull=False, due_at=None) & ~models.Q(exit_reason=""),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["launch", "due_at", "id"], name="enrollment_due", condition=models.Q(state="active")),
            models.Index(fields=["launch", "state", "step"], name="enrollment_by_step"),
        ]

    def __str__(self) -> str:
        return f"#{self.person_id} in {self.launch_id} at {self.step}"


class Transition(models.Model):
    """One step of one enrollment, from where to where, when and why. Written with the step's effects, never changed."""

    enrollment = models.ForeignKey(Enrollment, on_delete=models.CASCADE, related_name="transitions", db_index=False)
    visit = models.PositiveIntegerField(help_text="number of the step that was reached; 0 is no step")
    from_step = models.CharField(max_length=60, blank=True)
    to_step = models.CharField(max_length=60, blank=True, help_text="empty: it ended")
    at = models.DateTimeField()
    reason = models.CharField(max_length=60)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["enrollment", "visit"], name="transition_once")]

    def __str__(self) -> str:
        return f"{self.enrollment_id}.{self.visit}: {self.from_step} → {self.to_step}"


class StaffTask(models.Model):
    """Something a member of staff has to do for one customer, until when, and what came of it."""

    OPEN, DONE, CANCELLED = "open", "done", "cancelled"

    key = models.CharField(max_length=120, unique=True, help_text="enrollment:step:visit, or of whoever made it")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="staff_tasks")
    launch = models.ForeignKey(Launch, null=True, on_delete=models.SET_NULL, related_name="tasks")
    enrollment = models.ForeignKey(Enrollment, null=True, on_delete=models.SET_NULL, related_name="tasks")
    kind = models.CharField(max_length=30, help_text="call, message, visit, gift, other")
    title = models.JSONField(help_text="by language")
    context = models.JSONField(default=dict, help_text="what to know, by language")
    state = models.CharField(max_length=10, default=OPEN, choices=[(s, s) for s in (OPEN, DONE, CANCELLED)])
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    snoozed_until = models.DateTimeField(null=True)
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    taken_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=30, blank=True)
    note = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True)
    finished_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="staff_task_finished",
                condition=models.Q(state="open", finished_at=None, outcome="")
                | models.Q(state="cancelled", finished_at__isnull=False)
                | (models.Q(state="done", finished_at__isnull=False) & ~models.Q(outcome="")),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at", "id"], name="staff_task_open", condition=models.Q(state="open"))
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.person_id}"

    def is_overdue(self, now: datetime) -> bool:
        """Whether it should have been done by now."""
        return self.state == self.OPEN and self.due_at < now
