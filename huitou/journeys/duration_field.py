"""A length of time as a number and a unit; definitions keep it as 30m, 24h, 5d or 2w."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

UNITS = (("m", _("minutes")), ("h", _("hours")), ("d", _("days")), ("w", _("weeks")))
_KEPT = re.compile(r"(\d+)([mhdw])")


class DurationInput(forms.MultiWidget):
    """Two controls, NAME and NAME_unit; a whole length of time such as 5d may stand in the first one as well."""

    template_name = "journeys/duration_input.html"
    # The label names the number; the unit has a name of its own.
    use_fieldset = False

    def __init__(self) -> None:
        number = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
        unit = forms.Select(choices=UNITS, attrs={"aria-label": _("Unit of time")})
        super().__init__({"": number, "unit": unit})

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """The first control has the field's own id, for its label."""
        context = super().get_context(name, value, attrs)
        number, unit = context["widget"]["subwidgets"]
        if own := context["widget"]["attrs"].get("id"):
            number["attrs"]["id"], unit["attrs"]["id"] = own, f"{own}_unit"
        return context

    def id_for_label(self, id_: str) -> str:
        """The number is what the label names."""
        return id_

    def decompress(self, value: Any) -> list[str]:
        """Number and unit; what is no length of time stays where it is, for its error to make sense."""
        kept = _KEPT.fullmatch(str(value or ""))
        return [kept[1], kept[2]] if kept else [str(value or ""), "d"]

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> str:  # type: ignore[override]
        """As definitions keep it; empty without a number."""
        number = str(data.get(name) or "").strip()
        return f"{number}{data.get(f'{name}_unit') or ''}" if number.isdecimal() else number
