"""How often a password may be guessed: counted in the database, so by all web processes together and over restarts.

A guess is claimed before the password is looked at, under the lock of its counters: guesses that arrive together
are counted one by one. The last free guess and each further one open a wait, twice as long as the one before.

Two counters: one for the account, whether it exists or not, and one for the address. A browser that has signed in
to the account before has a counter of its own in the account's place: strangers who guess cannot lock its owner out.
"""

from __future__ import annotations

import hmac
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from huitou.accounts.models import LoginCounter, User
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError

FREE_GUESSES = {"account": 5, "address": 30}
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
FORGET_AFTER = timedelta(days=1)


class LoginThrottledError(DomainError):
    """Too many wrong passwords; `wait_seconds` says when the next one is looked at."""

    code = "login_throttled"
    status = 429
    permanent = False

    def __init__(self, wait: timedelta) -> None:
        self.wait_seconds = max(1, round(wait.total_seconds()))
        super().__init__(_("Too many failed attempts. Try again in %(wait)s.") % {"wait": _in_words(self.wait_seconds)})


@dataclass(frozen=True)
class Guess:
    """One attempt to sign in: the counters it is counted in, as (kind, key)."""

    username: str
    counters: tuple[tuple[str, str], ...]


def claim_guess(*, username: str, address: str, clock: Clock, device: str = "") -> Guess:
    """Count one guess before it is made. `device` names a browser that signed in to this account before.

    Raises LoginThrottledError while a wait is open; such a guess is not counted and not looked at.
    """
    name = unicodedata.normalize("NFKC", username).strip().casefold()
    guess = Guess(
        name,
        (
            ("account", _key("device", device) if device else _key("account", name)),
            ("address", _key("address", _network(address))),
        ),
    )
    now = clock.now()
    with transaction.atomic():
        LoginCounter.objects.filter(last_at__lt=now - FORGET_AFTER).delete()
        counters = _locked(guess, now)
        waits = [c.blocked_until - now for c in counters.values() if c.blocked_until and c.blocked_until > now]
        if waits:
            raise LoginThrottledError(max(waits))
        for kind, counter in counters.items():
            _count(counter, FREE_GUESSES[kind], now)
            if kind == "account" and counter.failures == FREE_GUESSES[kind]:
                _tell(guess, clock)
    return guess


def forgive_guess(guess: Guess, *, clock: Clock) -> None:
    """The password was right: forget the account's failures and take the guess back from the address."""
    now = clock.now()
    with transaction.atomic():
        for kind, counter in _locked(guess, now).items():
            counter.failures = 0 if kind == "account" else max(0, counter.failures - 1)
            counter.blocked_until = None
            counter.save(update_fields=["failures", "blocked_until"])


def _locked(guess: Guess, now: datetime) -> dict[str, LoginCounter]:
    """The counters by kind, locked in the order of their keys so that two guesses cannot deadlock."""
    kinds = {key: kind for kind, key in guess.counters}
    fresh = [LoginCounter(key=key, last_at=now) for key in sorted(kinds)]
    LoginCounter.objects.bulk_create(fresh, ignore_conflicts=True)
    locked = LoginCounter.objects.select_for_update().filter(key__in=kinds).order_by("key")
    return {kinds[counter.key]: counter for counter in locked}


def _count(counter: LoginCounter, free: int, now: datetime) -> None:
    counter.failures += 1
    counter.last_at = now
    beyond = counter.failures - free
    if beyond >= 0:
        counter.blocked_until = now + min(FIRST_WAIT * 2 ** min(beyond, 20), LONGEST_WAIT)
    counter.save(update_fields=["failures", "last_at", "blocked_until"])


def _tell(guess: Guess, clock: Clock) -> None:
    """One entry in the audit log when the waits begin. A name that nobody has could be a mistyped password."""
    known = User.objects.filter(username__iexact=guess.username).first()
    record_audit(
        action="login.throttled",
        clock=clock,
        actor_label="login",
        target=known.username if known else "",
        count=FREE_GUESSES["account"],
    )


def _key(kind: str, value: str) -> str:
    """Neither names nor addresses are stored: the key tells equal ones from others and no more."""
    return hmac.digest(settings.SECRET_KEY.encode(), f"login {kind} {value}".encode(), "sha256").hex()


def _network(address: str) -> str:
    """An IPv4 address, or the /64 that one subscriber of IPv6 has for itself."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else str(parsed)


def _in_words(seconds: int) -> str:
    if seconds < 60:
        return ngettext("%(n)s second", "%(n)s seconds", seconds) % {"n": seconds}
    minutes = -(-seconds // 60)
    return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
