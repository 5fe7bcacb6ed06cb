"""Imports of files, and events on their way: what came in, how it was read, what was refused."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from huitou.sources.intake.messages import MAX_EVENT_BYTES


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
    created_label = models.CharField(max_length=150, blank=True, db_default="", help_text="program that asked for it")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["-created_at"], name="import_newest")]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="import_counts_add_up", condition=models.Q(rows__gte=models.F("accepted") + models.F("rejected"))
            ),
        ]

    @property
    def batch_key(self) -> str:
        """What stands for the import elsewhere: for its lake batch and in the audit log, where no file name may be."""
        return f"import-{self.pk}"

    @property
    def skipped(self) -> int:
        """Rows among the rejected that are no sales, and that nobody needs to correct."""
        return sum(problem["count"] for problem in self.problems if problem.get("skipped"))

    @property
    def refused(self) -> int:
        """Rows that somebody may correct: the rejected without the skipped."""
        return self.rejected - self.skipped

    def __str__(self) -> str:
        return f"{self.kind} {self.file_name}"


class InboxEvent(models.Model):
    """One event as it arrived, acknowledged and not yet consumed. Rows come in by COPY and go with the batch.

    One whose number is below zero is held: it was refused, and there was no room for it among the dead letters. Thus
    those whose turn it is are found as fast as if no others were there.
    """

    received_at = models.DateTimeField()
    key_id = models.BigIntegerField(help_text="write key that sent it")
    sent_at = models.DateTimeField(null=True, help_text="the device's clock when it sent the request")
    shared = models.BinaryField(null=True, help_text="context that the whole batch shares, as received")
    message_id = models.CharField(max_length=200, null=True, help_text="id under which a dead letter comes again")
    letter_id = models.BigIntegerField(null=True, help_text="dead letter that is replayed")
    urgent = models.BooleanField(default=False, db_default=False, help_text="tells a consent: taken before others")
    person_id = models.BigIntegerField(null=True, help_text="whose it is, for events of our own, which know it")
    payload = models.BinaryField(help_text="the event's JSON as received")

    class Meta:
        db_table = "sources_inbox"
        indexes: ClassVar = [
            models.Index(fields=["id"], name="inbox_urgent", condition=models.Q(urgent=True)),
            models.Index(fields=["letter_id"], name="inbox_replayed", condition=models.Q(letter_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"inbox #{self.pk}"


class DeadLetter(models.Model):
    """An event that could not be taken, with the reason. It can be mended and replayed, which counts once."""

    # open: waits for somebody; replayed: back in the inbox, or taken; discarded: somebody decided against it.
    STATES: ClassVar = [(s, s) for s in ("open", "replayed", "discarded")]

    digest = models.BinaryField(max_length=16, help_text="hash of feed and whole payload: the same is one letter")
    source = models.CharField(max_length=100, help_text="feed")
    key_id = models.BigIntegerField()
    reason = models.CharField(max_length=50, help_text="code, see sources.intake.refusals")
    detail = models.TextField(blank=True, help_text="what exactly was wrong")
    kind = models.CharField(max_length=20, blank=True, help_text="track, identify ..., where it could be read")
    name = models.CharField(max_length=200, blank=True, help_text="event name, where it could be read")
    message_id = models.CharField(max_length=200, blank=True, help_text="the sender's id, or the one it was given")
    payload = models.BinaryField(help_text="of an event that is too large, its beginning")
    size = models.BigIntegerField(help_text="bytes of the whole payload")
    shared = models.BinaryField(null=True)
    received_at = models.DateTimeField(help_text="first arrival")
    last_at = models.DateTimeField(help_text="latest arrival or attempt")
    sent_at = models.DateTimeField(null=True)
    count = models.BigIntegerField(default=1, help_text="arrivals of the same payload")
    attempts = models.IntegerField(default=0, help_text="replays so far")
    state = models.CharField(max_length=20, choices=STATES, default="open")
    replayed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["digest"], name="letter_once", condition=models.Q(state="open")),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-id"], name="letter_open", condition=models.Q(state="open")),
            models.Index(fields=["source", "reason"], name="letter_by_reason", condition=models.Q(state="open")),
            models.Index(fields=["last_at"], name="letter_settled", condition=~models.Q(state="open")),
        ]

    @property
    def is_cut(self) -> bool:
        """Whether only the beginning was kept: it cannot be taken in again as it is."""
        return self.size > MAX_EVENT_BYTES

    def __str__(self) -> str:
        return f"dead letter #{self.pk} ({self.reason})"


class EventDetail(models.Model):
    """What an event said that is personal or free text: kept beside the person, never in the lake."""

    event_hash = models.UUIDField(primary_key=True, help_text="event_id of fct_events, as 16 bytes")
    person = models.ForeignKey("customers.Person", on_delete=models.CASCADE, db_constraint=False)
    occurred_at = models.DateTimeField()
    properties = models.JSONField()

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["-occurred_at"],
                name="event_detail_written",
                condition=models.Q(properties__has_any_keys=["review_body", "comment", "message"]),
            ),
        ]

    def __str__(self) -> str:
        return f"detail of {self.event_hash.hex}"


class Consumer(models.Model):
    """One process that drains the inbox, and how fast it last did: from this a sender is told when to come again."""

    name = models.CharField(max_length=100, unique=True, help_text="host and process")
    at = models.DateTimeField(help_text="last batch or sign of life")
    events = models.BigIntegerField(default=0, help_text="events of its last batch")
    seconds = models.FloatField(default=0.0, help_text="how long its last batch took")
    low_id = models.BigIntegerField(default=0, help_text="lowest inbox id of its last batch")

    def __str__(self) -> str:
        return self.name


class OrderEvent(models.Model):
    """One event of one order, typed and without personal data: what the order is folded from, however it arrived."""

    source = models.CharField(max_length=100, help_text="feed name; order numbers are unique inside one")
    order_id = models.CharField(max_length=200)
    message_hash = models.BinaryField(max_length=16, help_text="of the message that brought it")
    name = models.CharField(max_length=30)
    occurred_at = models.DateTimeField()
    person_id = models.BigIntegerField(null=True, help_text="who it was recorded under")
    content = models.JSONField(help_text="what the event says: lines, amounts in minor units, words")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "order_id", "message_hash"], name="order_event_counts_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.order_id}"


class OrderVersion(models.Model):
    """What the events of one order last amounted to. Its row is the order's lock."""

    source = models.CharField(max_length=100)
    order_id = models.CharField(max_length=200)
    outcome = models.BinaryField(max_length=16, help_text="digest of the version in the lake; empty: none yet")
    documents = models.JSONField(default=list, help_text="order and refund numbers that it was emitted under")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "order_id"], name="order_version_is_one"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.order_id}"


