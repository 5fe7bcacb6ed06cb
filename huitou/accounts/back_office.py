"""The back office under /admin/: administrators look at tables there, and set what has no page of its own.

It writes nothing by itself. Tables are read-only (`LookOnly`); where something may be set, saving calls the service
that everybody else calls, with its locks, checks and audit entry. What holds personal data is not shown at all:
looking at it is a step of the customer page, which is logged.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite

from huitou.accounts.doors import refuse
from huitou.accounts.models import User
from huitou.accounts.roles import ADMIN


class LookOnly(ModelAdmin):  # type: ignore[misc]
    """A table to look at. There is no way to add, change or delete a row, alone or many at once."""

    # What the table is called, in the navigation and above it.
    title: str | Promise
    actions = None
    list_per_page = 50

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False


class BackOffice(UnfoldAdminSite):  # type: ignore[misc]
    """Open to the role admin; the way in, out and to another password is the console's own."""

    site_header = _("Huitou back office")
    site_title = _("Huitou back office")
    index_title = _("Tables")

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Tables that can only be looked at get in; what libraries bring along does not."""
        if admin_class is not None and issubclass(admin_class, LookOnly):
            super().register(model_or_iterable, admin_class, **options)
            models: list[Any] = [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable
            for model in models:
                model._meta.verbose_name = model._meta.verbose_name_plural = admin_class.title

    def has_permission(self, request: Any) -> bool:
        return isinstance(request.user, User) and request.user.is_active and request.user.role == ADMIN

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> Any:
            if request.user.is_authenticated and not self.has_permission(request):
                return refuse(request, "staff.write")
            return inner(request, *args, **kwargs)

        return guarded

    def login(self, request: Any, extra_context: dict[str, Any] | None = None) -> Any:
        if self.has_permission(request):
            return redirect("admin:index")
        return redirect_to_login(request.GET.get("next", "/admin/"), "/login/")

    def logout(self, request: Any, extra_context: dict[str, Any] | None = None) -> Any:
        return redirect("overview")

    def password_change(self, request: Any, extra_context: dict[str, Any] | None = None) -> Any:
        return redirect("password")
