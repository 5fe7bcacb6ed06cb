"""The back office under /admin/: administrators look at tables there, and set what has no page of its own.

It writes nothing by itself. Tables are read-only (`LookOnly`); where something may be set, saving calls the service
that everybody else calls, with its locks, checks and audit entry. What holds personal data is not shown at all:
looking at it is a step of the customer page, which is logged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.auth.views import redirect_to_login
from django.shortcuts import redirect
from django.template.response import SimpleTemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite

from huitou.accounts.doors import refuse
from huitou.accounts.models import Brand, User
from huitou.accounts.queries import find_brand
from huitou.accounts.roles import ADMIN

# Columns that say nothing of themselves in the reader's language.
_FIELDS = {
    "accepted": _("Taken"),
    "args": _("Arguments"),
    "as_of": _("As of"),
    "at": _("Time"),
    "attempts": _("Attempts"),
    "claimed_at": _("Claimed at"),
    "code": _("Code"),
    "committed_at": _("Committed at"),
    "content_hash": _("Hash of the file"),
    "count": _("How many"),
    "created_at": _("Created at"),
    "created_by": _("Created by"),
    "detail": _("Detail"),
    "detected": _("Recognized"),
    "error": _("Error"),
    "events": _("Events"),
    "file_name": _("File"),
    "finished_at": _("Finished at"),
    "kind": _("Kind"),
    "lake_version": _("Version in the lake"),
    "language": _("Language"),
    "last_used_at": _("Last used at"),
    "lock": _("Lock"),
    "must_change_password": _("Has to change the password"),
    "name": _("Name"),
    "prefix": _("First characters"),
    "queue_name": _("Queue"),
    "queueing_lock": _("Lock while queueing"),
    "rejected": _("Refused"),
    "revoked_at": _("Revoked at"),
    "role": _("Role"),
    "row_count": _("Rows"),
    "rows": _("Rows"),
    "scheduled_at": _("Scheduled at"),
    "scopes": _("Scopes"),
    "seconds": _("Seconds"),
    "source": _("Feed"),
    "started_at": _("Started at"),
    "state": _("State"),
    "status": _("State"),
    "table": _("Table"),
    "target": _("What it was about"),
    "task_name": _("Task"),
}
# What Unfold's own pages say. It brings no Chinese along, and of its empty page only a half is true of ours.
UNFOLD_TEXTS = (
    _("Type to search"),
    _("Filters"),
    _("No results found"),
    _("This page yielded into no results. Create a new item or reset your filters."),
)


def word_filter(name: str, label: Promise, words: Callable[[], Mapping[str, str | Promise]]) -> type[SimpleListFilter]:
    """A filter by a column of codes that shows their words."""

    class WordFilter(SimpleListFilter):
        title: Any = label
        parameter_name = name

        def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
            found = model_admin.model.objects.order_by().values_list(name, flat=True).distinct()
            return sorted((code, str(words().get(code, code))) for code in found)

        def queryset(self, request: Any, queryset: Any) -> Any:
            return queryset.filter(**{name: self.value()}) if self.value() else queryset

    return WordFilter


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
                for field in model._meta.fields:
                    field.verbose_name = _FIELDS.get(field.name, field.verbose_name)
                model._meta.verbose_name = model._meta.verbose_name_plural = admin_class.title

    def has_permission(self, request: Any) -> bool:
        return isinstance(request.user, User) and request.user.is_active and request.user.role == ADMIN

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> Any:
            if request.user.is_authenticated and not self.has_permission(request):
                return refuse(request, "staff.write")
            # As in the console: times are the brand's. The page is written while that holds.
            with timezone.override((find_brand() or Brand()).tz):
                answer = inner(request, *args, **kwargs)
                return answer.render() if isinstance(answer, SimpleTemplateResponse) else answer

        return guarded

    def login(self, request: Any, extra_context: dict[str, Any] | None = None) -> Any:
        if self.has_permission(request):
            return redirect("admin:index")
        return redirect_to_login(request.GET.get("next", "/admin/"), "/login/")

    def logout(self, request: Any, extra_context: dict[str, Any] | None = None) -> Any:
        return redirect("overview")

    def password_change(self, request: Any, extra_context: dict[str, Any] | None = None) -> Any:
        return redirect("password")
