"""Events that the consumer refuses, as dead letters; one that was replayed is opened again with the new reason.

Senders were told that these events are safe. So they become letters beyond the number at which the door stops taking
refused events, up to twice as many; from there on they are held in the inbox until there is room again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connection

from huitou.core.arrays import number_array
from huitou.core.clock import Clock
from huitou.sources.consuming import sql
from huitou.sources.consuming.decoding import InboxRow, Key
from huitou.sources.intake.keys import Sender
from huitou.sources.intake.refusals import Refusal
from huitou.sources.intake.sql import INSERT_LETTERS
from huitou.sources.intake.storing import Arrival, letter_row, merged_letters

logger = logging.getLogger(__name__)


def keep_refused(
    refused: Sequence[tuple[InboxRow, Refusal]], keys: Mapping[int, Key], *, clock: Clock
) -> frozenset[int]:
    """Keep what could not be taken, in the transaction that takes it out of the inbox.

    Returns the rows that must not be taken out of it: those for which there is no room. They are held from now on.
    """
    if not refused:
        return frozenset()
    room = letter_room({keys[row.key_id].source for row, _ in refused})
    fresh = []
    held = []
    for row, refusal in refused:
        if row.letter_id is not None:
            continue
        source = keys[row.key_id].source
        if room[source] > 0:
            room[source] -= 1
            fresh.append(_letter(row, refusal, keys))
        else:
            held.append(row.id)
    again = [(row.letter_id, refusal) for row, refusal in refused if row.letter_id is not None]
    with connection.cursor() as cursor:
        for letter in merged_letters(fresh):
            cursor.execute(INSERT_LETTERS, letter)
        for letter_id, refusal in sorted(again, key=lambda pair: pair[0] or 0):
            cursor.execute(
                sql.REOPEN_LETTER,
                {
                    "letter_id": letter_id,
                    "reason": refusal.reason,
                    "detail": refusal.detail.replace("\x00", "�")[:2000],
                    "now": clock.now(),
                },
            )
        if held:
            logger.warning("consumer: no room among the dead letters for %s events; they are held", len(held))
            cursor.execute(sql.HOLD, [number_array(held)])
    return frozenset(held)


def letter_room(sources: Iterable[str]) -> dict[str, int]:
    """How many more letters of these feeds the consumer may write."""
    limit = 2 * settings.LETTERS_MAX_OPEN
    with connection.cursor() as cursor:
        cursor.execute(sql.COUNT_LETTERS, [limit, sorted(sources)])
        return {source: limit - count for source, count in cursor.fetchall()}


def release_held() -> int:
    """Let held events have another turn, as many as there is room for; returns how many have."""
    with connection.cursor() as cursor:
        cursor.execute(sql.HELD_FEEDS)
        room = {source: free for source, free in letter_room(row[0] for row in cursor.fetchall()).items() if free > 0}
        if not room:
            return 0
        cursor.execute(sql.RELEASE, [list(room), list(room.values())])
        return int(cursor.rowcount)


def forget_letters(*, clock: Clock) -> int:
    """Delete letters that were settled long ago; returns how many, ten thousand at most."""
    with connection.cursor() as cursor:
        cursor.execute(sql.FORGET_LETTERS, [clock.now(), settings.LETTERS_KEPT_DAYS])
        return int(cursor.rowcount)


def _letter(row: InboxRow, refusal: Refusal, keys: Mapping[int, Key]) -> dict[str, Any]:
    sender = Sender(row.key_id, keys[row.key_id].source)
    arrival = Arrival(sender, row.received_at, row.sent_at, row.shared)
    # A sender's id that is missing stays missing: what the event would have counted under follows from its row.
    return letter_row(arrival, row.payload, refusal)
