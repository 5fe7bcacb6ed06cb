"""Events that the consumer refuses, as dead letters; one that was replayed is opened again with the new reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from huitou.core.clock import Clock
from huitou.sources.consuming import sql
from huitou.sources.consuming.decoding import InboxRow, Key
from huitou.sources.intake.keys import Sender
from huitou.sources.intake.refusals import Refusal
from huitou.sources.intake.sql import INSERT_LETTERS
from huitou.sources.intake.storing import Arrival, letter_row, merged_letters


def keep_refused(refused: Sequence[tuple[InboxRow, Refusal]], keys: Mapping[int, Key], *, clock: Clock) -> None:
    """Keep what could not be taken, in the transaction that takes it out of the inbox."""
    if not refused:
        return
    fresh = [_letter(row, refusal, keys) for row, refusal in refused if row.letter_id is None]
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


def _letter(row: InboxRow, refusal: Refusal, keys: Mapping[int, Key]) -> dict[str, Any]:
    sender = Sender(row.key_id, keys[row.key_id].source)
    arrival = Arrival(sender, row.received_at, row.sent_at, row.shared)
    # A sender's id that is missing stays missing: what the event would have counted under follows from its row.
    return letter_row(arrival, row.payload, refusal)
