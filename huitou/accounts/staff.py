"""Everything that happens to the people who work here. The last administrator stays, whatever two do at once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.roles import ADMIN, ROLES
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError

_SETTABLE = ("role", "full_name", "is_active")
# Neither 0 and O nor 1, l and I: a password that is read out must arrive.
_LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_PASSWORD_LENGTH = 14


class StaffInvalidError(DomainError):
    """A person cannot be added or changed as asked."""

    code = "staff_invalid"
    status = 422


class StaffUnknownError(DomainError):
    """Nobody is called that."""

    code = "staff_unknown"
    status = 404


class LastAdminError(DomainError):
    """Without an administrator nobody could let anybody in."""

    code = "last_admin"
    status = 409


class PasswordRefusedError(DomainError):
    """A password that is too easy to guess."""

    code = "password_refused"
    status = 422


@dataclass(frozen=True)
class NewPassword:
    """Somebody's one-time password: shown once, stored nowhere, to be changed when it is first used."""

    user: User
    password: str


def add_staff(
    *,
    username: str,
    role: str,
    clock: Clock,
    full_name: str = "",
    actor: User | None = None,
    actor_label: str = "cli",
) -> NewPassword:
    """Let a person in, with a one-time password.

    Raises StaffInvalidError where the name is taken or no name, or the role does not exist.
    """
    name = User.normalize_username(username).strip()
    _check_role(role)
    try:
        UnicodeUsernameValidator()(name)
    except ValidationError as error:
        raise StaffInvalidError(
            _("%(name)s cannot be a user name: use letters, digits and @ . + - _ without spaces.") % {"name": name}
        ) from error
    password = _one_time_password()
    with transaction.atomic():
        _lock_staff()
        if User.objects.filter(username__iexact=name).exists():
            raise StaffInvalidError(_("%(name)s exists already; choose another user name.") % {"name": name})
        user = User(username=name, first_name=full_name.strip()[:150], must_change_password=True)
        _give_role(user, role)
        user.set_password(password)
        user.save()
        detail = {"role": role}
        record_audit(
            action="staff.added", clock=clock, actor=actor, actor_label=actor_label, target=user.username, detail=detail
        )
    return NewPassword(user, password)


def change_staff(
    *,
    username: str,
    changes: Mapping[str, object],
    clock: Clock,
    actor: User | None = None,
    actor_label: str = "cli",
) -> User:
    """Change a person's `role`, `full_name` or `is_active`. Who loses rights is signed out everywhere.

    Raises StaffUnknownError, StaffInvalidError, and LastAdminError where nobody would be left to administer.
    """
    unknown = set(changes) - set(_SETTABLE)
    assert not unknown, f"not settable: {unknown}"
    with transaction.atomic():
        _lock_staff()
        user = _get_locked(username)
        before = {"role": user.role, "full_name": user.first_name, "is_active": user.is_active}
        after = {**before, **changes}
        if before == after:
            return user
        _check_role(str(after["role"]))
        loses_admin = before["role"] == ADMIN and (after["role"] != ADMIN or not after["is_active"])
        if loses_admin and before["is_active"] and not _has_other_admin(user):
            raise LastAdminError(
                _("%(name)s is the last administrator. Make somebody else an administrator first.")
                % {"name": user.username}
            )
        _give_role(user, str(after["role"]))
        user.first_name = str(after["full_name"]).strip()[:150]
        user.is_active = bool(after["is_active"])
        if (before["role"], before["is_active"]) != (after["role"], after["is_active"]):
            user.session_epoch += 1
        user.save()
        changed = {name: [before[name], after[name]] for name in _SETTABLE if before[name] != after[name]}
        record_audit(
            action=_action(changed),
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=user.username,
            detail={"before": {n: v[0] for n, v in changed.items()}, "after": {n: v[1] for n, v in changed.items()}},
        )
    return user


def get_staff(username: str) -> User:
    """The person of that user name. Raises StaffUnknownError."""
    user = User.objects.filter(username=User.normalize_username(username).strip()).first()
    if user is None:
        raise StaffUnknownError(_("Nobody here is called %(name)s.") % {"name": username})
    return user


def reset_password(*, username: str, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> NewPassword:
    """Replace a person's password by a one-time one and sign them out everywhere. Raises StaffUnknownError."""
    password = _one_time_password()
    with transaction.atomic():
        user = _get_locked(username)
        user.set_password(password)
        user.must_change_password = True
        user.session_epoch += 1
        user.save(update_fields=["password", "must_change_password", "session_epoch"])
        record_audit(
            action="staff.password_reset", clock=clock, actor=actor, actor_label=actor_label, target=user.username
        )
    return NewPassword(user, password)


def change_password(*, user: User, password: str, clock: Clock) -> User:
    """Set one's own password; every session of the person ends, and the door opens a new one where it was changed.

    Raises PasswordRefusedError with what is wrong with it.
    """
    with transaction.atomic():
        found = _get_locked(user.username)
        if found.check_password(password):
            raise PasswordRefusedError(_("This is the password you have now. Choose another."))
        try:
            validate_password(password, found)
        except ValidationError as error:
            raise PasswordRefusedError(" ".join(error.messages)) from error
        found.set_password(password)
        found.must_change_password = False
        found.session_epoch += 1
        found.save(update_fields=["password", "must_change_password", "session_epoch"])
        record_audit(action="staff.password_changed", clock=clock, actor=found, target=found.username)
    return found


def _give_role(user: User, role: str) -> None:
    """Django's own marks follow the role: its back office asks for them."""
    user.role = role
    user.is_superuser = user.is_staff = role == ADMIN


def _action(changed: Mapping[str, list[object]]) -> str:
    if "is_active" in changed:
        return "staff.activated" if changed["is_active"][1] else "staff.deactivated"
    return "staff.changed"


def _has_other_admin(user: User) -> bool:
    return User.objects.filter(role=ADMIN, is_active=True).exclude(pk=user.pk).exists()


def _get_locked(username: str) -> User:
    user = User.objects.select_for_update().filter(username=User.normalize_username(username).strip()).first()
    if user is None:
        raise StaffUnknownError(_("Nobody here is called %(name)s.") % {"name": username})
    return user


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise StaffInvalidError(
            _("%(role)s is no role. There are: %(known)s.") % {"role": role, "known": ", ".join(ROLES)}
        )


def _one_time_password() -> str:
    return "".join(secrets.choice(_LETTERS) for _place in range(_PASSWORD_LENGTH))


def _lock_staff() -> None:
    """Two administrators who demote each other at once must not both succeed: the second sees the first's change."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('huitou.staff'))")
