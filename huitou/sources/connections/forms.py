"""The form of a connection, made from what its connector declares. Secrets are taken and never given back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.sources.connections.services import LEAST_MINUTES, MOST_MINUTES
from huitou.sources.connectors.connector import CHOICE, DAY, Connector, Setting
from huitou.sources.models import Connection

_NAME, _MINUTES = "name", "every_minutes"
_PREFIX = "s-"


class ConnectionForm(forms.Form):
    """Name, rhythm and the connector's settings."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("Also the name of its feed; order numbers are unique inside one."),
    )
    every_minutes = forms.IntegerField(
        label=gettext_lazy("Minutes between pulls"), min_value=LEAST_MINUTES, max_value=MOST_MINUTES, initial=30
    )

    def __init__(
        self, connector: Connector, data: Mapping[str, Any] | None, existing: Connection | None, held: tuple[str, ...]
    ) -> None:
        values = existing.settings if existing else {}
        initial = {_PREFIX + s.name: values.get(s.name, s.default) for s in connector.settings if not s.is_secret}
        if existing:
            initial[_MINUTES] = existing.every_minutes
        super().__init__(data, initial=initial)
        if existing:
            del self.fields[_NAME]
        for setting in connector.settings:
            self.fields[_PREFIX + setting.name] = _field(setting, is_held=setting.name in held)

    def settings(self) -> dict[str, str]:
        """The settings as the service takes them."""
        given = self.cleaned_data.items()
        return {name.removeprefix(_PREFIX): str(value or "") for name, value in given if name.startswith(_PREFIX)}


def _field(setting: Setting, *, is_held: bool) -> forms.Field:
    hint = str(setting.hint)
    if setting.is_secret:
        kept = _("It is kept; fill this in only to replace it.") if is_held else ""
        return forms.CharField(
            label=str(setting.label),
            required=setting.required and not is_held,
            max_length=2000,
            help_text=" ".join(part for part in (hint, kept) if part),
            widget=forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=False),
        )
    if setting.form == CHOICE:
        return forms.ChoiceField(
            label=str(setting.label), required=setting.required, choices=setting.choices, help_text=hint
        )
    widget = forms.DateInput(attrs={"type": "date"}) if setting.form == DAY else forms.TextInput()
    return forms.CharField(
        label=str(setting.label), required=setting.required, max_length=2000, help_text=hint, widget=widget
    )
