"""Every change to the brand, the first administrator, and the audit log that all services write to."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from huitou.accounts.brand import check_brand
from huitou.accounts.models import AuditEntry, Brand, User
from huitou.accounts.queries import find_brand, find_first_admin
from huitou.accounts.roles import ADMIN
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.core.models import LakeBatch
from huitou.core.money import exponent

ADMIN_NAME = "admin"
_SETTABLE = ("name", "zone", "currency", "exclusions", "thresholds", "targets")


class BrandExistsError(DomainError):
    """A deployment has one brand, and it is already there."""

    code = "brand_exists"
    status = 409


class ExampleLoadedError(DomainError):
    """The example brand fills the store; a brand's own data never mixes with it."""

    code = "example_loaded"
    status = 409


class BrandFixedError(DomainError):
    """A property of the brand that facts already depend on cannot change."""

    code = "brand_fixed"
    status = 409


class WeakPasswordError(DomainError):
    """The password of `HUITOU_ADMIN_PASSWORD` is too weak."""

    code = "weak_password"


@dataclass(frozen=True)
class FirstAdmin:
    """The administrator of a new deployment; `password` is shown once and stored nowhere."""

    user: User
    password: str
    generated: bool


def record_audit(
    *,
    action: str,
    clock: Clock,
    actor: User | None = None,
    actor_label: str = "cli",
    target: str = "",
    count: int = 1,
    detail: Mapping[str, object] | None = None,
) -> AuditEntry:
    """Write one audit entry, in the caller's transaction: `action` is dotted (brand.updated), `count` is rows.

    `actor_label` names the process where nobody is signed in; a signed-in user's name takes its place.
    """
    return AuditEntry.objects.create(
        action=action,
        at=clock.now(),
        actor=actor,
        actor_label=actor.get_username() if actor else actor_label,
        target=target,
        count=count,
        detail=dict(detail or {}),
    )


def create_brand(
    *,
    name: str,
    clock: Clock,
    zone: str = "Asia/Shanghai",
    currency: str = "CNY",
    is_example: bool = False,
    clock_now: datetime | None = None,
    clock_target: datetime | None = None,
    example_scope: str = "",
    targets: Mapping[str, object] | None = None,
    actor: User | None = None,
    actor_label: str = "cli",
) -> Brand:
    """Create the one brand of this deployment.

    Raises BrandExistsError if there is one, BrandInvalidError if a value is not usable.
    """
    with transaction.atomic():
        _lock_brand()
        if find_brand() is not None:
            raise BrandExistsError(_("This deployment already has its brand; change it instead of creating another."))
        brand = Brand(
            pk=1,
            name=name,
            zone=zone,
            currency=currency,
            is_example=is_example,
            clock_now=clock_now,
            clock_target=clock_target,
            example_scope=example_scope,
            targets=dict(targets or {}),
        )
        check_brand(brand)
        brand.save(force_insert=True)
        detail = {"name": name, "zone": zone, "currency": currency, "is_example": is_example}
        record_audit(action="brand.created", clock=clock, actor=actor, actor_label=actor_label, detail=detail)
    return brand


def ensure_brand(*, clock: Clock, for_example: bool = False, actor: User | None = None) -> Brand:
    """The brand that an import writes to; the first import of all creates it with the defaults.

    Raises ExampleLoadedError if the store holds the example and the import is not the example's own, and the other way
    round: the two never mix.
    """
    with transaction.atomic():
        _lock_brand()
        brand = find_brand()
        if brand is None:
            return create_brand(name=str(_("My brand")), clock=clock, is_example=for_example, actor=actor)
        if brand.is_example and not for_example:
            raise ExampleLoadedError(
                _("The store holds the example brand. Remove it first (huitou example remove), then import.")
            )
        if for_example and not brand.is_example:
            raise BrandExistsError(_("This deployment holds a brand of its own; the example needs an empty store."))
        return brand


