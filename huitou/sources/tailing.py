"""The stream of events as it can be watched: those in the lake, those that wait, and those that were refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db.models import QuerySet

from huitou.accounts.models import ApiKey
from huitou.analytics.engines import DuckEngine
from huitou.analytics.tables import FCT_EVENTS
from huitou.core.home import Home
from huitou.core.lake_mark import home_lake
from huitou.core.models import LakeBatch
from huitou.sources.intake.messages import decode_head
from huitou.sources.masking import masked_name, shown_name
from huitou.sources.models import DeadLetter, InboxEvent

_COLUMNS = ("received_at", "occurred_at", "source", "channel", "name", "kind", "person_id", "object_type", "object_id")


@dataclass(frozen=True)
class TailLine:
    """One event on its way. `state`: taken, waiting or refused. Nothing here names anybody."""

    received_at: datetime
    state: str
    source: str
    name: str
    kind: str | None = None
    channel: str | None = None
    occurred_at: datetime | None = None
    person_id: int | None = None
    object_type: str | None = None
    object_id: str | None = None
    letter_id: int | None = None
    reason: str = ""

    def told(self) -> dict[str, Any]:
        """As a JSON object, empty fields left out."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "")}


class Tail:
    """What arrived last, and then what arrives; each event is shown once in each state."""

    def __init__(self, home: Home, *, source: str = "") -> None:
        self._home = home
        self._source = source
        self._batch_ids = set(self._committed())
        self._inbox_id = _last(InboxEvent)
        self._letter_id = _last(DeadLetter)
        self._sources: dict[int, str] = {}

    def latest(self, count: int) -> list[TailLine]:
        """The last `count` events by arrival, oldest first; a refused one arrived when it was last tried."""
        found = self._taken(None, count)
        waiting = self._asked_inbox().filter(pk__lte=self._inbox_id)
        found += self._waiting(waiting.order_by("-received_at", "-pk")[:count])
        letters = self._asked_letters().filter(pk__lte=self._letter_id, state="open")
        found += self._refused(letters.order_by("-last_at", "-pk")[:count])
        return sorted(found, key=_arrival)[-count:]

    def is_known(self) -> bool:
        """Whether there is a feed of that name: with a write key, or with anything that arrived."""
        return ApiKey.objects.filter(source=self._source).exists() or bool(self.latest(1))

    def fresh(self) -> list[TailLine]:
        """What came since the last look, oldest first."""
        new = set(self._committed()) - self._batch_ids
        self._batch_ids |= new
        found = self._taken(sorted(new), None) if new else []
        waiting = self._asked_inbox().filter(pk__gt=self._inbox_id).order_by("pk")
        letters = self._asked_letters().filter(pk__gt=self._letter_id).order_by("pk")
        self._inbox_id, self._letter_id = _last(InboxEvent, self._inbox_id), _last(DeadLetter, self._letter_id)
        found += self._waiting(waiting.filter(pk__lte=self._inbox_id))
        found += self._refused(letters.filter(pk__lte=self._letter_id))
        return sorted(found, key=_arrival)

    def _asked_inbox(self) -> QuerySet[InboxEvent]:
        if not self._source:
            return InboxEvent.objects.all()
        return InboxEvent.objects.filter(key_id__in=ApiKey.objects.filter(source=self._source).values("pk"))

    def _asked_letters(self) -> QuerySet[DeadLetter]:
        return DeadLetter.objects.filter(source=self._source) if self._source else DeadLetter.objects.all()

    def _committed(self) -> Sequence[int]:
        done = LakeBatch.objects.filter(table=FCT_EVENTS.name, committed_at__isnull=False)
        return list(done.values_list("pk", flat=True))

    def _taken(self, batch_ids: Sequence[int] | None, count: int | None) -> list[TailLine]:
        with DuckEngine(home_lake(self._home), scratch=self._home.root / "scratch") as engine:
            events = engine.table(FCT_EVENTS.name)
            if batch_ids is not None:
                events = events.filter(events.batch_id.isin(batch_ids))
            if self._source:
                events = events.filter(events.source == self._source)
            events = events.select(*_COLUMNS).order_by(
                events.received_at.coalesce(events.occurred_at).desc(), events.occurred_at.desc()
            )
            rows = engine.to_pyarrow(events if count is None else events.limit(count)).to_pylist()
        return [
            TailLine(state="taken", **{**row, "received_at": row["received_at"] or row["occurred_at"]}) for row in rows
        ]

    def _waiting(self, rows: Any) -> list[TailLine]:
        return [self._waiting_line(row) for row in rows]

    def _waiting_line(self, row: InboxEvent) -> TailLine:
        if row.key_id not in self._sources:
            self._sources |= dict(ApiKey.objects.values_list("pk", "source"))
        try:
            head = decode_head(bytes(row.payload))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            head = None
        kind = head.type if head else None
        name = masked_name((head.event if head and head.event else kind) or "")
        return TailLine(row.received_at, "waiting", self._sources.get(row.key_id, ""), name, kind)

    def _refused(self, letters: Any) -> list[TailLine]:
        return [
            TailLine(
                letter.last_at,
                "refused",
                letter.source,
                shown_name(letter) or letter.kind,
                letter.kind,
                letter_id=letter.pk,
                reason=letter.reason,
            )
            for letter in letters
        ]


def _arrival(line: TailLine) -> tuple[datetime, datetime]:
    """What came at one instant stands in the order of its own times."""
    return line.received_at, line.occurred_at or line.received_at


def _last(model: Any, before: int = 0) -> int:
    """The highest number given so far."""
    newest = model.objects.order_by("-pk").values_list("pk", flat=True).first()
    return max(before, newest or 0)
