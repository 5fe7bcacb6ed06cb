"""Settings: who works here. One-time passwords are shown in the answer that made them and nowhere else."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from huitou.accounts import staff
from huitou.accounts.doors import acting_user, requires
from huitou.accounts.models import User
from huitou.accounts.queries import find_brand
from huitou.accounts.roles import PERMISSIONS, ROLE_LABELS, ROLES
from huitou.accounts.staff_forms import PersonForm, StaffForm
from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError


@requires("settings.view", change="staff.write")
@never_cache
def list_staff(request: HttpRequest) -> HttpResponse:
    """Everybody who may or might sign in, what each role may do, and the form that adds a person."""
    form = StaffForm(request.POST if request.method == "POST" else None)
    made: staff.NewPassword | None = None
    if request.method == "POST" and form.is_valid():
        try:
            made = staff.add_staff(**form.cleaned_data, clock=SystemClock(), actor=acting_user(request))
            form = StaffForm()
        except DomainError as error:
            form.add_error("username", str(error))
    context: dict[str, Any] = {
        "brand": find_brand(),
        "people": User.objects.order_by("-is_active", "username"),
        "form": form,
        "made": made,
        "roles": list(ROLE_LABELS.values()),
        "rights": [(label, [name in ROLES[role] for role in ROLE_LABELS]) for name, label in PERMISSIONS.items()],
    }
    return render(request, "accounts/staff.html", context, status=422 if form.errors else 200)


@requires("staff.write")
def change_person(request: HttpRequest, user_id: int) -> HttpResponse:
    """Role and name of one person."""
    person = get_object_or_404(User, pk=user_id)
    initial = {"full_name": person.first_name, "role": person.role}
    form = PersonForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        if _change(request, person, **form.cleaned_data):
            return redirect("settings_staff")
        form.add_error("role", "")
    return _show_person(request, person, form)


@requires("staff.write")
@require_POST
def switch_person(request: HttpRequest, user_id: int) -> HttpResponse:
    """Deactivate somebody, or let them in again."""
    person = get_object_or_404(User, pk=user_id)
    _change(request, person, is_active=request.POST.get("active") == "1")
    return redirect("settings_staff_person", user_id)


@requires("staff.write")
@require_POST
@never_cache
def reset_person(request: HttpRequest, user_id: int) -> HttpResponse:
    """A one-time password in place of a forgotten one."""
    person = get_object_or_404(User, pk=user_id)
    made = staff.reset_password(username=person.username, clock=SystemClock(), actor=acting_user(request))
    form = PersonForm(None, initial={"full_name": person.first_name, "role": person.role})
    return _show_person(request, made.user, form, made)


def _show_person(
    request: HttpRequest, person: User, form: PersonForm, made: staff.NewPassword | None = None
) -> HttpResponse:
    context = {"brand": find_brand(), "person": person, "form": form, "made": made}
    return render(request, "accounts/person.html", context, status=422 if form.errors else 200)


def _change(request: HttpRequest, person: User, **changes: object) -> bool:
    try:
        staff.change_staff(username=person.username, changes=changes, clock=SystemClock(), actor=acting_user(request))
    except DomainError as error:
        messages.error(request, str(error))
        return False
    messages.success(request, _("Saved."))
    return True


urlpatterns = [
    path("settings/staff/", list_staff, name="settings_staff"),
    path("settings/staff/<int:user_id>/", change_person, name="settings_staff_person"),
    path("settings/staff/<int:user_id>/active/", switch_person, name="settings_staff_active"),
    path("settings/staff/<int:user_id>/password/", reset_person, name="settings_staff_password"),
]
