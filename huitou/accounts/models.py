"""Who works here, what they changed, and the brand itself."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from huitou.accounts.roles import ANALYST, role_choices
from huitou.core.clock import Clock, FixedClock, SystemClock


def check_zone(name: str) -> None:
    """Raise ValidationError unless `name` is an IANA time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValidationError(
            _("%(name)s is not a time zone; write it like Asia/Shanghai."), params={"name": name}
        ) from error


class User(AbstractUser):
    """A console user (operator, analyst, service, engineer). Customers are never users."""

    role = models.CharField(
        max_length=20, choices=role_choices, default=ANALYST, help_text="what the user may do, see accounts.roles"
    )
    language = models.CharField(max_length=10, blank=True, help_text="console language; empty: Chinese until switched")

    must_change_password = models.BooleanField(default=False, help_text="came in with a one-time password")
    session_epoch = models.IntegerField(default=0, help_text="raised to end every session of the person")

    class Meta(AbstractUser.Meta):
        constraints: ClassVar = [
            models.CheckConstraint(
                name="user_superuser_is_admin", condition=~models.Q(is_superuser=True) | models.Q(role="admin")
            ),
        ]

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        """A session is good for one password and one epoch: a person let in again does not find old sessions open."""
        return salted_hmac(
            "huitou.accounts.User.session", f"{self.session_epoch} {self.password}", secret=secret, algorithm="sha256"
        ).hexdigest()


class LoginCounter(models.Model):
    """Failed guesses of a password for one account, browser or address, whose name the key does not tell."""

    key = models.CharField(max_length=64, primary_key=True)
    failures = models.IntegerField(default=0)
    last_at = models.DateTimeField()
    blocked_until = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["last_at"], name="login_counter_age")]

    def __str__(self) -> str:
        return f"{self.key[:8]}… {self.failures}"


class ApiKey(models.Model):
    """A secret that a program shows: a write key may send events of one feed, an API key does what its scopes say.

    The secret itself is stored nowhere: it is shown once, and recognized by its hash.
    """

    name = models.CharField(max_length=100, help_text="what the key is for, in the operator's words")
    kind = models.CharField(max_length=10, choices=[("write", "write"), ("api", "api")])
    prefix = models.CharField(max_length=20, unique=True, help_text="first characters, by which people know the key")
    secret_hash = models.BinaryField(max_length=32, help_text="SHA-256 of the whole secret, which is random")
    scopes = models.JSONField(default=list, help_text="permissions of accounts.roles; empty for a write key")
    source = models.CharField(max_length=100, blank=True, help_text="feed of a write key: orders are unique inside one")
    channel = models.CharField(max_length=50, blank=True, help_text="channel of its events where they name none")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True, help_text="to the minute")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="api_key_write_has_source",
                condition=models.Q(kind="write", scopes=[]) & ~models.Q(source="") | models.Q(kind="api", source=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class AuditEntry(models.Model):
    """One change, or one batch of like changes, with who and when.

    Never changed, never deleted: a trigger of the database refuses both. So it holds no personal data of customers,
    who may ask to be erased.
    """

    action = models.CharField(max_length=100, help_text="dotted name, for example brand.updated")
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    actor_label = models.CharField(max_length=150, help_text="user name, or the process that acted: cli, worker")
    target = models.CharField(max_length=200, blank=True)
    count = models.BigIntegerField(default=1, help_text="rows changed, for bulk paths")
    detail = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-at"], name="audit_newest"),
            models.Index(fields=["action", "-at"], name="audit_by_action"),
            models.Index(fields=["target", "-at"], name="audit_by_target"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action} {self.target}"


# What the example's row is called; people see it in their own language.
EXAMPLE_NAME = "示例品牌 Complete Journey"


class Brand(models.Model):
    """The one brand of this deployment: its zone, currency, clock, and what it does not count as a purchase."""

    name = models.CharField(max_length=100)
    zone = models.CharField(max_length=64, default="Asia/Shanghai", validators=[check_zone])
    currency = models.CharField(max_length=3, default="CNY")
    clock_now = models.DateTimeField(null=True, blank=True, help_text="the brand's own now; empty: the real one")
    is_example = models.BooleanField(default=False)
    example_scope = models.CharField(max_length=20, blank=True, help_text="how much of the example: brand, all")
    clock_target = models.DateTimeField(null=True, help_text="the now that a running load or advance works towards")
    exclusions = models.JSONField(default=dict, help_text="purchase exclusions, see analytics.rules.Exclusions")
    thresholds = models.JSONField(default=dict, help_text="configured cut-offs of features and layers")
    targets = models.JSONField(default=dict, help_text="target value by metric name")

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="one_brand", condition=models.Q(pk=1))]

    def __str__(self) -> str:
        return self.name

    @property
    def shown_name(self) -> str:
        """The name in the reader's language: that of the example is ours to translate."""
        return str(_("Example brand Complete Journey")) if self.name == EXAMPLE_NAME else self.name

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def clock(self) -> Clock:
        """The brand's clock: its own standing now if it has one, else the machine's."""
        return FixedClock(self.clock_now) if self.clock_now else SystemClock()

    def now(self) -> datetime:
        return self.clock.now()