def update_brand(
    *, changes: Mapping[str, object], clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> Brand:
    """Change the brand: `changes` maps name, zone, currency, exclusions, thresholds and targets to new values.

    Raises BrandInvalidError if a value is not usable, BrandFixedError if facts already depend on what would change.
    """
    unknown = set(changes) - set(_SETTABLE)
    assert not unknown, f"not settable: {unknown}"
    with transaction.atomic():
        _lock_brand()
        brand = Brand.objects.select_for_update().filter(pk=1).first()
        if brand is None:
            named = str(changes.get("name") or _("My brand"))
            brand = create_brand(name=named, clock=clock, actor=actor, actor_label=actor_label)
        before = {field: getattr(brand, field) for field in changes}
        _check_still_free(brand, changes)
        for field, value in changes.items():
            setattr(brand, field, value)
        check_brand(brand)
        after = {field: getattr(brand, field) for field in changes}
        if before != after:
            brand.save(update_fields=list(changes))
            detail = {"before": before, "after": after}
            record_audit(action="brand.updated", clock=clock, actor=actor, actor_label=actor_label, detail=detail)
    return brand


def aim_example(
    *,
    scope: str,
    target: datetime | None,
    clock: Clock,
    now: datetime | None = None,
    actor: User | None = None,
    actor_label: str = "cli",
) -> Brand:
    """Note what a load, advance or removal of the example works towards, so that a killed one is resumed.

    `target` is the now to reach (an aware instant), None when there is none; `now` sets the clock back to start from.
    Raises BrandFixedError for a brand that is not the example.
    """
    with transaction.atomic():
        brand = _lock_example()
        brand.example_scope = scope
        brand.clock_target = target
        brand.clock_now = now or brand.clock_now
        brand.save(update_fields=["example_scope", "clock_target", "clock_now"])
        detail = {"scope": scope, "target": str(target)}
        record_audit(action="example.started", clock=clock, actor=actor, actor_label=actor_label, detail=detail)
    return brand


def move_brand_clock(*, to: datetime, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> Brand:
    """Set the example's own now (an aware instant), which ends what was aimed at.

    Raises BrandFixedError for a brand that lives in the present.
    """
    with transaction.atomic():
        brand = _lock_example()
        moments = {"before": brand.clock_now, "after": to}
        detail = {name: at and at.astimezone(brand.tz).isoformat(" ", "minutes") for name, at in moments.items()}
        brand.clock_now = to
        brand.clock_target = None
        brand.save(update_fields=["clock_now", "clock_target"])
        record_audit(action="brand.clock_moved", clock=clock, actor=actor, actor_label=actor_label, detail=detail)
    return brand


def _lock_example() -> Brand:
    _lock_brand()
    brand = Brand.objects.select_for_update().get(pk=1)
    if not brand.is_example:
        raise BrandFixedError(_("Only the example brand has a clock of its own."))
    return brand


def remove_example_brand(*, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> None:
    """Delete the example's brand row, after everything that was loaded for it; the store is then empty."""
    with transaction.atomic():
        _lock_brand()
        if Brand.objects.filter(pk=1, is_example=True).delete()[0]:
            record_audit(action="example.removed", clock=clock, actor=actor, actor_label=actor_label)


def remove_empty_brand(*, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> None:
    """Delete the row of a brand that has no data, so that the example can take its place; the audit log keeps what it
    said. Raises BrandExistsError if facts are there.
    """
    with transaction.atomic():
        _lock_brand()
        brand = Brand.objects.filter(pk=1, is_example=False).first()
        if brand is None:
            return
        if LakeBatch.objects.exists():
            raise BrandExistsError(_("This deployment holds a brand of its own; the example needs an empty store."))
        record_audit(
            action="brand.removed",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=brand.name,
            detail={name: getattr(brand, name) for name in _SETTABLE},
        )
        brand.delete()


def create_first_admin(*, clock: Clock, password: str | None = None) -> FirstAdmin | None:
    """Create the first administrator; None if there is one already.

    The password is `password`, else `HUITOU_ADMIN_PASSWORD`, else generated; it is returned once.
    Raises WeakPasswordError if a given one is too short or too common.
    """
    given = password or os.environ.get("HUITOU_ADMIN_PASSWORD") or ""
    with transaction.atomic():
        _lock_brand()
        if find_first_admin() is not None:
            return None
        chosen = given or secrets.token_urlsafe(12)
        user = User(username=ADMIN_NAME, is_staff=True, is_superuser=True, role=ADMIN)
        try:
            validate_password(chosen, user)
        except ValidationError as error:
            raise WeakPasswordError(
                _("The password in HUITOU_ADMIN_PASSWORD is too weak: %(why)s") % {"why": " ".join(error.messages)}
            ) from error
        user.set_password(chosen)
        user.save()
        record_audit(action="user.created", clock=clock, actor_label="start", target=user.username)
    return FirstAdmin(user=user, password=chosen, generated=not given)


def _check_still_free(brand: Brand, changes: Mapping[str, object]) -> None:
    zone_moves = changes.get("zone", brand.zone) != brand.zone
    currency = str(changes.get("currency", brand.currency))
    if brand.is_example and (zone_moves or currency != brand.currency):
        raise BrandFixedError(_("The example's time zone and currency belong to its data and cannot change."))
    # Amounts are stored in minor units: another number of digits would change what they mean.
    if exponent(currency) != exponent(brand.currency) and LakeBatch.objects.exists():
        raise BrandFixedError(
            _("Amounts are already stored in %(currency)s; a currency with other decimals needs an empty store.")
            % {"currency": brand.currency}
        )


def _lock_brand() -> None:
    """Brand and first administrator are made by whoever comes first; the others wait for the transaction's end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('huitou.brand'))")
