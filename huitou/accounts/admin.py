"""The back office's tables of the platform, and the one setting that is made there: the brand's cut-offs."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from huitou.accounts.audit import action_label, action_words, actor_name
from huitou.accounts.back_office import LookOnly, word_filter
from huitou.accounts.brand import check_brand
from huitou.accounts.models import ApiKey, AuditEntry, Brand, User
from huitou.accounts.services import update_brand
from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError

_KEY_KINDS = {"write": _("Write key"), "api": _("API key")}


@admin.register(User)
class UserAdmin(LookOnly):
    """People who work here. They are changed under Settings."""

    title = _("Staff")
    list_display = ("username", "first_name", "role", "is_active", "must_change_password", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("username", "first_name")
    fields = (*list_display, "language", "date_joined")


@admin.register(ApiKey)
class ApiKeyAdmin(LookOnly):
    """Keys of programs, without what could open anything."""

    title = _("Keys")
    list_display = ("name", "prefix", "kind_word", "source", "created_at", "last_used_at", "revoked_at")
    list_filter = (word_filter("kind", _("Kind"), lambda: _KEY_KINDS),)
    fields = (*list_display, "scopes", "channel", "created_by")

    @admin.display(description=_("Kind"), ordering="kind")
    def kind_word(self, key: ApiKey) -> str:
        return str(_KEY_KINDS.get(key.kind, key.kind))


@admin.register(AuditEntry)
class AuditEntryAdmin(LookOnly):
    """The audit log as it is stored."""

    title = _("Audit log")
    list_display = ("at", "who", "what", "target", "count")
    list_filter = (word_filter("action", _("What happened"), action_words),)
    search_fields = ("target", "actor_label")
    date_hierarchy = "at"
    fields = (*list_display, "detail")

    @admin.display(description=_("Who"), ordering="actor_label")
    def who(self, entry: AuditEntry) -> str:
        return actor_name(entry)

    @admin.display(description=_("What happened"), ordering="action")
    def what(self, entry: AuditEntry) -> str:
        return action_label(entry.action)


class BrandForm(forms.ModelForm):  # type: ignore[type-arg]
    """Only the cut-offs; the brand's other settings are under Settings."""

    class Meta:
        model = Brand
        fields: ClassVar = ["thresholds"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        wanted = copy.copy(self.instance)
        wanted.thresholds = cleaned.get("thresholds") or {}
        try:
            check_brand(wanted)
        except DomainError as error:
            raise ValidationError({"thresholds": str(error)}) from error
        return {**cleaned, "thresholds": wanted.thresholds}


@admin.register(Brand)
class BrandAdmin(LookOnly):
    """The brand. Its cut-offs are saved by the service that the command line calls."""

    title = _("Brand")
    list_display = ("name", "zone", "currency", "is_example")
    readonly_fields = (*list_display, "exclusions", "targets", "clock_now")
    fields = (*readonly_fields, "thresholds")
    form = BrandForm

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return True

    def save_model(self, request: Any, obj: Brand, form: Any, change: bool) -> None:
        update_brand(changes={"thresholds": form.cleaned_data["thresholds"]}, clock=SystemClock(), actor=request.user)
