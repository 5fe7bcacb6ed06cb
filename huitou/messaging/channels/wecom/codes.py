"""What WeCom's return codes mean for a touch that was to be sent."""

from __future__ import annotations

from enum import StrEnum


class Meaning(StrEnum):
    """What can be done about a return code."""

    STALE = "stale"  # the access token is not valid any more: take a new one and ask again
    CREDENTIALS = "credentials"  # nobody but an administrator can mend it
    BUSY = "busy"  # the same call may do later
    QUOTA = "quota"  # the provider's limit is reached: later, and not soon
    RECEIVER = "receiver"  # this customer cannot be reached this way
    CONTENT = "content"  # what was to be said is not accepted


TOKEN = frozenset({40014, 42001})
_MEANINGS: dict[int, Meaning] = {
    -1: Meaning.BUSY,
    6000: Meaning.BUSY,
    40001: Meaning.CREDENTIALS,
    40013: Meaning.CREDENTIALS,
    40091: Meaning.CREDENTIALS,
    41001: Meaning.CREDENTIALS,
    41002: Meaning.CREDENTIALS,
    41004: Meaning.CREDENTIALS,
    48002: Meaning.CREDENTIALS,
    60011: Meaning.CREDENTIALS,
    60020: Meaning.CREDENTIALS,
    301002: Meaning.CREDENTIALS,
    45009: Meaning.QUOTA,
    45011: Meaning.QUOTA,
    45033: Meaning.BUSY,
    40003: Meaning.RECEIVER,
    40096: Meaning.RECEIVER,
    41048: Meaning.RECEIVER,
    41050: Meaning.RECEIVER,
    41051: Meaning.RECEIVER,
    41054: Meaning.RECEIVER,
    84061: Meaning.RECEIVER,
    41096: Meaning.BUSY,
}
_WAITS = {Meaning.BUSY: 60, Meaning.QUOTA: 3600, Meaning.CREDENTIALS: 1800}


def meaning_of(code: int) -> Meaning:
    """What a return code other than 0 means; of one that is not listed the content is to blame."""
    return Meaning.STALE if code in TOKEN else _MEANINGS.get(code, Meaning.CONTENT)


def wait_seconds(meaning: Meaning) -> int | None:
    """How long to wait before the same may be tried again; None where that never helps.

    Wrong credentials are mended by people, so what they stopped waits instead of being lost.
    """
    return _WAITS.get(meaning)
