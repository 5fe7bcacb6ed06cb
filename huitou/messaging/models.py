"""Touches from planned to clicked, why each went out or did not, and every attempt to hand one over."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.db import models

from huitou.analytics import reach

PLANNED, WAITING, SENDING = "planned", "waiting", "sending"
SENT, DELIVERED, READ, CLICKED = "sent", "delivered", "read", "clicked"
UNKNOWN, FAILED, REFUSED, EXPIRED, CANCELLED = "unknown", "failed", "refused", "expired", "cancelled"
OPEN_STATES = (PLANNED, WAITING)
REACHED_STATES = reach.REACHED_STATES
assert REACHED_STATES == (SENT, DELIVERED, READ, CLICKED), "what counts as reached is counted of these"
# The step of what is answered to a customer who was just added.
WELCOME_STEP = reach.WELCOME_STEP
STATES = (PLANNED, WAITING, SENDING, *REACHED_STATES, UNKNOWN, FAILED, REFUSED, EXPIRED, CANCELLED)


class ChannelAccount(models.Model):
    """One account at one provider, through which touches go out."""

    # active: sends; paused: somebody wants it so; stopped: the provider refuses it, somebody has to mend it first.
    STATES: ClassVar = [(s, s) for s in ("active", "paused", "stopped")]

    kind = models.CharField(max_length=50, help_text="see messaging.channels")
    name = models.CharField(max_length=100, unique=True)
    settings = models.JSONField(default=dict, help_text="what was set, but the secrets")
    secrets = models.TextField(blank=True, help_text="the secrets, sealed")
    callback_token = models.CharField(max_length=40, unique=True, help_text="in the address that the provider calls")
    welcome = models.JSONField(default=dict, help_text="what is answered to a customer who was just added")
    per_minute = models.IntegerField(null=True, help_text="at most so many messages in a minute; empty: no limit")
    next_at = models.DateTimeField(null=True, help_text="the provider wants to be left alone until then")
    state = models.CharField(max_length=20, choices=STATES, default="active")
    error_code = models.CharField(max_length=50, blank=True)
    error_detail = models.CharField(max_length=500, blank=True)
    last_ok_at = models.DateTimeField(null=True)
    polled_at = models.DateTimeField(null=True)
    polled_up_to = models.BigIntegerField(default=0, help_text="the attempt that the last poll ended with; 0: all")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey("accounts.User", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="account_rate_is_positive", condition=models.Q(per_minute=None) | models.Q(per_minute__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ContactPolicy(models.Model):
    """The one row that says how often and when customers may be contacted."""

    cap_day = models.SmallIntegerField(default=1, help_text="contacts of one customer on a day of the brand")
    cap_week = models.SmallIntegerField(default=3, help_text="contacts of one customer in a week, Monday to Sunday")
    service_is_capped = models.BooleanField(default=False, help_text="whether service messages count and wait too")
    service_is_held_out = models.BooleanField(default=False, help_text="whether the holdout gets no service messages")
    duplicate_days = models.SmallIntegerField(default=30, help_text="the same content again only after so many days")
    quiet_hours = models.JSONField(default=dict, help_text="[from, to] by channel kind, [] for none; else its own")
    home_channels = models.JSONField(
        default=dict, help_text="by channel kind the sales channels whose buyers hear this way first"
    )
    max_retries = models.SmallIntegerField(default=3, help_text="after definite failures that may pass")
    fatigue_is_on = models.BooleanField(default=True)
    fatigue_unanswered = models.SmallIntegerField(
        default=8, help_text="marketing contacts in a row without any response, from which on contact is lowered"
    )
    fatigue_gap_days = models.SmallIntegerField(default=14, help_text="one contact in so many days from then on")
    fatigue_stop_after = models.SmallIntegerField(default=16, help_text="so many without any response: none any more")
    fatigue_optout_bp = models.IntegerField(
        default=300, help_text="opt-outs per contact in 7 days, in basis points, from which on marketing stops"
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="one_contact_policy", condition=models.Q(pk=1)),
            models.CheckConstraint(
                name="contact_caps_are_sane", condition=models.Q(cap_day__gte=0) & models.Q(cap_week__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cap_day} a day, {self.cap_week} a week"


class PausedSource(models.Model):
    """Touches of this source wait, whatever planned them: nothing of it goes out before it is taken from here."""

    source = models.CharField(max_length=100, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.source


class HandoffList(models.Model):
    """One list of customers that was exported for another tool, and what its report said."""

    account = models.ForeignKey(ChannelAccount, on_delete=models.PROTECT)
    source = models.CharField(max_length=100, blank=True, help_text="touches of which source; empty: of all")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey("accounts.User", null=True, on_delete=models.SET_NULL, related_name="+")
    touch_count = models.IntegerField(default=0)
    reported_at = models.DateTimeField(null=True)
    report = models.JSONField(default=dict, help_text="counts of the last send report")

    def __str__(self) -> str:
        return f"list {self.pk}"


class Touch(models.Model):
    """One intended contact with one customer, from planned to read or clicked."""

    STATES: ClassVar = [(s, s) for s in STATES]

    key = models.CharField(max_length=200, unique=True, help_text="of whoever asked: the same again is this touch")
    person = models.ForeignKey("customers.Person", on_delete=models.CASCADE, related_name="+")
    source = models.CharField(max_length=100, help_text="launch:12, manual:7, test:7")
    step = models.CharField(max_length=100, blank=True)
    variant = models.CharField(max_length=50, blank=True, help_text="arm of an experiment, or content variant")
    purpose = models.CharField(max_length=30)
    priority = models.IntegerField(default=0, help_text="the higher goes first")
    channels = models.JSONField(help_text="kinds, or kind/account, in order of preference; those left to try")
    content = models.JSONField(default=dict)
    content_hash = models.CharField(max_length=32)
    planned_by = models.CharField(max_length=200, blank=True)
    send_after = models.DateTimeField()
    not_after = models.DateTimeField()
    fallback_after = models.DurationField(null=True)
    best_time = models.BooleanField(default=False, help_text="waits for the customer's own hours")
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="fallbacks")
    created_at = models.DateTimeField()

    state = models.CharField(max_length=20, choices=STATES, default=PLANNED)
    reason = models.CharField(max_length=50, blank=True, help_text="code of the latest decision")
    next_at = models.DateTimeField(null=True, help_text="when it is looked at next; empty: when somebody acts")
    account = models.ForeignKey(ChannelAccount, null=True, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=50, blank=True, help_text="kind of the account")
    answerable = models.BooleanField(default=False, help_text="a response would be seen: a link, or reads reported")
    handoff = models.ForeignKey(HandoffList, null=True, on_delete=models.SET_NULL, related_name="touches")
    reply_token = models.CharField(max_length=300, blank=True)
    sent_at = models.DateTimeField(null=True, help_text="when the provider took it")
    delivered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    clicked_at = models.DateTimeField(null=True)
    unsubscribed_at = models.DateTimeField(null=True)  # by it, also by a complaint
    ended_at = models.DateTimeField(null=True, help_text="when it was refused, failed, expired or cancelled")
    fallback_at = models.DateTimeField(null=True, help_text="unread until then, the next channel is tried")
    recall = models.CharField(max_length=50, blank=True, help_text="to be taken back at the provider, and why")
    recall_at = models.DateTimeField(null=True, help_text="when the provider is asked to stop it")
    recall_tries = models.SmallIntegerField(default=0, help_text="how often it was asked")
    lake_version = models.IntegerField(default=0, help_text="counts what happened, for fct_touches")
    lake_written = models.IntegerField(default=0, help_text="how much of it is in the lake")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="touch_window_is_one", condition=models.Q(not_after__gte=models.F("send_after"))
            ),
            models.CheckConstraint(
                name="touch_sent_has_account",
                condition=~models.Q(state__in=["sending", "sent", "delivered", "read", "clicked", "unknown"])
                | models.Q(account__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_at", "-priority", "id"],
                name="touch_due",
                condition=models.Q(state__in=["planned", "waiting"]),
            ),
            models.Index(
                fields=["next_at"],
                name="touch_urgent",
                condition=models.Q(state__in=["planned", "waiting"], priority__gte=1000),
            ),
            models.Index(fields=["person", "-id"], name="touch_of_person"),
            models.Index(fields=["source", "step", "state"], name="touch_of_source"),
            models.Index(fields=["state", "-id"], name="touch_by_state"),
            models.Index(fields=["recall_at"], name="touch_recall", condition=models.Q(recall_at__isnull=False)),
            models.Index(fields=["fallback_at"], name="touch_fallback", condition=models.Q(fallback_at__isnull=False)),
            models.Index(
                fields=["id"], name="touch_for_lake", condition=models.Q(lake_version__gt=models.F("lake_written"))
            ),
        ]

    def __str__(self) -> str:
        return f"touch {self.pk} ({self.state})"


class TouchDecision(models.Model):
    """One yes, no or not yet of the governor, with the numbers that led to it. Never changed."""

    VERDICTS: ClassVar = [(v, v) for v in ("yes", "no", "wait")]

    touch = models.ForeignKey(Touch, on_delete=models.CASCADE, related_name="decisions")
    at = models.DateTimeField()
    verdict = models.CharField(max_length=10, choices=VERDICTS)
    reason = models.CharField(max_length=50, help_text="see messaging.reasons")
    channel = models.CharField(max_length=50, blank=True)
    numbers = models.JSONField(default=dict, help_text="what was counted and what would have been allowed")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["reason", "-at"], name="decision_by_reason")]

    def __str__(self) -> str:
        return f"{self.verdict} {self.reason}"


class Attempt(models.Model):
    """One handing over to a provider, written before any byte is sent; without an outcome nobody knows.

    Of all attempts of a touch at most one may be anything but refused: the database lets no second one begin.
    """

    # ready: nothing has left; of a worker that died it is tried again. open: it may leave now; becomes unknown then.
    OUTCOMES: ClassVar = [(o, o) for o in ("ready", "open", "accepted", "refused", "unknown")]

    touch = models.ForeignKey(Touch, on_delete=models.CASCADE, related_name="attempts")
    number = models.SmallIntegerField()
    account = models.ForeignKey(ChannelAccount, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=60, unique=True, help_text="idempotency key, for the provider too")
    request_hash = models.CharField(max_length=32, help_text="of what is handed over")
    run = models.IntegerField(help_text="of which process: it holds a lock of that number while it lives")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=OUTCOMES, default="ready")
    provider_ref = models.CharField(max_length=200, blank=True)
    address_hash = models.CharField(max_length=32, blank=True, help_text="of the recipient, for receipts that share")
    parts = models.SmallIntegerField(default=1)
    cost_minor = models.BigIntegerField(default=0, help_text="what it costs in minor units of the brand's currency")
    code = models.CharField(max_length=50, blank=True)
    message = models.CharField(max_length=500, blank=True)
    permanent = models.BooleanField(default=False)
    decided_by = models.ForeignKey("accounts.User", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["touch", "number"], name="attempt_number_once"),
            models.UniqueConstraint(
                fields=["touch"], name="attempt_at_most_one_goes_out", condition=~models.Q(outcome="refused")
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["run"], name="attempt_in_hand", condition=models.Q(outcome__in=["ready", "open"])),
            models.Index(fields=["account", "provider_ref"], name="attempt_by_ref"),
            models.Index(fields=["account", "started_at"], name="attempt_by_account"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.key} ({self.outcome})"


class ContactSlot(models.Model):
    """A place under a cap that a touch took. The number cannot be given twice: the last guard of the caps."""

    PERIODS: ClassVar = [(p, p) for p in ("day", "week")]

    person = models.ForeignKey("customers.Person", on_delete=models.CASCADE, related_name="+")
    period = models.CharField(max_length=10, choices=PERIODS)
    starts = models.DateField(help_text="the day, or the Monday of the week, in the brand's zone")
    number = models.SmallIntegerField(help_text="1, 2, ...: the how-manieth")
    touch = models.ForeignKey(Touch, on_delete=models.CASCADE, related_name="slots")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "period", "starts", "number"], name="contact_slot_once"),
            models.UniqueConstraint(fields=["touch", "period"], name="contact_slot_of_touch"),
            models.CheckConstraint(name="contact_slot_counts_from_one", condition=models.Q(number__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.period} {self.starts} #{self.number}"


class Receipt(models.Model):
    """What a provider, a link or a list's report said of one touch; the same again is one."""

    touch = models.ForeignKey(Touch, on_delete=models.CASCADE, related_name="receipts")
    status = models.CharField(max_length=20, help_text="see messaging.channel.STATUSES")
    at = models.DateTimeField(help_text="when it happened")
    code = models.CharField(max_length=50, blank=True)
    message = models.CharField(max_length=500, blank=True)
    origin = models.CharField(max_length=20, help_text="callback, poll, link, report, operator")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["touch", "status"], name="receipt_once")]

    def __str__(self) -> str:
        return f"{self.status} {self.at:%Y-%m-%d %H:%M}"


class StrayReceipt(models.Model):
    """A receipt that came before its message was known to be sent: it waits for the reference."""

    account = models.ForeignKey(ChannelAccount, on_delete=models.CASCADE, related_name="+")
    provider_ref = models.CharField(max_length=200)
    address_hash = models.CharField(max_length=32, blank=True)
    status = models.CharField(max_length=20)
    at = models.DateTimeField()
    code = models.CharField(max_length=50, blank=True)
    message = models.CharField(max_length=500, blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "provider_ref", "address_hash", "status"], name="stray_receipt_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider_ref} {self.status}"


class ShortLink(models.Model):
    """A link of our own in one message: leads to its stored target and nowhere else, until it expires."""

    code = models.CharField(max_length=20, unique=True, help_text="random; its signature follows it in the address")
    touch = models.ForeignKey(Touch, on_delete=models.CASCADE, related_name="links")
    target = models.CharField(max_length=2000)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    clicked_at = models.DateTimeField(null=True, help_text="first click")
    click_count = models.IntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["touch"], name="short_link_of_touch")]

    def __str__(self) -> str:
        return self.code


LINK_LIFE = timedelta(days=90)
