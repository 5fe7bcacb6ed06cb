"""What load balancers and people ask: does the process live, and can it do its work."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from huitou.core.clock import SystemClock
from huitou.core.health import check_parts


@login_not_required
@never_cache
@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers at all; it asks nobody else."""
    return JsonResponse({"status": "ok"})


@login_not_required
@never_cache
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 when database, migrations and lake are in order, else 503 naming what fails. The worker is reported only:
    a web server without one still answers truthfully, later.
    """
    parts = check_parts(SystemClock())
    failing = [part.name for part in parts if part.required and not part.ok]
    body = {
        "status": "unready" if failing else "ready",
        "failing": failing,
        "parts": {part.name: {"ok": part.ok, "detail": part.detail} for part in parts},
    }
    return JsonResponse(body, status=503 if failing else 200)


urls = [path("healthz", healthz, name="healthz"), path("readyz", readyz, name="readyz")]
