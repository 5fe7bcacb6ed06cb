"""Reads the settings of a deployment, HUITOU_*, from the environment.

A value that cannot be understood is noted here and its default is used, as settings are read before there are
translations to refuse in; start-up then refuses it in the reader's language, and the doctor lists it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from huitou.core.errors import DomainError, fill_later
from huitou.core.proxies import Network, ProxyNetworkError, read_networks


class SettingsError(DomainError):
    """An environment variable has a value that cannot be understood."""

    code = "settings"


class Environment:
    """Settings by name; `problems` says which could not be understood, and what they may be."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.problems: list[str | Promise] = []

    def whole(self, name: str, default: int, *, least: int = 1, most: int | None = None) -> int:
        """A whole number."""
        given = self._values.get(name, "").strip()
        if not given:
            return default
        if given.isascii() and given.isdigit() and least <= int(given) and (most is None or int(given) <= most):
            return int(given)
        words = (
            _("%(name)s is “%(given)s”; it must be a whole number, %(least)s or more.")
            if most is None
            else _("%(name)s is “%(given)s”; it must be a whole number from %(least)s to %(most)s.")
        )
        self._note(words, name, given, least=least, most=most)
        return default

    def switch(self, name: str) -> bool:
        """On by `1`, off by `0` or nothing."""
        given = self._values.get(name, "").strip()
        if given not in {"", "0", "1"}:
            self._note(_("%(name)s is “%(given)s”; it must be 1 (on) or 0 (off)."), name, given)
        return given == "1"

    def choice(self, name: str, options: Sequence[str], default: str) -> str:
        """One of some words, in any case."""
        given = self._values.get(name, "").strip()
        if given and given.upper() not in options:
            words = _("%(name)s is “%(given)s”; it must be one of %(options)s.")
            self._note(words, name, given, options=", ".join(options))
        return given.upper() if given.upper() in options else default

    def address(self, name: str, default: str) -> str:
        """The beginning of a web address, without a slash at its end."""
        given = self._values.get(name, "").strip().rstrip("/")
        if given and not given.startswith(("https://", "http://")):
            self._note(_("%(name)s is “%(given)s”; it must begin with https:// or http://."), name, given)
            return default
        return given or default

    def networks(self, name: str) -> tuple[Network, ...]:
        """Addresses and networks, separated by commas."""
        try:
            return read_networks(self._values.get(name, ""))
        except ProxyNetworkError as error:
            self.problems.append(error.message)
            return ()

    def need_folder(self, name: str) -> None:
        """Note an address where only a folder can be used."""
        given = self._values.get(name, "")
        if "://" in given:
            words = _(
                "%(name)s is “%(given)s”; it must be a folder, on this machine or on a disk that is mounted. Object "
                "storage is not supported."
            )
            self._note(words, name, given)

    def refuse_problems(self) -> None:
        """Raise SettingsError if there are problems, with all of them."""
        if self.problems:
            raise SettingsError("\n".join(str(problem) for problem in self.problems))

    def _note(self, words: Promise, name: str, given: str, **values: object) -> None:
        self.problems.append(fill_later(words, {"name": name, "given": given, **values}))


ENVIRONMENT = Environment(os.environ)
