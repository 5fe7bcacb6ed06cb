"""`/api/v1`: the operations of every app put together, found by listing like pages; and its schema, OpenAPI 3.1."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, URLResolver, include, re_path
from django.urls import path as route
from ninja import NinjaAPI
from ninja.renderers import JSONRenderer

from huitou.console.shell import SECTIONS
from huitou.core.http_api import openapi
from huitou.core.http_api.bodies import JsonParser
from huitou.core.http_api.envelope import enveloped, nowhere
from huitou.core.http_api.operations import Operations
from huitou.core.http_api.problems import answer_with_problems

PREFIX = "/api/v1"
VERSION = "1"


def doors() -> Iterator[tuple[str, Operations]]:
    """Every module `api` or `..._api` of our apps that declares operations, by name."""
    for config in apps.get_app_configs():
        if not config.name.startswith("huitou."):
            continue
        folder = Path(config.path)
        for file in sorted([*folder.rglob("api.py"), *folder.rglob("*_api.py")]):
            parts = file.relative_to(folder).with_suffix("").parts
            # Tests of operations may be called like them, and need what is not installed for everybody.
            if "tests" in parts:
                continue
            name = ".".join((config.name, *parts))
            router = getattr(importlib.import_module(name), "router", None)
            if isinstance(router, Operations):
                yield name, router


class _Renderer(JSONRenderer):
    """JSON in UTF-8, with Chinese as it is."""

    json_dumps_params = {"ensure_ascii": False}  # noqa: RUF012 - read only


@cache
def assembled() -> NinjaAPI:
    """The API, built once per process."""
    api = NinjaAPI(
        title="Huitou 回头",
        version=VERSION,
        description=openapi.INTRODUCTION,
        urls_namespace="api-1",
        openapi_url=None,
        docs_url=None,
        parser=JsonParser(),
        renderer=_Renderer(),
    )
    answer_with_problems(api)
    for _name, router in doors():
        api.add_router("", router)
    return api


@cache
def schema() -> dict[str, Any]:
    """The OpenAPI document."""
    made = assembled().get_openapi_schema(path_prefix=f"{PREFIX.lstrip('/')}/")
    sections = {key: str(title) for key, title in _english_sections().items()}
    return openapi.complete(copy.deepcopy(dict(made)), sections)


def _english_sections() -> dict[str, object]:
    from django.utils.translation import override

    with override("en"):
        return {key: str(title) for key, title in SECTIONS.items() if str(title)}


def show_schema(_request: HttpRequest) -> HttpResponse:
    """The OpenAPI document, open to anybody: it tells of the product and nothing of the brand."""
    return JsonResponse(schema(), json_dumps_params={"ensure_ascii": False})


def urls() -> list[URLResolver]:
    """The addresses below `/api/v1/`; whatever is none of them is told so as a problem."""
    found = [route("openapi.json", enveloped(show_schema), name="api_schema")]
    found += [
        route(str(pattern.pattern), enveloped(pattern.callback), name=f"api_{pattern.name}")
        for pattern in assembled().urls[0]
        if isinstance(pattern, URLPattern) and pattern.name != "api-root"
    ]
    # Whatever is left, line ends included, which a dot would not match.
    found.append(re_path("", enveloped(nowhere)))
    return [route(f"{PREFIX.lstrip('/')}/", include(found))]
