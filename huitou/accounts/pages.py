"""Settings: the brand; staff, keys and the audit log have pages of their own beside it, like the way in and out."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.accounts import audit_pages, key_pages, sign_in_pages, staff_pages
from huitou.accounts.doors import acting_user, requires
from huitou.accounts.forms import BrandForm
from huitou.accounts.queries import find_brand
from huitou.accounts.services import update_brand
from huitou.console.shell import Page, ShellContext, render_cards
from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError

PAGES = [Page("settings", "platform", gettext_lazy("Settings"), "settings", 90, "settings")]


def shell_context(request: HttpRequest) -> ShellContext:
    """The brand's name."""
    brand = find_brand()
    return ShellContext(brand_name=brand.shown_name if brand else "")


@requires("settings.view", change="settings.write")
def show_settings(request: HttpRequest) -> HttpResponse:
    """What the brand counts, in which zone and currency, and what it aims for."""
    brand = find_brand()
    if brand is None:
        return render(request, "accounts/settings_empty.html")
    form = BrandForm.for_brand(brand, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _save(request, form):
        return redirect("settings")
    context: dict[str, Any] = {"brand": brand, "form": form, "cards": render_cards("settings", request)}
    return render(request, "accounts/settings.html", context, status=422 if form.errors else 200)


def _save(request: HttpRequest, form: Form) -> bool:
    assert isinstance(form, BrandForm), "settings are saved from their own form"
    actor = acting_user(request)
    try:
        update_brand(changes=form.changes(), clock=SystemClock(), actor=actor)
    except DomainError as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, _("Saved. Figures follow after the next refresh."))
    return True


urlpatterns = [
    *sign_in_pages.urlpatterns,
    path("settings/", show_settings, name="settings"),
    *staff_pages.urlpatterns,
    *key_pages.urlpatterns,
    *audit_pages.urlpatterns,
]
