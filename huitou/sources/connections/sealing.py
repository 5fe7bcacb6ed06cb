"""Credentials of connections, sealed with a key that is derived from the deployment's secret key."""

from __future__ import annotations

from collections.abc import Mapping

from huitou.core.sealing import SealLostError, seal_for, unseal_for
from huitou.sources.connectors.trouble import PullError

_PURPOSE = "sources connections"


def seal(secrets: Mapping[str, str]) -> str:
    """The secrets as they may lie in the database."""
    return seal_for(_PURPOSE, secrets)


def unseal(sealed: str) -> dict[str, str]:
    """The secrets themselves. Raises PullError where they were sealed under another key."""
    try:
        return unseal_for(_PURPOSE, sealed)
    except SealLostError as error:
        raise PullError("secrets_lost") from error
