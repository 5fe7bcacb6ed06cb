"""People, the identifiers by which they are known, and what was decided about them: joins, consent, milestones."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

_LESS = models.Q(person_a__lt=models.F("person_b"))


class Person(models.Model):
    """A person facts are recorded under. Names and phones live here and nowhere else."""

    display_name = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=40, blank=True, help_text="as given; may be masked by the platform")
    known_since = models.DateTimeField(null=True, help_text="registration at the shop, where a file said so")
    attributes = models.JSONField(default=dict, help_text="declared attributes by name; mirrored for analysis")
    told_at = models.JSONField(default=dict, db_default={}, help_text="when each trait was told, as epoch microseconds")
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, help_text="when everything personal was erased; the facts stay")

    def __str__(self) -> str:
        return self.display_name or f"#{self.pk}"


class Identifier(models.Model):
    """One string by which one source knows one person. Within kind and namespace it names nobody else, for ever."""

    kind = models.CharField(max_length=30, help_text="see identifier_kinds; customer_id: the shop's own number")
    namespace = models.CharField(max_length=100, blank=True, help_text="shop or app in which the value is unique")
    value = models.CharField(max_length=200)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="identifiers")
    first_seen_at = models.DateTimeField(null=True, help_text="when it was first seen, by the fact's own time")
    first_source = models.CharField(max_length=100, blank=True, db_default="", help_text="feed or file that brought it")
    stopped_at = models.DateTimeField(null=True, help_text="seen on too many accounts: joins nobody from then on")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "namespace", "value"], name="identifier_names_one_person"),
            models.CheckConstraint(name="identifier_not_empty", condition=~models.Q(value="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


class IdentifierUse(models.Model):
    """An identifier was seen together with a person who is not its owner: what shows a phone of many accounts."""

    identifier = models.ForeignKey(Identifier, on_delete=models.CASCADE, related_name="uses")
    person = models.ForeignKey(Person, on_delete=models.CASCADE)
    first_at = models.DateTimeField()
    source = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["identifier", "person"], name="identifier_use_once")]

    def __str__(self) -> str:
        return f"{self.identifier_id} with #{self.person_id}"


class Merge(models.Model):
    """Two persons are one customer: who or what said so. Active merges form a forest; undoing one ends it."""

    person_a = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    person_b = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    rule = models.CharField(max_length=30, help_text="kind of the identifier that both share, or manual")
    identifier = models.ForeignKey(Identifier, null=True, on_delete=models.SET_NULL, related_name="+")
    seen_at = models.DateTimeField(null=True, help_text="time of the fact that showed both together")
    source = models.CharField(max_length=100, blank=True, help_text="feed or file of that fact")
    note = models.CharField(max_length=200, blank=True, help_text="why, where a person decided")
    at = models.DateTimeField(help_text="when it was recorded")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_label = models.CharField(max_length=150, blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    ended_label = models.CharField(max_length=150, blank=True)
    end_reason = models.CharField(
        max_length=30, blank=True, help_text="undone, or stopped: its identifier joins nobody"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person_a", "person_b"], name="merge_active_once", condition=models.Q(ended_at=None)
            ),
            models.CheckConstraint(name="merge_in_order", condition=_LESS),
        ]

    def __str__(self) -> str:
        return f"#{self.person_a_id} = #{self.person_b_id} ({self.rule})"


class PersonLink(models.Model):
    """Persons whose customer is another person: the smallest of those joined. Follows from the active merges."""

    person = models.OneToOneField(Person, primary_key=True, on_delete=models.CASCADE, related_name="link")
    customer = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="joined")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="link_to_smaller", condition=models.Q(customer__lt=models.F("person")))
        ]

    def __str__(self) -> str:
        return f"#{self.person_id} → #{self.customer_id}"


class Barrier(models.Model):
    """Somebody decided that two persons are not one customer: no rule joins them until a manual merge lifts it."""

    person_a = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    person_b = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_label = models.CharField(max_length=150, blank=True)
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person_a", "person_b"], name="barrier_stands_once", condition=models.Q(lifted_at=None)
            ),
            models.CheckConstraint(name="barrier_in_order", condition=_LESS),
        ]

    def __str__(self) -> str:
        return f"#{self.person_a_id} ≠ #{self.person_b_id}"


class ReviewCase(models.Model):
    """What the rules left to people: a conflict that kept two persons apart, or an identifier on many accounts."""

    # conflict: both hold another value of an identifier of which a customer has one; shared: one identifier on many
    # accounts (person_b is empty then).
    REASONS: ClassVar = [(r, r) for r in ("conflict", "shared")]
    # kept: decided to be two; merged: joined by hand; seen: taken note of.
    RESOLUTIONS: ClassVar = [(r, r) for r in ("", "merged", "kept", "seen")]

    reason = models.CharField(max_length=20, choices=REASONS)
    person_a = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    person_b = models.ForeignKey(Person, null=True, on_delete=models.CASCADE, related_name="+")
    identifier = models.ForeignKey(Identifier, null=True, on_delete=models.SET_NULL, related_name="+")
    clashes = models.JSONField(default=list, help_text="[kind, namespace] of which each holds another value")
    seen_at = models.DateTimeField(null=True, help_text="time of the fact that showed both together")
    source = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField()
    resolution = models.CharField(max_length=10, choices=RESOLUTIONS, blank=True)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person_a", "person_b"], name="case_of_two_once", condition=models.Q(person_b__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["identifier"], name="case_of_shared_once", condition=models.Q(reason="shared")
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["-at"], name="case_open", condition=models.Q(resolved_at=None))]

    def __str__(self) -> str:
        return f"{self.reason} #{self.person_a_id}"


class Consent(models.Model):
    """One decision of one person about being contacted. Never changed: the latest says what holds."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="consents")
    channel = models.CharField(max_length=30, help_text="channel code; * in a withdrawal: every channel")
    purpose = models.CharField(max_length=30, help_text="marketing, service, ...; * in a withdrawal: every purpose")
    granted = models.BooleanField()
    at = models.DateTimeField(help_text="when the person decided")
    source = models.CharField(max_length=100, blank=True, help_text="where: feed, form, agent")
    text_version = models.CharField(max_length=100, blank=True, help_text="which text the person was shown")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "channel", "purpose", "at", "granted"], name="consent_decided_once"
            ),
            models.CheckConstraint(
                name="consent_grants_by_name",
                condition=models.Q(granted=False) | ~(models.Q(channel="*") | models.Q(purpose="*")),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.person_id} {self.channel}/{self.purpose}: {self.granted}"


