"""Who may call an operation of the API: programs by their key, people by their session."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TypedDict, cast

from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.utils import check_csrf

from huitou.accounts.keys import find_key
from huitou.accounts.models import ApiKey, User
from huitou.accounts.roles import PERMISSIONS, permissions_of
from huitou.core.clock import Clock, SystemClock
from huitou.core.http_api.problems import ApiError
from huitou.core.http_api.rates import take_turn

_SECRET = re.compile(r"[\w-]{12,100}", re.ASCII)
_NOTED_EVERY = timedelta(minutes=1)


class UnauthorizedError(ApiError):
    """Nobody says who calls, or what is said opens nothing."""

    code = "unauthorized"
    status = 401
    headers = {"WWW-Authenticate": 'Bearer realm="huitou"'}  # noqa: RUF012 - read only


class ForbiddenError(ApiError):
    """The caller is known and may not do this."""

    code = "forbidden"
    status = 403

    def __init__(self, permission: str) -> None:
        super().__init__(
            _("This needs the permission %(name)s (%(words)s). Give it to the key or role, or use another one.")
            % {"name": permission, "words": PERMISSIONS[permission]}
        )
        self.missing = permission


class CsrfError(ApiError):
    """A write of a page came without its token."""

    code = "csrf"
    status = 403


class OwnPasswordError(ApiError):
    """Who came in with a one-time password chooses an own one before anything else opens."""

    code = "password_change_needed"
    status = 403


class Acting(TypedDict):
    """Who acts, as services take it."""

    actor: User | None
    actor_label: str


@dataclass(frozen=True)
class Caller:
    """A program with a key, or a person at the console: exactly one of `key` and `user` is given."""

    name: str
    permissions: frozenset[str]
    user: User | None = None
    key: ApiKey | None = None


def admit(request: HttpRequest, permission: str, clock: Clock | None = None) -> Caller:
    """Who calls, if they may; `permission` empty means that any caller may.

    Raises UnauthorizedError, CsrfError, ForbiddenError, and RateLimitedError for one who asks too often.
    """
    clock = clock or SystemClock()
    given = request.headers.get("Authorization")
    caller = _program(given, clock) if given is not None else _person(request)
    take_turn(caller.name, clock=clock)
    if permission and permission not in caller.permissions:
        raise ForbiddenError(permission)
    return caller


def caller_of(request: HttpRequest) -> Caller:
    """Who was let through to this operation."""
    return cast(Caller, request.auth)  # type: ignore[attr-defined]


def acting(request: HttpRequest) -> Acting:
    """The caller as services write it into the audit log."""
    caller = caller_of(request)
    return {"actor": caller.user, "actor_label": f"key {caller.key.prefix}" if caller.key else "api"}


def require(request: HttpRequest, permission: str) -> None:
    """Raise ForbiddenError unless the caller may do this too: for what only some callers see or give away."""
    if permission not in caller_of(request).permissions:
        raise ForbiddenError(permission)


def _program(header: str, clock: Clock) -> Caller:
    scheme, _space, secret = header.partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        raise UnauthorizedError(_("Send the key as the header Authorization: Bearer KEY."))
    key = find_key(secret) if _SECRET.fullmatch(secret) else None
    if key is None:
        raise UnauthorizedError(_("This key opens nothing: it is unknown or was revoked. Make one in Settings, Keys."))
    if key.kind != "api":
        raise UnauthorizedError(
            _("A write key only sends events; the API needs an API key. Make one in Settings, Keys.")
        )
    _note_use(key, clock)
    return Caller(name=f"key:{key.prefix}", permissions=frozenset(key.scopes), key=key)


def _note_use(key: ApiKey, clock: Clock) -> None:
    """When the key was last used, to the minute: not one write per request."""
    now = clock.now()
    if key.last_used_at is None or key.last_used_at <= now - _NOTED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - _NOTED_EVERY)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)


def _person(request: HttpRequest) -> Caller:
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        raise UnauthorizedError(_("No key was given. Send the header Authorization: Bearer KEY."))
    if check_csrf(request) is not None:
        raise CsrfError(_("The token of the page is missing or old. Send it as the header X-CSRFToken."))
    if user.must_change_password:
        raise OwnPasswordError(_("Choose a password of your own at the console first."))
    return Caller(name=f"user:{user.pk}", permissions=permissions_of(user.role), user=user)
