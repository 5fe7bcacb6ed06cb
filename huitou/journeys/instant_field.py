"""A moment as date and time in the brand's zone; definitions keep it with its offset."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _

from huitou.journeys.setting import read_instant

_TO_MINUTE, _TO_SECOND = "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"


class InstantField(forms.DateTimeField):
    """`clean` gives text such as 2026-11-30T23:59:00+08:00, or nothing; `zone` is that of the clock on the wall."""

    def __init__(self, *, label: str, zone: ZoneInfo, told: object) -> None:
        self._zone = zone
        local = self._local(told)
        form = _TO_SECOND if local is not None and local.second else _TO_MINUTE
        attrs = {"type": "datetime-local"} | ({"step": "1"} if form == _TO_SECOND else {})
        super().__init__(
            label=label,
            required=False,
            help_text=_("By the clock of %(zone)s.") % {"zone": zone.key},
            initial=local,
            input_formats=[_TO_MINUTE, _TO_SECOND],
            widget=forms.DateTimeInput(format=form, attrs=attrs),
        )

    def _local(self, told: object) -> datetime | None:
        """Without its zone, as such fields hold it; what is no moment is shown as none."""
        try:
            return read_instant(str(told)).astimezone(self._zone).replace(tzinfo=None, microsecond=0)
        except ValueError:
            return None

    def clean(self, value: Any) -> Any:
        """As definitions keep it; raises ValidationError for what is no time of a day."""
        found = super().clean(value)
        return found.replace(tzinfo=self._zone).isoformat() if found is not None else None
