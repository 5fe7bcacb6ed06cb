"""Data: outside systems that are pulled on schedule: how fresh each is, what is wrong, connecting and changing them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from huitou.accounts.doors import acting_user, refuse, requires
from huitou.accounts.models import Brand
from huitou.accounts.queries import find_brand
from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError
from huitou.sources.connections.forms import ConnectionForm
from huitou.sources.connections.queries import ConnectionView, list_connections, state_words, view_connection
from huitou.sources.connections.services import (
    change_connection,
    create_connection,
    pause_connection,
    remove_connection,
    request_pull,
    resume_connection,
)
from huitou.sources.connectors.connector import Connector
from huitou.sources.connectors.kinds import CONNECTORS, find_connector
from huitou.sources.models import Connection, ImportRun
from huitou.sources.tasks import queue_pull

_CLOCK = SystemClock()
_TONES = {"active": "good", "paused": "", "stopped": "bad"}
_LATEST = 10


@requires("data.view")
def show_connections(request: HttpRequest) -> HttpResponse:
    """Every connection in one table, and what else can be connected."""
    rows = [_row(view_connection(row, _CLOCK)) for row in list_connections()]
    kinds = [one for one in CONNECTORS if not one.permission or request.user.has_perm(one.permission)]
    context = {"brand": find_brand() or Brand(), "rows": rows, "kinds": kinds}
    part = request.headers.get("HX-Request") == "true"
    return render(request, "sources/connections_part.html" if part else "sources/connections.html", context)


def _row(view: ConnectionView) -> dict[str, Any]:
    row = view.connection
    is_pulling = view.job is not None and not view.job.is_over
    late = view.is_late and row.state == "active"
    return {
        "view": view,
        "state": _("late") if late else state_words()[row.state],
        "tone": "warn" if late or (row.error_code and row.state == "active") else _TONES[row.state],
        "is_pulling": is_pulling,
        "percent": view.job.percent if is_pulling and view.job else None,
    }


@requires("data.write")
def add_connection(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Connect an outside system of one kind."""
    connector = find_connector(kind)
    if connector is None:
        raise Http404
    if connector.permission and not request.user.has_perm(connector.permission):
        return refuse(request, connector.permission)
    form = ConnectionForm(connector, request.POST if request.method == "POST" else None, None, ())
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = create_connection(
                kind=kind,
                name=data["name"],
                settings=form.settings(),
                every_minutes=data["every_minutes"],
                clock=_CLOCK,
                actor=acting_user(request),
            )
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            queue_pull(made.pk)
            messages.success(request, _("Connected. The first pull begins now; how far it is shows here."))
            return redirect("data_connection", made.pk)
    context = {"connector": connector, "form": form}
    return render(request, "sources/connection_new.html", context, status=422 if form.errors else 200)


@requires("data.view", change="data.write")
def show_connection(request: HttpRequest, connection_id: int) -> HttpResponseBase:
    """One connection: how fresh, what is wrong, its last imports, its settings."""
    row = get_object_or_404(Connection, pk=connection_id)
    view = view_connection(row, _CLOCK)
    form = _form(request, view)
    if request.method == "POST":
        answer = _act(request, view, form)
        if answer is not None:
            return answer
    context = {
        **_row(view),
        "brand": find_brand() or Brand(),
        "form": form,
        "runs": ImportRun.objects.filter(source=row.name).order_by("-pk")[:_LATEST],
    }
    if request.headers.get("HX-Request") == "true":
        return render(request, "sources/connection_part.html", context)
    return render(request, "sources/connection.html", context, status=422 if form and form.errors else 200)


def _form(request: HttpRequest, view: ConnectionView) -> ConnectionForm | None:
    """The form of its settings, for those who may change them."""
    connector: Connector | None = view.connector
    if connector is None or not request.user.has_perm("data.write"):
        return None
    if connector.permission and not request.user.has_perm(connector.permission):
        return None
    data = request.POST if request.method == "POST" and request.POST.get("action") == "save" else None
    return ConnectionForm(connector, data, view.connection, view.secrets_set)


def _act(request: HttpRequest, view: ConnectionView, form: ConnectionForm | None) -> HttpResponseBase | None:
    """Do what a button says; None: show the form again with what is wrong."""
    row, action = view.connection, request.POST.get("action", "")
    asked: dict[str, Any] = {"connection_id": row.pk, "clock": _CLOCK, "actor": acting_user(request)}
    try:
        if action == "save":
            if form is None:
                return refuse(request, view.connector.permission if view.connector else "data.write")
            if not form.is_valid():
                return None
            every = form.cleaned_data["every_minutes"]
            change_connection(settings=form.settings(), every_minutes=every, **asked)
            messages.success(request, _("Saved."))
        elif action == "pull":
            request_pull(**asked)
            queue_pull(row.pk)
            messages.success(request, _("The worker pulls it now."))
        elif action == "pause":
            pause_connection(**asked)
        elif action == "resume":
            resume_connection(**asked)
        elif action == "remove":
            remove_connection(**asked)
            messages.success(request, _("%(name)s is removed; what it brought stays.") % {"name": row.name})
            return redirect("data_connections")
    except DomainError as error:
        if action == "save" and form is not None:
            form.add_error(None, str(error))
            return None
        messages.error(request, str(error))
    return redirect("data_connection", row.pk)


urlpatterns = [
    path("data/connections/", show_connections, name="data_connections"),
    path("data/connections/new/<str:kind>/", add_connection, name="data_connection_new"),
    path("data/connections/<int:connection_id>/", show_connection, name="data_connection"),
]
