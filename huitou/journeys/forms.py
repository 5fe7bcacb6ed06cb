"""Forms of steps, of triggers and of a journey's terms, made of the settings that they declare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.accounts.queries import find_brand
from huitou.journeys.duration_field import DurationInput
from huitou.journeys.instant_field import InstantField
from huitou.journeys.named_choices import channel_fields, read_channels, read_tags, tag_fields
from huitou.journeys.setting import LANGUAGES, Setting
from huitou.journeys.step import Outlet
from huitou.segments.builder.form_fields import TreeField
from huitou.segments.builder.lists import EVENTS, FILTERS
from huitou.segments.builder.menus import Subjects, read_subjects

LANGUAGE_NAMES = {"zh": gettext_lazy("Chinese"), "en": gettext_lazy("English")}
_BLANK = ("", "—")


class Menus:
    """What the menus of a page's conditions offer, read when the first is drawn."""

    @cached_property
    def _subjects(self) -> Subjects:
        return read_subjects()

    def __call__(self) -> Subjects:
        return self._subjects


class SuggestInput(forms.TextInput):
    """A text with suggestions from a list of the page."""

    template_name = "journeys/suggest_input.html"

    def __init__(self, menus: Menus) -> None:
        super().__init__(attrs={"autocomplete": "off"})
        self._menus = menus

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["suggested"] = self._menus().events
        context["widget"]["attrs"]["list"] = f"suggested-{name}"
        return context


class SettingsForm(forms.Form):
    """Fields for declared settings; `values()` is what goes into the definition.

    A field that goes with some choices only says so as `goes_with`, a setting's name and its values, for the page to
    show it with them.
    """

    def __init__(
        self,
        settings: Sequence[Setting],
        data: Mapping[str, Any] | None,
        told: Mapping[str, Any],
        outlets: Sequence[Outlet] = (),
        targets: Sequence[tuple[str, str]] = (),
        menus: Menus | None = None,
    ) -> None:
        super().__init__(data)
        self._settings, self._outlets, self._targets = settings, outlets, targets
        menus = menus or Menus()
        for setting in settings:
            for name, field in _fields(setting, told, targets, menus):
                field.goes_with = setting.when  # type: ignore[attr-defined]
                self.fields[name] = field
        for outlet in outlets:
            if "[" not in outlet.name:
                self.fields[f"way-{outlet.name}"] = _way_field(outlet, targets)

    def clean(self) -> dict[str, Any]:
        """What does not go with the choices is hidden, and keeps nothing from being saved."""
        cleaned = super().clean() or self.cleaned_data
        for name, field in self.fields.items():
            goes_with = getattr(field, "goes_with", None)
            if goes_with and name in self.errors and cleaned.get(goes_with[0]) not in goes_with[1]:
                del self.errors[name]
        return cleaned

    def values(self) -> dict[str, Any]:
        """The settings and ways as they stand in a definition; what does not apply is left out."""
        cleaned = self.cleaned_data
        found: dict[str, Any] = {}
        for setting in self._settings:
            value = _read(setting, cleaned)
            if value not in (None, "", [], {}) and (
                setting.when is None or found.get(setting.when[0]) in setting.when[1]
            ):
                found[setting.name] = value
        for outlet in self._outlets:
            if cleaned.get(f"way-{outlet.name}"):
                found[outlet.name] = cleaned[f"way-{outlet.name}"]
        return found


