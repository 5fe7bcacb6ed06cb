"""Operations of the platform itself: who calls, the brand, keys, the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from django.http import HttpRequest
from ninja import Path, Query, Schema
from pydantic import Field

from huitou.accounts import keys, staff
from huitou.accounts.access_api import acting, caller_of, require
from huitou.accounts.models import ApiKey, AuditEntry, Brand, User
from huitou.accounts.queries import get_brand, list_audit_entries, list_keys
from huitou.accounts.roles import PERMISSIONS, permissions_of
from huitou.accounts.services import update_brand
from huitou.analytics.rules import Exclusions, Thresholds
from huitou.core.clock import SystemClock
from huitou.core.http_api.fields import Body, Flag, Instant, Text, Whole, Word
from huitou.core.http_api.operations import ANYBODY, Operations
from huitou.core.http_api.paging import Page, Paged, named_page, newest_page

router = Operations("platform")
_MOST = 10**12
Amount = Annotated[Whole, Field(ge=0, le=_MOST)]
Setting = Annotated[Whole, Field(ge=-_MOST, le=_MOST)]


class CallerOut(Schema):
    """Who calls, and what they may."""

    name: str = Field(description="The caller as the audit log names it.", examples=["key:ha_3fK9x2Qz"])
    kind: Literal["key", "session"] = Field(description="A program with a key, or a person at the console.")
    role: str | None = Field(description="Role of a person: admin, operator, analyst or service.", examples=[None])
    permissions: list[str] = Field(examples=[["customers.view", "metrics.view"]])


@router.read("/me", permission=ANYBODY, returns=CallerOut)
def show_caller(request: HttpRequest) -> CallerOut:
    """Who calls, and what they may.

    The first call to try: it tells whether a key works and what its scopes are.
    """
    caller = caller_of(request)
    return CallerOut(
        name=caller.name,
        kind="key" if caller.key else "session",
        role=caller.user.role if caller.user else None,
        permissions=sorted(caller.permissions),
    )


class ExclusionsOut(Schema):
    """Orders that are no purchases and no revenue."""

    min_amount_minor: int | None = Field(description="Orders below it are excluded; null: none.", examples=[990])
    order_types: list[str] = Field(description="Excluded types: sample, staff, brushing.", examples=[["brushing"]])
    channels: list[str] = Field(description="Excluded channels.", examples=[["测试店"]])
    skus: list[str] = Field(description="Orders of nothing but these products are excluded.", examples=[["GIFT-1"]])
    person_ids: list[int] = Field(description="Orders of these persons are excluded.", examples=[[17]])


class BrandOut(Schema):
    """The brand of this deployment."""

    name: str = Field(examples=["小满生活"])
    zone: str = Field(description="IANA time zone in which days are decided.", examples=["Asia/Shanghai"])
    currency: str = Field(description="ISO 4217; all amounts are in its minor units.", examples=["CNY"])
    is_example: bool = Field(description="Whether it is the example brand, which has a clock of its own.")
    now: datetime = Field(description="The brand's now, UTC.", examples=["2025-03-31T01:00:00Z"])
    exclusions: ExclusionsOut
    thresholds: dict[str, Any] = Field(
        description="Cut-offs of customer features and layers, by name.", examples=[{"new_days": 30}]
    )
    targets: dict[str, float] = Field(
        description="Target by metric name; rates from 0 to 1.", examples=[{"repurchase_rate": 0.35}]
    )


class ExclusionsIn(Body):
    """Orders that are to be no purchases; what is left out takes its default."""

    min_amount_minor: Annotated[Whole, Field(ge=1, le=_MOST)] | None = Field(None, examples=[990])
    order_types: list[Literal["sample", "staff", "brushing"]] = Field(["brushing", "sample", "staff"], max_length=3)
    channels: list[Annotated[Word, Field(max_length=100)]] = Field([], max_length=500)
    skus: list[Annotated[Word, Field(max_length=200)]] = Field([], max_length=5_000)
    person_ids: list[Annotated[Whole, Field(ge=1, le=2**63 - 1)]] = Field([], max_length=5_000)


class BrandIn(Body):
    """Settings to change; what is left out stays. Figures follow after the next refresh."""

    name: Annotated[Word, Field(max_length=100)] | None = Field(None, examples=["小满生活"])
    zone: Annotated[Word, Field(max_length=64)] | None = Field(None, examples=["Asia/Shanghai"])
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = Field(None, examples=["CNY"])
    exclusions: ExclusionsIn | None = None
    thresholds: dict[str, Setting | list[Setting]] | None = Field(
        None, max_length=100, description="All cut-offs that differ from the defaults.", examples=[{"new_days": 45}]
    )
    targets: dict[str, Annotated[float, Field(ge=-_MOST, le=_MOST)]] | None = Field(
        None, max_length=200, description="All targets, by metric name.", examples=[{"repurchase_rate": 0.35}]
    )


@router.read("/brand", permission="settings.view", returns=BrandOut)
def show_brand(request: HttpRequest) -> BrandOut:
    """The brand's settings."""
    return _brand(get_brand())


