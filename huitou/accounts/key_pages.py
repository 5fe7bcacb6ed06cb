"""Settings: keys of programs. A secret is shown in the answer that made it and nowhere else."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.keys import NewKey, create_key, revoke_key
from huitou.accounts.models import ApiKey
from huitou.accounts.queries import find_brand
from huitou.accounts.roles import PERMISSIONS
from huitou.accounts.staff_forms import ApiKeyForm, WriteKeyForm
from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError


@requires("settings.view", change="staff.write")
@never_cache
def list_keys(request: HttpRequest) -> HttpResponse:
    """Every key with what it may do and when it was last used, and the forms that make one."""
    kind = request.POST.get("kind", "")
    write_form = WriteKeyForm(request.POST if kind == "write" else None, prefix="w")
    api_form = ApiKeyForm(request.POST if kind == "api" else None, prefix="a")
    made = _make(request, kind, write_form if kind == "write" else api_form) if kind in {"write", "api"} else None
    if made is not None:
        write_form, api_form = WriteKeyForm(prefix="w"), ApiKeyForm(prefix="a")
    keys = ApiKey.objects.select_related("created_by").order_by("revoked_at", "-created_at", "-pk")
    context: dict[str, Any] = {
        "brand": find_brand(),
        "keys": [(key, [PERMISSIONS.get(scope, scope) for scope in key.scopes]) for key in keys],
        "write_form": write_form,
        "api_form": api_form,
        "made": made,
    }
    failed = bool(write_form.errors or api_form.errors)
    return render(request, "accounts/keys.html", context, status=422 if failed else 200)


def _make(request: HttpRequest, kind: str, form: WriteKeyForm | ApiKeyForm) -> NewKey | None:
    if not form.is_valid():
        return None
    actor = acting_user(request)
    try:
        return create_key(kind=kind, clock=SystemClock(), actor=actor, **form.cleaned_data)
    except DomainError as error:
        form.add_error(None, str(error))
        return None


@requires("staff.write")
@require_POST
def revoke(request: HttpRequest, key_id: int) -> HttpResponse:
    """Let a key open nothing from now on."""
    key = ApiKey.objects.filter(pk=key_id).first()
    if key is not None:
        actor = acting_user(request)
        revoke_key(prefix=key.prefix, clock=SystemClock(), actor=actor)
        messages.success(request, _("The key %(name)s opens nothing any more.") % {"name": key.name})
    return redirect("settings_keys")


urlpatterns = [
    path("settings/keys/", list_keys, name="settings_keys"),
    path("settings/keys/<int:key_id>/revoke/", revoke, name="settings_keys_revoke"),
]
