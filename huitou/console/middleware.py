"""What every response carries: the headers that keep browsers from harm, the operator's language, and reasons."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation

from huitou.core.errors import DomainError

Handler = Callable[[HttpRequest], HttpResponse]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{styles}; img-src 'self' data:{images}; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_STRICT = _POLICY.format(styles="", images="")
# Plotly sets style attributes and makes its picture download from a blob; it needs no inline script.
_CHARTS = _POLICY.format(styles=" 'unsafe-inline'", images=" blob:")


# Nothing that is given out as a file may do anything, should a browser open it after all.
_FILES = "default-src 'none'; frame-ancestors 'none'; sandbox"
# The back office is made by Unfold, whose scripts evaluate expressions and set styles.
_BACK_OFFICE = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
BACK_OFFICE = "/admin/"
_NO_DEVICES = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()"


class SecurityHeaders:
    """Own scripts, styles and pictures only. A response with `allow_chart_styles` may hold Plotly's inline styles.

    What was made for one signed-in person is kept by no cache. Over HTTPS every cookie is for HTTPS only.
    """

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        response.headers.setdefault("Content-Security-Policy", _policy(request, response))
        response.headers.setdefault("Permissions-Policy", _NO_DEVICES)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            response.headers.setdefault("Cache-Control", "private, no-store")
        if request.is_secure():
            for cookie in response.cookies.values():
                cookie["secure"] = True
        return response


def _policy(request: HttpRequest, response: HttpResponse) -> str:
    if response.headers.get("Content-Disposition", "").startswith("attachment"):
        return _FILES
    if request.path.startswith(BACK_OFFICE):
        return _BACK_OFFICE
    return _CHARTS if getattr(response, "allow_chart_styles", False) else _STRICT


class Refusals:
    """A page that cannot be had for a reason somebody can do something about says the reason, and what to do."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Called by Django for what a view raised; None leaves it to the page for errors of ours."""
        if not isinstance(exception, DomainError):
            return None
        return render(request, "refused.html", {"message": exception.message}, status=exception.status)


class ConsoleLanguage:
    """The console speaks Chinese until somebody switches; a browser's preference does not decide it."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        language = chosen if chosen in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self._get_response(request)
            # Templates are rendered inside the override; a streamed body would not be.
            response.headers.setdefault("Content-Language", language)
        return response