@router.write("/brand", method="PATCH", permission="settings.write", returns=BrandOut)
def change_brand(request: HttpRequest, body: BrandIn) -> BrandOut:
    """Change the brand's settings: name, zone, currency, exclusions, cut-offs, targets.

    What is left out or null stays as it is. Zone and currency of facts that are there already cannot always change;
    the refusal says why.
    """
    given = {name: value for name, value in body.dict(exclude_unset=True).items() if value is not None}
    return _brand(update_brand(changes=given, clock=SystemClock(), **acting(request)))


def _brand(brand: Brand) -> BrandOut:
    return BrandOut(
        name=brand.name,
        zone=brand.zone,
        currency=brand.currency,
        is_example=brand.is_example,
        now=brand.now(),
        exclusions=ExclusionsOut(**Exclusions.from_json(brand.exclusions).to_json()),
        thresholds=Thresholds.from_json(brand.thresholds).to_json(),
        targets=brand.targets,
    )


class KeyOut(Schema):
    """A key, without its secret, which is stored nowhere."""

    prefix: str = Field(description="First characters of the key, by which it is known.", examples=["ha_3fK9x2Qz"])
    name: str = Field(description="What the key is for.", examples=["Store page"])
    kind: Literal["api", "write"] = Field(description="api: calls operations; write: sends events of one feed.")
    scopes: list[str] = Field(description="Permissions of an API key.", examples=[["metrics.view"]])
    source: str = Field(description="Feed of a write key.", examples=[""])
    channel: str = Field(description="Channel of a write key's events where they name none.", examples=[""])
    created_at: datetime
    created_by: str | None = Field(description="User name of who made it.", examples=["admin"])
    last_used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None = Field(description="Since then it opens nothing.")


class KeyMade(KeyOut):
    """A key just made."""

    shown_once: ClassVar[tuple[str, ...]] = ("secret",)

    secret: str | None = Field(
        description="The whole key, shown this once; null in a repetition by Idempotency-Key.",
        examples=["ha_3fK9x2QzTn0bX5vYw7Rk1mJcUe8LgPdA"],
    )


class KeyIn(Body):
    """A key to make."""

    name: Annotated[Word, Field(max_length=100)] = Field(description="What it is for.", examples=["Store page"])
    kind: Literal["api", "write"] = "api"
    scopes: list[Annotated[str, Field(max_length=50)]] = Field(
        [],
        max_length=50,
        description="Permissions of an API key; those of the caller at most.",
        examples=[["metrics.view"]],
    )
    source: Annotated[Text, Field(max_length=100)] = Field("", description="Feed of a write key.", examples=[""])
    channel: Annotated[Text, Field(max_length=50)] = Field("", description="Channel of a write key's events.")


class KeyPage(Page):
    """Keys, newest first."""

    items: list[KeyOut]


@router.read("/keys", permission="settings.view", returns=KeyPage)
def show_keys(request: HttpRequest, paged: Query[Paged]) -> KeyPage:
    """Every key, newest first, revoked ones included."""
    found, following = newest_page(request, paged, list_keys())
    return KeyPage(items=[_key(key) for key in found], next=following)


@router.write("/keys", permission="staff.write", returns=KeyMade, status=201)
def make_key(request: HttpRequest, body: KeyIn) -> KeyMade:
    """Make a key.

    An API key needs scopes, a write key a source. Nobody gives away a permission that they do not have. The secret is
    shown in this answer only.
    """
    for scope in body.scopes:
        if scope in PERMISSIONS:
            require(request, scope)
    made = keys.create_key(
        name=body.name,
        kind=body.kind,
        scopes=body.scopes,
        source=body.source,
        channel=body.channel,
        clock=SystemClock(),
        **acting(request),
    )
    return KeyMade(**_key(made.key).dict(), secret=made.secret)


Prefix = Annotated[str, Path(min_length=1, max_length=20, description="First characters of the key.")]


@router.write("/keys/{prefix}/revocation", permission="staff.write", returns=KeyOut)
def revoke_key(request: HttpRequest, prefix: Prefix) -> KeyOut:
    """Let a key open nothing from now on; twice is once."""
    return _key(keys.revoke_key(prefix=prefix, clock=SystemClock(), **acting(request)))


def _key(key: ApiKey) -> KeyOut:
    return KeyOut(
        prefix=key.prefix,
        name=key.name,
        kind="write" if key.kind == "write" else "api",
        scopes=key.scopes,
        source=key.source,
        channel=key.channel,
        created_at=key.created_at,
        created_by=key.created_by.get_username() if key.created_by else None,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
    )


class AuditEntryOut(Schema):
    """One change, or one batch of like changes. Entries are never changed and never deleted."""

    id: int
    action: str = Field(description="Dotted name.", examples=["brand.updated"])
    at: datetime
    actor: str = Field(description="User name, or the process or key that acted.", examples=["key ha_3fK9x2Qz"])
    target: str = Field(description="What was changed.", examples=["ha_8sW1"])
    count: int = Field(description="Rows changed, for batches.", examples=[1])
    detail: dict[str, Any] = Field(examples=[{"before": {"name": "A"}, "after": {"name": "B"}}])


