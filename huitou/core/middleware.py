"""What every request passes first: who really asks, and over what."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from huitou.core.proxies import find_caller

Handler = Callable[[HttpRequest], HttpResponse]
_WORD_OF_PROXIES = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED")


class TrustedProxies:
    """Puts the caller's address and scheme where Django looks for them; afterwards nobody sees the headers."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        caller = find_caller(
            meta.get("REMOTE_ADDR", ""),
            forwarded_for=meta.get("HTTP_X_FORWARDED_FOR", ""),
            forwarded_proto=meta.get("HTTP_X_FORWARDED_PROTO", ""),
            is_https=meta.get("wsgi.url_scheme") == "https",
            trusted=settings.TRUSTED_PROXIES,
        )
        for name in _WORD_OF_PROXIES:
            meta.pop(name, None)
        meta["REMOTE_ADDR"] = caller.address
        meta["wsgi.url_scheme"] = "https" if caller.is_https else "http"
        return self._get_response(request)
