"""Reads about the brand and the people who work here."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from huitou.accounts.models import ApiKey, AuditEntry, Brand, User
from huitou.accounts.roles import ADMIN
from huitou.core.errors import DomainError


class NoBrandError(DomainError):
    """Nothing was imported or loaded yet, so there is no brand."""

    code = "no_brand"
    status = 409


def get_brand() -> Brand:
    """The brand of this deployment.

    Raises NoBrandError where the store is empty: the message names the two ways to begin.
    """
    brand = find_brand()
    if brand is None:
        raise NoBrandError(_("The store is empty. Load the example (huitou example load) or import your orders."))
    return brand


def find_brand() -> Brand | None:
    """The brand of this deployment, or None while the store is empty."""
    return Brand.objects.filter(pk=1).first()


def list_admin_names(limit: int = 3) -> list[str]:
    """Whom to ask for another role: the administrators who may sign in, oldest first."""
    admins = User.objects.filter(role=ADMIN, is_active=True).order_by("pk")[:limit]
    return [user.get_full_name() or user.get_username() for user in admins]


def find_first_admin() -> User | None:
    """The oldest administrator, or None before the first start."""
    return User.objects.filter(is_superuser=True).order_by("pk").first()


def list_keys() -> QuerySet[ApiKey]:
    """Every key with who made it, revoked ones included."""
    return ApiKey.objects.select_related("created_by")


def list_audit_entries(
    *,
    action: str = "",
    actor: str = "",
    target: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[AuditEntry]:
    """Entries of the audit log: `action` by its beginning, the others exactly; from `since` to before `until`."""
    chosen: dict[str, object] = {
        "action__startswith": action,
        "actor_label": actor,
        "target": target,
        "at__gte": since,
        "at__lt": until,
    }
    return AuditEntry.objects.filter(**{name: value for name, value in chosen.items() if value})
