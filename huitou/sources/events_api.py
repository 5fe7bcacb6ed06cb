"""Operations on events: what arrives, and what could not be taken."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import HttpRequest
from ninja import Path, Query, Schema
from pydantic import Field

from huitou.accounts.access_api import acting
from huitou.core.clock import SystemClock
from huitou.core.http_api.fields import MAX_ID, Body, Flag, Id, Text, Whole
from huitou.core.http_api.operations import Operations
from huitou.core.http_api.paging import Page, Paged, newest_page
from huitou.sources import dead_letters
from huitou.sources.intake.refusals import reason_label, reason_remedy
from huitou.sources.masking import shown_name
from huitou.sources.models import DeadLetter
from huitou.sources.tailing import Tail

router = Operations("connect")
_CLOCK = SystemClock()
LetterId = Annotated[Id, Path(ge=1, le=MAX_ID, description="Number of the dead letter.")]
LetterIds = list[Annotated[Whole, Field(ge=1, le=MAX_ID)]]


class ArrivalOut(Schema):
    """One event on its way. Nothing here names anybody."""

    received_at: datetime
    state: Literal["taken", "waiting", "refused"]
    source: str = Field(examples=["miniprogram"])
    name: str = Field(examples=["Product Viewed"])
    kind: str | None = Field(examples=["track"])
    channel: str | None
    occurred_at: datetime | None
    person_id: int | None
    object_type: str | None
    object_id: str | None
    letter_id: int | None = Field(description="The dead letter of a refused one.")
    reason: str


class ArrivalsOut(Schema):
    """The latest events, oldest first."""

    items: list[ArrivalOut]


class ArrivalFilter(Schema):
    """Of which feed, how many."""

    source: Text = Field("", max_length=100)
    limit: int = Field(50, ge=1, le=200)


@router.read("/events/latest", permission="data.view", returns=ArrivalsOut)
def show_latest_events(request: HttpRequest, asked: Query[ArrivalFilter]) -> ArrivalsOut:
    """The latest events: taken in, still waiting, or refused."""
    lines = Tail(settings.HOME, source=asked.source).latest(asked.limit)
    return ArrivalsOut(items=[ArrivalOut.from_orm(line) for line in lines])


class LetterOut(Schema):
    """An event that could not be taken. What it says is not shown: it may name somebody."""

    id: int
    source: str = Field(examples=["miniprogram"])
    reason: str = Field(examples=["too_large"])
    reason_label: str = Field(description="The reason in the caller's language.")
    remedy: str = Field(description="How to mend it.")
    kind: str
    name: str
    received_at: datetime = Field(description="First arrival.")
    last_at: datetime = Field(description="Latest arrival or attempt.")
    count: int = Field(description="Arrivals of the same event.")
    attempts: int = Field(description="Replays so far.")
    size: int = Field(description="Bytes of the event.")
    is_cut: bool = Field(description="Only its beginning was kept: it cannot be replayed as it is.")
    state: Literal["open", "replayed", "discarded"]


class LetterPage(Page):
    """Dead letters, newest first."""

    items: list[LetterOut]


class LetterFilter(Paged):
    """Which dead letters."""

    source: Text = Field("", max_length=100)
    reason: Text = Field("", max_length=50)
    state: Literal["open", "replayed", "discarded"] = "open"


@router.read("/dead-letters", permission="data.view", returns=LetterPage)
def show_dead_letters(request: HttpRequest, asked: Query[LetterFilter]) -> LetterPage:
    """Events that could not be taken, with the reason and how to mend it."""
    rows = dead_letters.list_letters(source=asked.source, reason=asked.reason, state=asked.state)
    found, following = newest_page(request, asked, rows, by="received_at")
    return LetterPage(items=[_letter(letter) for letter in found], next=following)


class ReplayIn(Body):
    """Which open letters: these, or all of a feed or reason; without anything, all."""

    ids: LetterIds = Field([], max_length=10_000, examples=[[17, 18]])
    source: Annotated[Text, Field(max_length=100)] = ""
    reason: Annotated[Text, Field(max_length=50)] = ""
    at_receipt: Flag = Field(False, description="They happened when they arrived: for devices whose clock is wrong.")


class ReplayOut(Schema):
    """What went back into the inbox."""

    count: int
    skipped: list[int] = Field(description="Asked for, and not open any more, or cut.")


@router.write("/dead-letters/replays", permission="data.write", returns=ReplayOut)
def replay_dead_letters(request: HttpRequest, body: ReplayIn) -> ReplayOut:
    """Put open letters back into the inbox, after what was wrong has been mended. Each counts once."""
    done = dead_letters.replay_letters(
        ids=body.ids,
        source=body.source,
        reason=body.reason,
        at_receipt=body.at_receipt,
        clock=_CLOCK,
        **acting(request),
    )
    return ReplayOut(count=done.count, skipped=list(done.skipped))


class EditedIn(Body):
    """The event as it should have been."""

    payload: dict[str, Any] = Field(examples=[{"type": "track", "event": "Product Viewed", "userId": "C1024"}])


@router.write("/dead-letters/{int:letter_id}/replay", permission="data.write", returns=None)
def replay_edited_letter(request: HttpRequest, letter_id: LetterId, body: EditedIn) -> None:
    """Replay one letter with another payload, under the id that it had."""
    payload = json.dumps(body.payload, ensure_ascii=False).encode()
    dead_letters.replay_edited(letter_id=letter_id, payload=payload, clock=_CLOCK, **acting(request))


class DiscardIn(Body):
    """Which open letters: these, or all of a feed or reason. One of the three has to be there."""

    ids: LetterIds = Field([], max_length=10_000, examples=[[17, 18]])
    source: Annotated[Text, Field(max_length=100)] = ""
    reason: Annotated[Text, Field(max_length=50)] = ""


class DiscardOut(Schema):
    """What was decided against."""

    count: int = Field(description="How many of them were open.")


@router.write("/dead-letters/discards", permission="data.write", returns=DiscardOut)
def discard_dead_letters(request: HttpRequest, body: DiscardIn) -> DiscardOut:
    """Decide against open letters; they stay on record for a while."""
    count = dead_letters.discard_letters(
        ids=body.ids, source=body.source, reason=body.reason, clock=_CLOCK, **acting(request)
    )
    return DiscardOut(count=count)


def _letter(letter: DeadLetter) -> LetterOut:
    return LetterOut(
        reason_label=reason_label(letter.reason),
        remedy=reason_remedy(letter.reason),
        id=letter.pk,
        name=shown_name(letter),
        **{name: getattr(letter, name) for name in _LETTER_FIELDS},
    )


_LETTER_FIELDS = (
    "source",
    "reason",
    "kind",
    "received_at",
    "last_at",
    "count",
    "attempts",
    "size",
    "is_cut",
    "state",
)
