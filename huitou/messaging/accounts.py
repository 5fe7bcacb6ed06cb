"""Accounts at providers: set up, changed, paused, tested. Secrets are sealed and never shown again."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from django.conf import settings as django_settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError, kind_and_place
from huitou.core.http_api.fields import is_storable
from huitou.core.sealing import SealLostError, seal_for, unseal_for
from huitou.messaging.channel import CHANNELS, Channel, CheckResult, Config, find_channel
from huitou.messaging.models import ChannelAccount
from huitou.messaging.prices import check_price

_PURPOSE = "messaging accounts"
_LONGEST = 4000
# By account and version of its settings: access tokens and the like, for as long as the process lives.
_memories: dict[tuple[int, str], dict[str, object]] = {}


class AccountUnknownError(DomainError):
    """There is no such channel account."""

    code = "account_unknown"
    status = 404


class AccountExistsError(DomainError):
    """Another account has this name."""

    code = "account_exists"
    status = 409


class AccountInvalidError(DomainError):
    """A kind, name or setting that cannot be used."""

    code = "account_invalid"
    status = 422


def create_account(
    *,
    kind: str,
    name: str,
    settings: Mapping[str, str],
    per_minute: int | None = None,
    clock: Clock,
    actor: User | None = None,
    actor_label: str = "cli",
) -> ChannelAccount:
    """Set up an account of a channel. `settings` holds its secrets too.

    Raises AccountInvalidError, PriceInvalidError or what the channel says of its settings, AccountExistsError.
    """
    channel = _channel(kind)
    given = _checked(channel, settings)
    name = _checked_name(name)
    _check_rate(per_minute)
    try:
        with transaction.atomic():
            made = ChannelAccount.objects.create(
                kind=kind,
                name=name,
                per_minute=per_minute,
                callback_token=secrets.token_urlsafe(24),
                created_at=clock.now(),
                created_by=actor,
                **_kept(channel, given),
            )
            record_audit(
                action="channel.created",
                clock=clock,
                actor=actor,
                actor_label=actor_label,
                target=name,
                detail={"kind": kind},
            )
    except IntegrityError as error:
        raise AccountExistsError(
            _("There is an account named %(name)s already. Change that one, or choose another name.") % {"name": name}
        ) from error
    return made


def change_account(
    *,
    account_id: int,
    settings: Mapping[str, str] | None = None,
    per_minute: int | None = None,
    clock: Clock,
    actor: User | None = None,
    actor_label: str = "cli",
) -> ChannelAccount:
    """Change what is set; secrets that are not given, or are empty, stay as they are. A stopped account is tried again.

    `per_minute` 0 lifts the limit. Raises AccountUnknownError, and what `create_account` raises.
    """
    with transaction.atomic():
        found = _locked(account_id)
        channel = _channel(found.kind)
        changed: list[str] = []
        if settings is not None:
            kept = _open_secrets(found)
            given = {n: v for n, v in settings.items() if n not in channel.secrets or v.strip()}
            whole = _checked(channel, {**found.settings, **kept, **given})
            before = {**{s.name: "" for s in channel.settings}, **found.settings, **kept}
            changed = sorted(n for n, v in whole.items() if v != before.get(n))
            if changed:
                for name, value in _kept(channel, whole).items():
                    setattr(found, name, value)
        if per_minute is not None and (per_minute or None) != found.per_minute:
            _check_rate(per_minute or None)
            found.per_minute = per_minute or None
            changed.append("per_minute")
        if changed:
            _try_again(found)
            found.save()
            record_audit(
                action="channel.changed",
                clock=clock,
                actor=actor,
                actor_label=actor_label,
                target=found.name,
                detail={"fields": changed},
            )
    return found


def pause_account(
    *, account_id: int, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> ChannelAccount:
    """Send nothing through it until somebody resumes it; what is due waits. Raises AccountUnknownError."""
    with transaction.atomic():
        found = _locked(account_id)
        if found.state != "paused":
            found.state = "paused"
            found.save(update_fields=["state"])
            record_audit(action="channel.paused", clock=clock, actor=actor, actor_label=actor_label, target=found.name)
    return found


def resume_account(
    *, account_id: int, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> ChannelAccount:
    """Send through it again. Raises AccountUnknownError."""
    with transaction.atomic():
        found = _locked(account_id)
        if found.state != "active":
            _try_again(found)
            found.save()
            record_audit(action="channel.resumed", clock=clock, actor=actor, actor_label=actor_label, target=found.name)
    return found


def stop_account(*, account_id: int, code: str, detail: str, clock: Clock) -> None:
    """The provider refuses the account itself: nothing more is sent until somebody has mended it."""
    with transaction.atomic():
        found = _locked(account_id)
        if found.state == "active":
            found.state, found.error_code, found.error_detail = "stopped", code[:50], detail[:500]
            found.save(update_fields=["state", "error_code", "error_detail"])
            record_audit(
                action="channel.stopped",
                clock=clock,
                actor_label="worker",
                target=found.name,
                detail={"code": code[:50]},
            )


def check_account(*, account_id: int, clock: Clock) -> CheckResult:
    """Ask the provider whether the account can send; nothing is sent to anybody. Raises AccountUnknownError."""
    found = get_account(account_id)
    channel = _channel(found.kind)
    if channel.check is None:
        return CheckResult(True, _("This channel has nothing to test."))
    try:
        return channel.check(config_of(found), clock)
    except DomainError as error:
        return CheckResult(False, str(error))
    except Exception as error:
        return CheckResult(False, _("The provider cannot be asked: %(error)s") % {"error": kind_and_place(error)})


def get_account(account_id: int) -> ChannelAccount:
    """The account of that id. Raises AccountUnknownError."""
    found = ChannelAccount.objects.filter(pk=account_id).first()
    if found is None:
        raise AccountUnknownError(_("There is no such channel account; it may have been removed."))
    return found


def find_account(name: str) -> ChannelAccount:
    """The account of that name. Raises AccountUnknownError."""
    found = ChannelAccount.objects.filter(name=name).first()
    if found is None:
        raise AccountUnknownError(
            _("There is no channel account named %(name)s; huitou channels list shows them.") % {"name": name}
        )
    return found


def config_of(account: ChannelAccount) -> Config:
    """The account as its channel needs it, secrets opened. Raises AccountInvalidError where they are lost."""
    try:
        opened = unseal_for(_PURPOSE, account.secrets)
    except SealLostError as error:
        raise AccountInvalidError(
            _("The credentials of %(name)s were sealed under another key; give them again.") % {"name": account.name}
        ) from error
    place = (account.pk, account.secrets)
    for stale in [known for known in _memories if known[0] == account.pk and known != place]:
        del _memories[stale]
    return Config(
        account_id=account.pk,
        name=account.name,
        settings={**account.settings, **opened},
        callback_url=callback_url(account),
        memory=_memories.setdefault(place, {}),
    )


def callback_url(account: ChannelAccount) -> str:
    """The address that the provider calls."""
    return f"{django_settings.PUBLIC_URL}/callbacks/{account.callback_token}"


def secrets_set(account: ChannelAccount) -> tuple[str, ...]:
    """Names of the secrets that are kept."""
    return tuple(sorted(_open_secrets(account)))


def _locked(account_id: int) -> ChannelAccount:
    found = ChannelAccount.objects.select_for_update(no_key=True).filter(pk=account_id).first()
    if found is None:
        raise AccountUnknownError(_("There is no such channel account; it may have been removed."))
    return found


def _channel(kind: str) -> Channel:
    found = find_channel(kind)
    if found is None:
        raise AccountInvalidError(
            _("There is no channel named %(kind)s; there are: %(known)s.")
            % {"kind": kind[:50], "known": ", ".join(CHANNELS.kinds())}
        )
    return found


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 100 or "/" in name or not is_storable(name):
        raise AccountInvalidError(_("Give the account a name of at most 100 characters, without a slash."))
    return name


def _check_rate(per_minute: int | None) -> None:
    if per_minute is not None and not 1 <= per_minute <= 1_000_000:
        raise AccountInvalidError(_("Messages per minute must be 1 or more; leave it empty for no limit."))


def _checked(channel: Channel, settings: Mapping[str, str]) -> dict[str, str]:
    """All settings of the channel with their values, cleaned."""
    known = {setting.name: setting for setting in channel.settings}
    if unknown := sorted(set(settings) - set(known)):
        raise AccountInvalidError(
            _("There is no setting named %(name)s; there are: %(known)s.")
            % {"name": ", ".join(unknown)[:200], "known": ", ".join(known)}
        )
    given = {}
    for name, setting in known.items():
        value = str(settings.get(name) or setting.default).strip()
        allowed = [code for code, _label in setting.choices()]
        if setting.required and not value:
            raise AccountInvalidError(_("%(setting)s is missing; give it.") % {"setting": setting.label})
        if len(value) > _LONGEST or not is_storable(value) or (allowed and value and value not in allowed):
            raise AccountInvalidError(_("%(setting)s cannot be used as given.") % {"setting": setting.label})
        given[name] = value
    check_price(given)
    channel.check_settings(given)
    return given


def _kept(channel: Channel, given: Mapping[str, str]) -> dict[str, Any]:
    """How the settings lie in the database."""
    return {
        "settings": {n: v for n, v in given.items() if n not in channel.secrets},
        "secrets": seal_for(_PURPOSE, {n: v for n, v in given.items() if n in channel.secrets and v}),
    }


def _open_secrets(found: ChannelAccount) -> dict[str, str]:
    try:
        return unseal_for(_PURPOSE, found.secrets)
    except SealLostError:
        # Lost with the old key: they have to be given anew, which is what this change may be about.
        return {}


def _try_again(found: ChannelAccount) -> None:
    found.state, found.next_at = "active", None
    found.error_code = found.error_detail = ""
