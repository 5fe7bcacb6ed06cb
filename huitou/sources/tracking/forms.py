"""The forms of the tracking plan: an event's names, and one property of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from huitou.sources.tracking.plan import TYPES


class EventForm(forms.Form):
    """What an event is called."""

    name = forms.CharField(
        label=_("Event"), max_length=200, help_text=_("As the sender calls it, for example Live Poll Answered.")
    )
    zh = forms.CharField(label=_("Chinese name"), max_length=100, required=False)
    en = forms.CharField(label=_("English name"), max_length=100, required=False)


class PropertyForm(forms.Form):
    """One property of an event."""

    property = forms.CharField(label=_("Property"), max_length=200, help_text=_("As the sender calls it."))
    zh = forms.CharField(label=_("Chinese name"), max_length=100, required=False)
    type = forms.ChoiceField(label=_("Type"), choices=lambda: list(TYPES.items()))
    values = forms.CharField(
        label=_("Allowed values"),
        required=False,
        max_length=2000,
        help_text=_("Separated by commas; empty: any. For codes, texts and whole numbers."),
    )
    required = forms.BooleanField(label=_("Required"), required=False)
    personal = forms.BooleanField(
        label=_("Personal or free text"),
        required=False,
        help_text=_("Kept beside the customer and erased with them; never in the lake."),
    )

    def declaration(self) -> dict[str, dict[str, Any]]:
        """The declaration as the service takes it."""
        given = dict(self.cleaned_data)
        words = given.pop("values").replace("，", ",").split(",")
        values = [word.strip() for word in words if word.strip()]
        return {given.pop("property").strip(): {**given, "values": values}}