def _fields(
    setting: Setting, told: Mapping[str, Any], targets: Sequence[tuple[str, str]], menus: Menus
) -> Iterator[tuple[str, forms.Field]]:
    value = told.get(setting.name, setting.default)
    label, hint = _label(setting), str(setting.help)
    if setting.type in ("words", "long_words"):
        yield from _word_fields(setting, value)
    elif setting.type in ("cases", "arms"):
        yield from _row_fields(setting, value, targets, menus)
    elif setting.type == "choice":
        choices = [(code, str(words)) for code, words in setting.choices]
        if not setting.required:
            choices.insert(0, _BLANK)
        yield (
            setting.name,
            forms.ChoiceField(label=label, choices=choices, required=False, help_text=hint, initial=value),
        )
    elif setting.type == "whole":
        yield (
            setting.name,
            forms.IntegerField(
                label=label,
                required=False,
                help_text=hint,
                initial=value,
                min_value=setting.least,
                max_value=setting.most,
            ),
        )
    elif setting.type == "duration":
        yield (
            setting.name,
            forms.CharField(label=label, required=False, help_text=hint, initial=value or "", widget=DurationInput()),
        )
    elif setting.type == "instant":
        brand = find_brand()
        yield setting.name, InstantField(label=label, zone=brand.tz if brand else ZoneInfo("UTC"), told=value)
    elif setting.type == "share":
        yield setting.name, _share_field(setting, value)
    elif setting.type == "channels":
        yield from channel_fields(setting.name, label, hint, value)
    elif setting.type == "tags":
        yield from tag_fields(setting.name, label, hint, value, menus().tags)
    elif setting.type == "filter":
        about = str(told.get("event") or "")
        yield setting.name, TreeField(label=label, menus=menus, what=FILTERS, about=about, initial=value)
    elif setting.type == "condition":
        yield setting.name, TreeField(label=label, menus=menus, initial=value)
    elif setting.type == "event":
        yield (
            setting.name,
            forms.CharField(
                label=label, required=False, help_text=hint, initial=value or "", widget=SuggestInput(menus)
            ),
        )
    elif setting.type == "segment":
        known = menus().segments
        choices = [_BLANK, *known] + ([(value, value)] if value and value not in dict(known) else [])
        yield (
            setting.name,
            forms.ChoiceField(label=label, choices=choices, required=False, help_text=hint, initial=value),
        )
    else:
        yield setting.name, forms.CharField(label=label, required=False, help_text=hint, initial=value or "")


def _share_field(setting: Setting, value: object) -> forms.Field:
    """The control share, which definitions keep in basis points, in per cent."""
    return forms.DecimalField(
        label=_("Control share in %"),
        required=False,
        min_value=(setting.least or 0) / 100,
        max_value=(setting.most or 10_000) / 100,
        decimal_places=2,
        initial=f"{value / 100:g}" if isinstance(value, int) else None,
    )


def _word_fields(setting: Setting, value: object) -> Iterator[tuple[str, forms.Field]]:
    """One field for each language."""
    words = value if isinstance(value, Mapping) else {}
    for language in LANGUAGES:
        widget = forms.Textarea(attrs={"rows": 4}) if setting.type == "long_words" else forms.TextInput()
        yield (
            f"{setting.name}-{language}",
            forms.CharField(
                label=f"{setting.label} · {LANGUAGE_NAMES[language]}",
                required=False,
                help_text=str(setting.help),
                initial=words.get(language, ""),
                widget=widget,
            ),
        )


