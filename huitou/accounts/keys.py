"""Keys of programs: made, revoked, recognized. Lookups are cached for seconds, so that intake does not pay for them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import ApiKey, User
from huitou.accounts.roles import PERMISSIONS
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError

_PREFIX_LENGTH = 11
_SECRET_BYTES = 24
_USE_PRECISION = timedelta(minutes=1)


class KeyInvalidError(DomainError):
    """A key cannot be made as asked."""

    code = "key_invalid"
    status = 422


class KeyUnknownError(DomainError):
    """There is no such key."""

    code = "key_unknown"
    status = 404


@dataclass(frozen=True)
class NewKey:
    """A key just made; `secret` is shown once and stored nowhere."""

    key: ApiKey
    secret: str


def create_key(
    *,
    name: str,
    kind: str,
    clock: Clock,
    scopes: Sequence[str] = (),
    source: str = "",
    channel: str = "",
    actor: User | None = None,
    actor_label: str = "cli",
) -> NewKey:
    """Make a key. A write key (`kind` write) sends events of feed `source`; an API key does what `scopes` name.

    Raises KeyInvalidError where name, scopes or source do not fit the kind.
    """
    _check(name=name, kind=kind, scopes=scopes, source=source)
    secret = f"h{kind[0]}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    with transaction.atomic():
        key = ApiKey.objects.create(
            name=name.strip(),
            kind=kind,
            prefix=secret[:_PREFIX_LENGTH],
            secret_hash=hash_secret(secret),
            scopes=sorted(set(scopes)),
            source=source.strip(),
            channel=channel.strip(),
            created_at=clock.now(),
            created_by=actor,
        )
        record_audit(
            action="key.created",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=key.prefix,
            detail={"name": key.name, "kind": kind, "scopes": key.scopes, "source": key.source},
        )
    return NewKey(key, secret)


def revoke_key(*, prefix: str, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> ApiKey:
    """Let a key, known by its first characters, open nothing from now on; twice is once.

    Raises KeyUnknownError.
    """
    with transaction.atomic():
        key = ApiKey.objects.select_for_update().filter(prefix=prefix[:_PREFIX_LENGTH]).first()
        if key is None:
            raise KeyUnknownError(_("There is no key that begins with %(prefix)s.") % {"prefix": prefix})
        if key.revoked_at is None:
            key.revoked_at = clock.now()
            key.save(update_fields=["revoked_at"])
            record_audit(action="key.revoked", clock=clock, actor=actor, actor_label=actor_label, target=key.prefix)
    return key


def whole_prefix(beginning: str) -> str:
    """The first characters of the one key that begins so. Raises KeyUnknownError where none does, or several do."""
    fitting = list(ApiKey.objects.filter(prefix__startswith=beginning[:_PREFIX_LENGTH]).order_by("pk")[:4])
    if len(fitting) > 1:
        raise KeyUnknownError(
            _("Several keys begin with %(prefix)s: %(keys)s … Give more of it.")
            % {"prefix": beginning, "keys": ", ".join(key.prefix for key in fitting)}
        )
    return fitting[0].prefix if fitting else beginning


def find_key(secret: str) -> ApiKey | None:
    """The key of that secret if it opens anything today, else None."""
    key = ApiKey.objects.filter(prefix=secret[:_PREFIX_LENGTH], revoked_at=None).first()
    if key is None or not hmac.compare_digest(bytes(key.secret_hash), hash_secret(secret)):
        return None
    return key


def note_key_use(key: ApiKey, *, clock: Clock) -> None:
    """Remember that a key was used, to the minute: no change for anybody to answer for, so no audit entry."""
    now = clock.now()
    if key.last_used_at is None or now - key.last_used_at >= _USE_PRECISION:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


def hash_secret(secret: str) -> bytes:
    """SHA-256 of a secret: enough for one with 192 random bits."""
    return hashlib.sha256(secret.encode()).digest()


def _check(*, name: str, kind: str, scopes: Sequence[str], source: str) -> None:
    if not name.strip():
        raise KeyInvalidError(_("A key needs a name that says what it is for."))
    if kind == "write" and (scopes or not source.strip()):
        raise KeyInvalidError(_("A write key names the feed that it sends and has no scopes."))
    if kind == "api" and (source or not scopes):
        raise KeyInvalidError(_("An API key has scopes and no feed."))
    if unknown := sorted(set(scopes) - set(PERMISSIONS)):
        raise KeyInvalidError(
            _("Unknown scopes: %(scopes)s. There are: %(known)s.")
            % {"scopes": ", ".join(unknown), "known": ", ".join(PERMISSIONS)}
        )
