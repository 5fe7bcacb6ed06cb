"""Which permission opens a page: declared beside the view, checked before it runs, read by navigation and tests.

Every view of the console carries one of three declarations, and a test walks the URLs for one that has none:

- `requires("data.view")`, or `requires("data.view", change="data.write")` where sending the page's form needs more,
- `signed_in`: open to everybody who works here,
- Django's `login_not_required`: open to strangers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View

from huitou.accounts.models import User
from huitou.accounts.queries import list_admin_names
from huitou.accounts.roles import PERMISSIONS, ROLE_LABELS, ROLES
from huitou.console.shell import Door

Handler = Callable[..., HttpResponseBase]
V = TypeVar("V", bound="Handler | type[View]")


def requires(permission: str, *, change: str = "") -> Callable[[V], V]:
    """Open the view to roles with `permission`; requests that change something need `change` where it is given.

    Decorates functions and class-based views. Strangers are sent to the login by Django's own middleware.
    """
    for name in filter(None, (permission, change)):
        assert name in PERMISSIONS, f"no permission is called {name}"
    return _guard(Door(permission, change or permission))


def signed_in(view: V) -> V:
    """Open the view to everybody who works here, whatever their role."""
    return _guard(Door("", ""))(view)


def acting_user(request: HttpRequest) -> User | None:
    """Who asks, for the audit log; nobody where nobody is signed in."""
    return request.user if isinstance(request.user, User) else None


def _guard(door: Door) -> Callable[[V], V]:
    def decorate(view: V) -> V:
        if isinstance(view, type):
            return cast("V", method_decorator(_checked(door), name="dispatch")(view))
        return cast("V", _checked(door)(cast("Handler", view)))

    return decorate


def _checked(door: Door) -> Callable[[Handler], Handler]:
    def decorate(view: Handler) -> Handler:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            needed = door.needed(request.method or "GET")
            if needed and not request.user.has_perm(needed):
                return refuse(request, needed)
            return view(request, *args, **kwargs)

        guarded.door = door  # type: ignore[attr-defined]
        return guarded

    return decorate


def refuse(request: HttpRequest, permission: str) -> HttpResponse:
    """The answer to somebody whose role does not reach: which roles would do, and whom to ask."""
    user = request.user
    context = {
        "permission": PERMISSIONS[permission],
        "own_role": ROLE_LABELS.get(user.role, user.role) if isinstance(user, User) else "",
        "roles": [label for role, label in ROLE_LABELS.items() if permission in ROLES[role]],
        "admins": list_admin_names(),
        "separator": _(", "),
    }
    part = request.headers.get("HX-Request") == "true"
    template = "accounts/forbidden_part.html" if part else "accounts/forbidden.html"
    response = render(request, template, context, status=403)
    response.headers["HX-Refused"] = permission
    return response
