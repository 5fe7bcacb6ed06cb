"""Settings: the audit log."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from huitou.accounts.audit import action_label, action_words, actor_name, describe, list_entries
from huitou.accounts.doors import requires
from huitou.accounts.models import AuditEntry, Brand
from huitou.accounts.queries import find_brand
from huitou.accounts.staff_forms import AuditFilterForm
from huitou.console.tables import read_page

_PAGE_SIZE = 50
_LONG = 120


@requires("settings.view")
def show_audit(request: HttpRequest) -> HttpResponse:
    """What was changed, by whom and when, newest first."""
    brand = find_brand()
    zone = brand.tz if brand else ZoneInfo(Brand().zone)
    actions = sorted(((code, str(words)) for code, words in action_words().items()), key=lambda pair: pair[1])
    form = AuditFilterForm(request.GET, actions)
    found = list_entries(zone=zone, **form.cleaned_data) if form.is_valid() else list_entries(zone=zone)
    paging = read_page(request, total=found.count(), size=_PAGE_SIZE)
    shown = found[paging.offset : paging.offset + paging.size]
    context: dict[str, Any] = {
        "brand": brand,
        "zone": zone,
        "form": form,
        "paging": paging,
        "entries": [_row(entry) for entry in shown],
        "filtered": any(form.data.get(name) for name in form.fields),
    }
    return render(request, "accounts/audit.html", context)


def _row(entry: AuditEntry) -> dict[str, Any]:
    details = describe(entry)
    return {
        "entry": entry,
        "action": action_label(entry.action),
        "actor": actor_name(entry),
        "details": details,
        # What would make the row taller than the screen of a phone is folded.
        "is_long": len(details) > 1 and sum(map(len, details)) > _LONG,
    }


urlpatterns = [path("settings/audit/", show_audit, name="settings_audit")]
