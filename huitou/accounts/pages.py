"""Signing in and out, the console's language, and the brand's settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from huitou.accounts.doors import requires, signed_in
from huitou.accounts.forms import BrandForm
from huitou.accounts.models import User
from huitou.accounts.queries import find_brand
from huitou.accounts.services import update_brand
from huitou.console.shell import Page, ShellContext, render_cards
from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError

PAGES = [Page("settings", "platform", gettext_lazy("Settings"), "settings", 90, "settings")]


def shell_context(request: HttpRequest) -> ShellContext:
    """The brand's name."""
    brand = find_brand()
    return ShellContext(brand_name=brand.name if brand else "")


class Login(LoginView):
    """The way in. The language a person chose before comes back with them."""

    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        user = form.get_user()
        if isinstance(user, User) and user.language:
            _keep_language(response, user.language)
        return response


def _keep_language(response: HttpResponse, language: str) -> None:
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=365 * 86_400, httponly=True, samesite="Lax")


@login_not_required
@require_POST
def switch_language(request: HttpRequest) -> HttpResponse:
    """Speak the chosen language from now on, and return to where the operator was."""
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=False):
        target = "/"
    response = HttpResponseRedirect(target)
    language = request.POST.get("language", "")
    if translation.check_for_language(language) and language in dict(settings.LANGUAGES):
        _keep_language(response, language)
        if isinstance(request.user, User):
            User.objects.filter(pk=request.user.pk).update(language=language)
    return response


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
    actor = request.user if isinstance(request.user, User) else None
    try:
        update_brand(changes=form.changes(), clock=SystemClock(), actor=actor)
    except DomainError as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, _("Saved. Figures follow after the next refresh."))
    return True


urlpatterns = [
    path("login/", login_not_required(Login.as_view()), name="login"),
    path("logout/", signed_in(LogoutView.as_view(next_page="login")), name="logout"),
    path("language/", switch_language, name="language"),
    path("settings/", show_settings, name="settings"),
]
