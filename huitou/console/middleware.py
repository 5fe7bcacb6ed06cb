"""What every console response carries: the content-security-policy and the operator's language."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

Handler = Callable[[HttpRequest], HttpResponse]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{styles}; img-src 'self' data:{images}; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_STRICT = _POLICY.format(styles="", images="")
# Plotly sets style attributes and makes its picture download from a blob; it needs no inline script.
_CHARTS = _POLICY.format(styles=" 'unsafe-inline'", images=" blob:")


class ContentSecurityPolicy:
    """Own scripts, styles and pictures only. A response with `allow_chart_styles` may hold Plotly's inline styles."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        charts = getattr(response, "allow_chart_styles", False)
        response.headers.setdefault("Content-Security-Policy", _CHARTS if charts else _STRICT)
        return response


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