class AuditPage(Page):
    """Entries, newest first."""

    items: list[AuditEntryOut]


class AuditFilter(Paged):
    """Which entries."""

    action: Text = Field("", max_length=100, description="Entries whose action begins with it.", examples=["key."])
    actor: Text = Field("", max_length=150, description="Entries of exactly this actor.", examples=["admin"])
    target: Text = Field("", max_length=200, description="Entries about exactly this target.")
    since: Instant | None = Field(None, description="Entries from this instant on.")
    until: Instant | None = Field(None, description="Entries before this instant.")


@router.read("/audit-entries", permission="settings.view", returns=AuditPage)
def show_audit_entries(request: HttpRequest, asked: Query[AuditFilter]) -> AuditPage:
    """The audit log, newest first."""
    rows = list_audit_entries(
        action=asked.action, actor=asked.actor, target=asked.target, since=asked.since, until=asked.until
    )
    found, following = newest_page(request, asked, rows, by="at")
    return AuditPage(items=[_entry(entry) for entry in found], next=following)


def _entry(entry: AuditEntry) -> AuditEntryOut:
    return AuditEntryOut(
        id=entry.pk,
        action=entry.action,
        at=entry.at,
        actor=entry.actor_label,
        target=entry.target,
        count=entry.count,
        detail=entry.detail,
    )


Role = Literal["admin", "operator", "analyst", "service"]
UserName = Annotated[str, Path(min_length=1, max_length=150, description="User name.", example="lihua")]


class StaffOut(Schema):
    """Somebody who works here."""

    username: str = Field(examples=["lihua"])
    full_name: str = Field(examples=["李华"])
    role: Role
    is_active: bool = Field(description="Whether they may sign in.")
    must_change_password: bool = Field(description="Their password is a one-time one.")
    last_login_at: datetime | None


class StaffMade(StaffOut):
    """A person with a one-time password."""

    shown_once: ClassVar[tuple[str, ...]] = ("password",)

    password: str | None = Field(
        description="Shown this once, to be changed at the first login; null in a repetition by Idempotency-Key.",
        examples=["kT7pWq3nXh9sRf"],
    )


class StaffIn(Body):
    """A person to let in."""

    username: Annotated[Word, Field(max_length=150)] = Field(examples=["lihua"])
    role: Role
    full_name: Annotated[Text, Field(max_length=150)] = Field("", examples=["李华"])


class StaffChange(Body):
    """What to change; what is left out stays."""

    role: Role | None = None
    full_name: Annotated[Text, Field(max_length=150)] | None = Field(None, examples=["李华"])
    is_active: Flag | None = Field(None, description="false signs them out everywhere and keeps them out.")


class StaffPage(Page):
    """People by user name."""

    items: list[StaffOut]


@router.read("/staff", permission="settings.view", returns=StaffPage)
def show_staff(request: HttpRequest, paged: Query[Paged]) -> StaffPage:
    """Everybody who works here, by user name."""
    found, following = named_page(request, paged, User.objects.all(), by="username")
    return StaffPage(items=[StaffOut(**_staff(user)) for user in found], next=following)


@router.write("/staff", permission="staff.write", returns=StaffMade, status=201)
def add_person(request: HttpRequest, body: StaffIn) -> StaffMade:
    """Let a person in, with a one-time password that this answer alone shows."""
    _check_gift(request, body.role)
    made = staff.add_staff(
        username=body.username, role=body.role, full_name=body.full_name, clock=SystemClock(), **acting(request)
    )
    return StaffMade(**_staff(made.user), password=made.password)


@router.write("/staff/{username}", method="PATCH", permission="staff.write", returns=StaffOut)
def change_person(request: HttpRequest, username: UserName, body: StaffChange) -> StaffOut:
    """Change a person's role or name, or let them in no more. Who loses rights is signed out everywhere."""
    held = staff.get_staff(username)
    _check_gift(request, held.role)
    if body.role is not None:
        _check_gift(request, body.role)
    given = {name: value for name, value in body.dict(exclude_unset=True).items() if value is not None}
    user = staff.change_staff(username=username, changes=given, clock=SystemClock(), **acting(request))
    return StaffOut(**_staff(user))


@router.write("/staff/{username}/password-reset", permission="staff.write", returns=StaffMade)
def reset_password(request: HttpRequest, username: UserName) -> StaffMade:
    """Replace a person's password by a one-time one and sign them out everywhere."""
    held = staff.get_staff(username)
    _check_gift(request, held.role)
    made = staff.reset_password(username=username, clock=SystemClock(), **acting(request))
    return StaffMade(**_staff(made.user), password=made.password)


def _check_gift(request: HttpRequest, role: str) -> None:
    """Nobody gives away, or takes over, a role that may more than they do themselves."""
    for permission in sorted(permissions_of(role)):
        require(request, permission)


def _staff(user: User) -> dict[str, Any]:
    return {
        "username": user.username,
        "full_name": user.first_name,
        "role": user.role,
        "is_active": user.is_active,
        "must_change_password": user.must_change_password,
        "last_login_at": user.last_login,
    }
