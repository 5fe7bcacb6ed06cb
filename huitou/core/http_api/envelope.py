"""What stands around every operation: the caller's language, headers, and problems where no operation was reached."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.csrf import csrf_exempt

from huitou.core.http_api.fields import is_storable
from huitou.core.http_api.problems import problem, problem_of

View = Callable[..., HttpResponseBase]
# What a form adds around its files.
_SLACK_BYTES = 1 << 20


def enveloped(view: View) -> View:
    """The view of one address as `/api/v1` shows it. Who calls is asked inside: by key, or by session with CSRF."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **values: Any) -> HttpResponseBase:
        language = language_of(request)
        with translation.override(language):
            try:
                response = _refusal(request, values) or view(request, *args, **values)
            except Exception as error:
                response = problem_of(error)
            if response.status_code == 405 and not response.headers.get("Content-Type", "").startswith("application"):
                response = _not_allowed(response.headers.get("Allow", ""))
        response.headers["Content-Language"] = language
        response.headers.setdefault("Cache-Control", "no-store")
        patch_vary_headers(response, ["Authorization", "Cookie", "Accept-Language"])
        return response

    closed = csrf_exempt(wrapped)
    # The console's middleware would send programs to the login page.
    closed.login_required = False  # type: ignore[attr-defined]
    return closed


def nowhere(_request: HttpRequest, **_values: Any) -> HttpResponse:
    """The answer to addresses that do not exist."""
    return problem(404, "not_found", _("There is no operation at this address; see /api/v1/openapi.json."))


def language_of(request: HttpRequest) -> str:
    """The first language of Accept-Language that there is, else the console's choice, else Chinese."""
    known = dict(settings.LANGUAGES)
    for wanted, _quality in parse_accept_lang_header(request.headers.get("Accept-Language", "")[:200]):
        if wanted.startswith("zh"):
            return "zh-hans"
        if wanted.split("-")[0] in known:
            return wanted.split("-")[0]
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    return chosen if chosen in known else settings.LANGUAGE_CODE


def _refusal(request: HttpRequest, values: dict[str, Any]) -> HttpResponse | None:
    """What is refused before anybody is asked for a key."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return problem(400, "unreadable", _("The request cannot be read. Send it whole and as the reference says."))
    if length > 2 * settings.UPLOAD_MAX_BYTES + _SLACK_BYTES:
        return problem(413, "too_large", _("The body is too large. Send less at once, or send a file."))
    if not all(is_storable(str(value)) for value in values.values()):
        return problem(404, "not_found", _("There is nothing at this address."))
    return None


def _not_allowed(allowed: str) -> HttpResponse:
    detail = _("This address takes %(methods)s.") % {"methods": allowed}
    return problem(405, "method_not_allowed", detail, headers={"Allow": allowed})
