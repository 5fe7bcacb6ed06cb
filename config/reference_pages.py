"""The console's page about the API: what there is to call, made from the schema, without anything from elsewhere."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from config.api_reference import by_section
from huitou.accounts.doors import requires


@requires("metrics.view")
@require_safe
def show_api(request: HttpRequest) -> HttpResponse:
    """Every operation with its permission and parameters."""
    context = {"sections": list(by_section()), "origin": request.build_absolute_uri("/").rstrip("/")}
    return render(request, "accounts/api.html", context)


urlpatterns: list[URLPattern] = [path("api/docs/", show_api, name="api_docs")]