class PlanVersion(models.Model):
    """One version of what the brand itself declared over the shipped tracking plan; the highest number is in force."""

    number = models.IntegerField(unique=True)
    declared = models.JSONField(help_text="the brand's events by name, whole")
    action = models.CharField(max_length=20, help_text="declared or withdrawn")
    event = models.CharField(max_length=200, help_text="of which event")
    property = models.CharField(max_length=200, blank=True, help_text="of which property, if only one was withdrawn")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)

    def __str__(self) -> str:
        return f"plan {self.number}"


class PlanProblem(models.Model):
    """One way in which events of one feed differ from the tracking plan, with how often and when."""

    source = models.CharField(max_length=100)
    event = models.CharField(max_length=200)
    problem = models.CharField(max_length=30, help_text="see tracking.checking.PROBLEMS")
    property = models.CharField(max_length=200, blank=True)
    count = models.BigIntegerField()
    first_at = models.DateTimeField(help_text="earliest event that had it, by its own time")
    last_at = models.DateTimeField()
    example = models.JSONField(default=dict, help_text="kind of the value and the event's id; nothing personal")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "event", "problem", "property"], name="plan_problem_once"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.problem} {self.property}"


class Feed(models.Model):
    """One sender of events: when it was last heard of, and how long it may be silent."""

    source = models.CharField(max_length=100, unique=True)
    first_received_at = models.DateTimeField()
    last_received_at = models.DateTimeField()
    last_occurred_at = models.DateTimeField()
    expected_seconds = models.BigIntegerField(
        null=True, help_text="longest silence that is normal, as set; empty: as its own past shows"
    )

    def __str__(self) -> str:
        return self.source


class FeedDay(models.Model):
    """What one feed sent on one day of the brand; the counts are those of feeds.counting.DayCounts."""

    source = models.CharField(max_length=100)
    day = models.DateField()
    received = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    repeated = models.BigIntegerField(default=0)
    with_user = models.BigIntegerField(default=0)
    with_channel = models.BigIntegerField(default=0)
    complete = models.BigIntegerField(default=0)
    invalid = models.BigIntegerField(default=0)
    unplanned = models.BigIntegerField(default=0)
    prompt = models.BigIntegerField(default=0)
    corrected = models.BigIntegerField(default=0)
    longest_gap_seconds = models.BigIntegerField(default=0, help_text="longest silence that ended on the day")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["source", "day"], name="feed_day_once")]

    def __str__(self) -> str:
        return f"{self.source} {self.day}"


class Connection(models.Model):
    """One outside system that is pulled on a schedule; its name is the feed. What moves the cursor is a done import."""

    # active: pulled when due; paused: somebody wants it so; stopped: somebody has to mend it first.
    STATES: ClassVar = [(s, s) for s in ("active", "paused", "stopped")]

    kind = models.CharField(max_length=50, help_text="see sources.connectors.kinds")
    name = models.CharField(max_length=100, unique=True, help_text="feed name; order numbers are unique inside one")
    place = models.CharField(max_length=300, blank=True, help_text="the outside, without secrets")
    settings = models.JSONField(default=dict, help_text="what was set, but the secrets")
    secrets = models.TextField(blank=True, help_text="the secrets, sealed")
    every_minutes = models.IntegerField(default=30)
    state = models.CharField(max_length=20, choices=STATES, default="active")
    revision = models.BigIntegerField(default=1, help_text="counts changes; a pull of earlier settings moves nothing")
    cursor = models.JSONField(default=dict, help_text="how far was pulled and imported")
    pending = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, help_text="import of the part in hand")
    pending_cursor = models.JSONField(null=True, help_text="the cursor once that import is done; empty: as it is")
    due_at = models.DateTimeField(help_text="when it is pulled next")
    last_started_at = models.DateTimeField(null=True)
    last_ok_at = models.DateTimeField(null=True)
    last_rows = models.BigIntegerField(default=0, help_text="rows that the last good pull brought")
    failures = models.IntegerField(default=0, help_text="failed pulls since the last good one")
    error_code = models.CharField(max_length=50, blank=True)
    error_detail = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey("accounts.User", null=True, on_delete=models.SET_NULL)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="connection_every_is_sane", condition=models.Q(every_minutes__gte=5)),
        ]

    def __str__(self) -> str:
        return self.name
