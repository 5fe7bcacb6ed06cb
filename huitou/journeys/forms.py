"""Forms of steps, of triggers and of a journey's terms, made of the settings that they declare."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.journeys.setting import LANGUAGES, Setting
from huitou.journeys.step import Outlet

LANGUAGE_NAMES = {"zh": gettext_lazy("Chinese"), "en": gettext_lazy("English")}
_BLANK = ("", "—")


class SettingsForm(forms.Form):
    """Fields for declared settings; `values()` is what goes into the definition."""

    def __init__(
        self,
        settings: Sequence[Setting],
        data: Mapping[str, Any] | None,
        told: Mapping[str, Any],
        outlets: Sequence[Outlet] = (),
        targets: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(data)
        self._settings, self._outlets, self._targets = settings, outlets, targets
        for setting in settings:
            for name, field in _fields(setting, told, targets):
                self.fields[name] = field
        for outlet in outlets:
            if "[" not in outlet.name:
                self.fields[f"way-{outlet.name}"] = _way_field(outlet, targets)

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
    setting: Setting, told: Mapping[str, Any], targets: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, forms.Field]]:
    value = told.get(setting.name, setting.default)
    label, hint = _label(setting), str(setting.help)
    if setting.type in ("words", "long_words"):
        yield from _word_fields(setting, value)
    elif setting.type in ("cases", "arms"):
        yield from _row_fields(setting, value, targets)
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
    elif setting.type in ("channels", "tags"):
        yield (
            setting.name,
            forms.CharField(
                label=label,
                required=False,
                help_text=hint or _("Separate several by commas."),
                initial=", ".join(value) if isinstance(value, list) else "",
            ),
        )
    elif setting.type == "filter":
        yield (
            setting.name,
            forms.CharField(
                label=label,
                required=False,
                initial=filter_text(value),
                widget=forms.Textarea(attrs={"rows": 3}),
                help_text=_("One per line: property, comparison, value. Example: total >= 100"),
            ),
        )
    elif setting.type == "condition":
        yield (
            setting.name,
            forms.CharField(
                label=label,
                required=False,
                initial=condition_text(value),
                widget=forms.Textarea(attrs={"rows": 4}),
                help_text=condition_hint(),
            ),
        )
    else:
        yield setting.name, forms.CharField(label=label, required=False, help_text=hint, initial=value or "")


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


def condition_hint() -> str:
    """How a condition is written where there is room for one line only."""
    return _("The name of a segment, or a condition as JSON as the segment page shows it.")


def condition_text(value: object) -> str:
    """A condition as it is typed: the name of a segment by itself."""
    if isinstance(value, Mapping) and set(value) == {"segment"}:
        return str(value["segment"])
    return json.dumps(value, ensure_ascii=False) if value else ""


def read_condition(text: str) -> dict[str, Any] | None:
    """The condition that was typed. Raises ValidationError."""
    text = text.strip()
    if not text:
        return None
    if not text.startswith("{"):
        return {"segment": text}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise forms.ValidationError(_("This is no JSON; copy it from the segment page.")) from error
    return found if isinstance(found, dict) else None


def filter_text(value: object) -> str:
    """A filter as lines of property, comparison and value."""
    entries = value if isinstance(value, list) else ()
    return "\n".join(
        f"{e.get('property', '')} {e.get('is', '')} {_typed(e.get('value'))}".strip()
        for e in entries
        if isinstance(e, Mapping)
    )


def _typed(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def read_filter(text: str) -> list[dict[str, Any]]:
    """The conditions that were typed, one per line."""
    found: list[dict[str, Any]] = []
    for line in text.splitlines():
        parts = line.split(None, 2)
        if not parts:
            continue
        entry: dict[str, Any] = {"property": parts[0], "is": parts[1] if len(parts) > 1 else "not_empty"}
        if len(parts) > 2:
            entry["value"] = _value(parts[2], entry["is"])
        found.append(entry)
    return found


def _value(text: str, operator: str) -> Any:
    if operator in ("in", "not_in"):
        return [part.strip() for part in text.split(",") if part.strip()]
    if text in ("true", "false"):
        return text == "true"
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and "." not in text else number


def _row_fields(
    setting: Setting, value: object, targets: Sequence[tuple[str, str]]
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
            yield (
                f"{head}-when",
                forms.CharField(
                    label=f"{number + 1} · {_('Condition')}",
                    required=False,
                    initial=condition_text(row.get("when")),
                    widget=forms.Textarea(attrs={"rows": 2}),
                    help_text=condition_hint(),
                ),
            )
            yield (
                f"{head}-data",
                forms.CharField(
                    label=f"{number + 1} · {_('Only if what let them in')}",
                    required=False,
                    initial=filter_text(row.get("data")),
                    widget=forms.Textarea(attrs={"rows": 2}),
                    help_text=_("One per line: property, comparison, value. Example: total >= 100"),
                ),
            )
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
    if setting.type in ("channels", "tags"):
        return [part.strip() for part in (value or "").split(",") if part.strip()]
    if setting.type == "filter":
        return read_filter(value or "")
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
        row["when"] = read_condition(cleaned.get(f"{head}-when") or "")
        row["data"] = read_filter(cleaned.get(f"{head}-data") or "")
        if not row["when"] and not row["data"]:
            return {}
    return {name: value for name, value in row.items() if value}


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
