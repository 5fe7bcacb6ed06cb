"""What a signed-in session lives by: use, age, and a password of one's own."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.core.clock import SystemClock

Handler = Callable[[HttpRequest], HttpResponse]
_BEGAN, _SEEN = "began_at", "seen_at"
# How exactly use is noted: a session is written once a minute, not with every request.
_NOTE_SECONDS = 60


class SessionAge:
    """Signs out whoever was idle for `SESSION_IDLE_SECONDS`, or signed in longer ago than `SESSION_COOKIE_AGE`."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if isinstance(request.user, User):
            now = int(SystemClock().now().timestamp())
            if _is_over(request.session, now):
                logout(request)
                messages.info(request, _("You were signed out after a while without use. Sign in again."))
            else:
                _note_use(request, now)
        return self._get_response(request)


def _is_over(session: SessionBase, now: int) -> bool:
    began, seen = int(session.get(_BEGAN, now)), int(session.get(_SEEN, now))
    idle: int = settings.SESSION_IDLE_SECONDS
    oldest: int = settings.SESSION_COOKIE_AGE
    return now - seen > idle or now - began > oldest


def _note_use(request: HttpRequest, now: int) -> None:
    session = request.session
    session.setdefault(_BEGAN, now)
    # A page that watches something asks again by itself: that is no use by a person.
    watching = request.headers.get("HX-Request") == "true" and request.method == "GET"
    if not watching and now - session.get(_SEEN, 0) >= _NOTE_SECONDS:
        session[_SEEN] = now


class OwnPassword:
    """Who came in with a one-time password chooses an own one before anything else opens."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., object], *_rest: object) -> HttpResponse | None:
        if not isinstance(request.user, User) or not request.user.must_change_password:
            return None
        if not getattr(view, "login_required", True) or request.path in {reverse("password"), reverse("logout")}:
            return None
        return redirect("password")
