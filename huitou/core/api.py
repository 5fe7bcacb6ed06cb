"""What load balancers and people ask: does the process live, and can it do its work."""

from __future__ import annotations

from typing import Literal

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from ninja import Schema
from pydantic import Field

from huitou.core.clock import SystemClock
from huitou.core.doctor import examine
from huitou.core.health import check_parts
from huitou.core.http_api.operations import Operations

router = Operations("platform")


class PartOut(Schema):
    """One part of the deployment."""

    name: str = Field(examples=["database"])
    ok: bool
    detail: str = Field(description="What is wrong, or a word about its state.", examples=["last heard of 3 s ago"])
    required: bool = Field(description="Whether the whole is unready without it.")


class HealthOut(Schema):
    """Whether this deployment can do its work."""

    ready: bool = Field(description="Whether every required part is in order.")
    parts: list[PartOut]


@router.read("/health", permission="settings.view", returns=HealthOut)
def show_health(request: HttpRequest) -> HealthOut:
    """Whether database, migrations, lake and worker are in order, part by part."""
    parts = check_parts(SystemClock())
    told = [PartOut(name=p.name, ok=p.ok, detail=p.detail, required=p.required) for p in parts]
    return HealthOut(ready=all(p.ok for p in parts if p.required), parts=told)


class FindingOut(Schema):
    """What was seen of one part, and how to mend it."""

    part: str = Field(examples=["worker"])
    title: str = Field(examples=["Worker"])
    state: Literal["ok", "warn", "fail", "skipped"] = Field(
        description="warn: works, but not for long or not well; skipped: could not be asked."
    )
    detail: str
    mend: str = Field(description="What to do about it; empty where nothing is to be done.")


class DoctorOut(Schema):
    """Every part of the deployment."""

    items: list[FindingOut]


@router.read("/doctor", permission="settings.view", returns=DoctorOut)
def ask_doctor(request: HttpRequest) -> DoctorOut:
    """Look at every part, and say how to mend what is wrong: the same as `huitou doctor`."""
    return DoctorOut(items=[FindingOut.from_orm(found) for found in examine(SystemClock())])


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
