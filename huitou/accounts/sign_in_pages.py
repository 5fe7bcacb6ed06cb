"""The way in and out: login with its throttle, one's own password, and the language of the console."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from huitou.accounts.doors import signed_in
from huitou.accounts.models import User
from huitou.accounts.staff import PasswordRefusedError, change_password
from huitou.accounts.staff_forms import OwnPasswordForm
from huitou.accounts.throttle import Guess, LoginThrottledError, claim_guess, forgive_guess
from huitou.core.clock import SystemClock

_DEVICE_COOKIE = "huitou_device"
_DEVICE_DAYS = 180


class Login(LoginView):
    """The way in. The language a person chose before comes back with them."""

    template_name = "accounts/login.html"
    redirect_authenticated_user = True
    guess: Guess | None = None

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        username = request.POST.get("username", "")
        if username and request.POST.get("password"):
            try:
                self.guess = claim_guess(
                    username=username,
                    address=request.META.get("REMOTE_ADDR", ""),
                    device=_known_device(request, username),
                    clock=SystemClock(),
                )
            except LoginThrottledError as error:
                return self._ask_to_wait(error)
        return super().post(request, *args, **kwargs)

    def _ask_to_wait(self, error: LoginThrottledError) -> HttpResponse:
        """No form is bound: the password is not looked at, so the answer is the same for every account."""
        form = AuthenticationForm(self.request, initial={"username": self.request.POST.get("username", "")})
        context = self.get_context_data(form=form, waiting=str(error))
        response = render(self.request, self.template_name, context, status=error.status)
        response.headers["Retry-After"] = str(error.wait_seconds)
        return response

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        user = form.get_user()
        assert isinstance(user, User), "the console has one kind of user"
        if self.guess is not None:
            forgive_guess(self.guess, clock=SystemClock())
        _remember_device(response, user)
        if user.language:
            _keep_language(response, user.language)
        return response


def _known_device(request: HttpRequest, username: str) -> str:
    """What tells this browser from others if it signed in to that account before, else nothing."""
    try:
        user_id, device = signing.loads(
            request.COOKIES.get(_DEVICE_COOKIE, ""), salt=_DEVICE_COOKIE, max_age=_DEVICE_DAYS * 86_400
        )
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    known = User.objects.filter(pk=user_id, username=User.normalize_username(username)).exists()
    return str(device) if known else ""


def _remember_device(response: HttpResponse, user: User) -> None:
    response.set_cookie(
        _DEVICE_COOKIE,
        signing.dumps([user.pk, secrets.token_urlsafe(12)], salt=_DEVICE_COOKIE),
        max_age=_DEVICE_DAYS * 86_400,
        path="/login/",
        httponly=True,
        samesite="Lax",
        secure=settings.HTTPS_ONLY,
    )


def _keep_language(response: HttpResponse, language: str) -> None:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=365 * 86_400,
        httponly=True,
        samesite="Lax",
        secure=settings.HTTPS_ONLY,
    )


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


@signed_in
@never_cache
@sensitive_post_parameters()
def own_password(request: HttpRequest) -> HttpResponse:
    """Choose another password. All other sessions of the person end with it."""
    assert isinstance(request.user, User), "a signed-in page has a user"
    form = OwnPasswordForm(request.user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and _is_own(request, form) and form.is_valid():
        try:
            user = change_password(user=request.user, password=form.cleaned_data["new"], clock=SystemClock())
        except PasswordRefusedError as error:
            form.add_error("new", str(error))
        else:
            update_session_auth_hash(request, user)
            messages.success(request, _("Your password was changed. You were signed out everywhere else."))
            return redirect("overview")
    return render(request, "accounts/password.html", {"form": form}, status=422 if form.errors else 200)


def _is_own(request: HttpRequest, form: OwnPasswordForm) -> bool:
    """Whether the present password is right. Who holds a stolen session guesses no faster here than at the login."""
    try:
        guess = claim_guess(
            username=request.user.get_username(),
            address=request.META.get("REMOTE_ADDR", ""),
            clock=SystemClock(),
        )
    except LoginThrottledError as error:
        form.refuse(str(error))
        return False
    form.is_valid()
    if "old" in form.errors:
        return False
    forgive_guess(guess, clock=SystemClock())
    return True


urlpatterns = [
    path("login/", login_not_required(Login.as_view()), name="login"),
    path("logout/", signed_in(LogoutView.as_view(next_page="login")), name="logout"),
    path("language/", switch_language, name="language"),
    path("password/", own_password, name="password"),
]