def _row_fields(
    setting: Setting, value: object, targets: Sequence[tuple[str, str]], menus: Menus
) -> Iterator[tuple[str, forms.Field]]:
    """Rows of a branch or a split, with some empty ones behind."""
    rows = [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
    for number in range(max(len(rows) + 1, 2 if setting.type == "arms" else 1)):
        row = rows[number] if number < len(rows) else {}
        head = f"{setting.name}-{number}"
        yield (
            f"{head}-label",
            forms.CharField(
                label=f"{number + 1} · {_('Name')}", required=False, max_length=60, initial=row.get("label", "")
            ),
        )
        if setting.type == "arms":
            share = row.get("share_bp")
            yield (
                f"{head}-share",
                forms.DecimalField(
                    label=f"{number + 1} · {_('Share in percent')}",
                    required=False,
                    min_value=0,
                    max_value=100,
                    decimal_places=2,
                    initial=share / 100 if isinstance(share, int) else None,
                ),
            )
        else:
            when, data = row.get("when"), row.get("data")
            label = f"{number + 1} · {_('Only if what let them in')}"
            yield (
                f"{head}-when",
                TreeField(label=f"{number + 1} · {_('Condition')}", menus=menus, initial=when),
            )
            yield f"{head}-data", TreeField(label=label, menus=menus, what=FILTERS, initial=data)
        yield (
            f"{head}-next",
            forms.ChoiceField(
                label=f"{number + 1} · {_('Leads to')}",
                choices=[_BLANK, *targets],
                required=False,
                initial=row.get("next", ""),
            ),
        )


def _way_field(outlet: Outlet, targets: Sequence[tuple[str, str]]) -> forms.Field:
    label = f"{_('Leads to')} · {outlet.label}" if outlet.label else _("Leads to")
    return forms.ChoiceField(label=label, choices=[_BLANK, *targets], required=False, initial=outlet.target or "")


def _label(setting: Setting) -> str:
    return f"{setting.label}"


def _read(setting: Setting, cleaned: Mapping[str, Any]) -> Any:
    if setting.type in ("words", "long_words"):
        return {language: text for language in LANGUAGES if (text := cleaned.get(f"{setting.name}-{language}"))}
    if setting.type in ("cases", "arms"):
        return [row for number in range(50) if (row := _read_row(setting, number, cleaned))]
    value = cleaned.get(setting.name)
    if setting.type == "channels":
        return read_channels(setting.name, cleaned)
    if setting.type == "tags":
        return read_tags(setting.name, cleaned)
    if setting.type == "share":
        return None if value is None else int(value * 100)
    return value


def _read_row(setting: Setting, number: int, cleaned: Mapping[str, Any]) -> dict[str, Any]:
    head = f"{setting.name}-{number}"
    row: dict[str, Any] = {"label": cleaned.get(f"{head}-label"), "next": cleaned.get(f"{head}-next")}
    if setting.type == "arms":
        share = cleaned.get(f"{head}-share")
        if share is None:
            return {}
        row["share_bp"] = int(share * 100)
    else:
        row["when"], row["data"] = cleaned.get(f"{head}-when"), cleaned.get(f"{head}-data")
        if not row["when"] and not row["data"]:
            return {}
    return {name: value for name, value in row.items() if value}


class EndingsForm(forms.Form):
    """Audience, goal and the early exit."""

    def __init__(self, data: Any, definition: Mapping[str, Any], menus: Menus) -> None:
        super().__init__(data)
        self.fields["audience"] = TreeField(label=_("Audience"), menus=menus, initial=definition.get("audience"))
        for name, label in (("goal", _("Goal")), ("exit_when", _("Leave early"))):
            told = definition.get(name)
            told = told if isinstance(told, Mapping) else {}
            self.fields[f"{name}-purchase"] = forms.BooleanField(
                label=f"{label} · {_('on a purchase')}", required=False, initial=bool(told.get("purchase"))
            )
            self.fields[f"{name}-events"] = TreeField(
                label=f"{label} · {_('on these events')}", menus=menus, what=EVENTS, initial=told.get("events")
            )
            self.fields[f"{name}-when"] = TreeField(
                label=f"{label} · {_('when this holds')}", menus=menus, initial=told.get("when")
            )

    def values(self) -> dict[str, Any]:
        """Audience and endings as they stand in a definition."""
        cleaned = self.cleaned_data
        found: dict[str, Any] = {"audience": cleaned["audience"]}
        for name in ("goal", "exit_when"):
            ending = {key: cleaned[f"{name}-{key}"] for key in ("events", "when", "purchase")}
            found[name] = {key: value for key, value in ending.items() if value}
        return found


class NewJourneyForm(forms.Form):
    """Name and title of a new journey."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=120)
    name = forms.SlugField(
        label=gettext_lazy("Short name"), max_length=60, help_text=gettext_lazy("Letters, digits, - and _.")
    )


class FinishForm(forms.Form):
    """What came of a task."""

    outcome = forms.ChoiceField(label=gettext_lazy("Outcome"))
    note = forms.CharField(
        label=gettext_lazy("Note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, choices: Sequence[tuple[str, Any]], data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self.fields["outcome"].choices = [(code, str(words)) for code, words in choices]  # type: ignore[attr-defined]