class Milestone(models.Model):
    """One value of one typed attribute, as it was told at a time. Never changed: the latest counts."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="milestones")
    kind = models.CharField(max_length=40, help_text="see milestone_kinds")
    value = models.CharField(max_length=100, help_text="date as 2024-05-01, number in the kind's unit, or choice")
    at = models.DateTimeField(help_text="when it was told")
    source = models.CharField(max_length=100, blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "kind", "at", "value"], name="milestone_told_once")
        ]

    def __str__(self) -> str:
        return f"#{self.person_id} {self.kind}: {self.value}"


class Acquisition(models.Model):
    """What first brought a person here. The earliest report counts."""

    # What an acquisition can come from: entry code 活码, advertisement, card, KOL, another customer, store.
    KINDS: ClassVar = [(k, k) for k in ("entry_code", "ad", "card", "kol", "inviter", "store", "other")]

    person = models.OneToOneField(Person, primary_key=True, on_delete=models.CASCADE, related_name="acquisition")
    at = models.DateTimeField()
    kind = models.CharField(max_length=20, choices=KINDS)
    code = models.CharField(max_length=100, blank=True, help_text="which code, advertisement, card, KOL or store")
    campaign = models.CharField(max_length=100, blank=True)
    inviter = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    source = models.CharField(max_length=100, blank=True)
    recorded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"#{self.person_id} by {self.kind}"
