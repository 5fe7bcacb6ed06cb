"""Operations on messages: what waits, went out and came back, sends by hand, and what an operator decides."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Query, Schema
from pydantic import Field

from huitou.accounts.access_api import acting, require
from huitou.accounts.queries import find_brand
from huitou.core.clock import Clock, SystemClock
from huitou.core.http_api.fields import MAX_ID, Body, Id, Instant, Text, Word
from huitou.core.http_api.operations import Operations
from huitou.messaging import handoff, operating, queries
from huitou.messaging.bounces import take_bounce
from huitou.messaging.content import Content, Words
from huitou.messaging.handoff_report import import_report
from huitou.messaging.models import HandoffList, Touch

router = Operations("act")
TouchId = Annotated[Id, Path(ge=1, le=MAX_ID, description="Number of the message.")]
ListId = Annotated[Id, Path(ge=1, le=MAX_ID, description="Number of the hand-off list.")]


def brand_clock() -> Clock:
    """The brand's clock."""
    brand = find_brand()
    return brand.clock if brand is not None else SystemClock()


class MessageOut(Schema):
    """One message to one customer, without what it says."""

    id: int
    key: str
    customer: int
    source: str = Field(description="Who asked for it.", examples=["launch:12"])
    step: str
    purpose: Literal["marketing", "service"]
    state: str = Field(examples=["sent"])
    state_words: str
    reason: str = Field(description="Code of the latest decision.", examples=["quiet_hours"])
    reason_words: str
    channel: str
    account: str
    send_after: datetime
    not_after: datetime
    next_at: datetime | None = Field(description="When it is looked at next.")
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    clicked_at: datetime | None


class DecisionOut(Schema):
    """One yes, no or not yet."""

    at: datetime
    verdict: Literal["yes", "no", "wait"]
    reason: str
    channel: str
    numbers: list[str]


class MessageDetailOut(MessageOut):
    """One message with every decision about it."""

    decisions: list[DecisionOut]


class MessagesOut(Schema):
    """Messages, the newest first, and how many there are in each group."""

    counts: dict[str, int]
    items: list[MessageOut]


Group = Literal["", "waiting", "sent", "unknown", "failed", "refused"]


@router.read("/messages", permission="plays.view", returns=MessagesOut)
def show_messages(
    request: HttpRequest,
    group: Annotated[Group, Query(description="Only these; empty for all.")] = "",
    reason: Annotated[str, Query(max_length=50, description="Only with this reason.")] = "",
    source: Annotated[str, Query(max_length=100, description="Only those asked for by this source.")] = "",
    before: Annotated[int | None, Query(ge=1, le=MAX_ID, description="Only numbers below this one.")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="At most so many.")] = 50,
) -> MessagesOut:
    """Messages, the newest first."""
    found = queries.list_touches(group=group, reason=reason, source=source, before=before)[:limit]
    return MessagesOut(counts=queries.count_groups(), items=[MessageOut(**queries.touch_report(t)) for t in found])


@router.read("/messages/{int:touch_id}", permission="plays.view", returns=MessageDetailOut)
def show_message(request: HttpRequest, touch_id: TouchId) -> MessageDetailOut:
    """One message with every decision about it."""
    return _detail(operating.get_touch(touch_id))


class WordsIn(Body):
    """The content in one language."""

    title: Annotated[Text, Field(max_length=200)] = ""
    text: Annotated[Text, Field(max_length=4000)] = Field(description="`{link}` is where the short link stands.")
    link: Annotated[Text, Field(max_length=2000)] = ""


class MessageIn(Body):
    """One message to one customer."""

    customer: Id = Field(examples=[7])
    channels: list[Annotated[Word, Field(max_length=150)]] = Field(
        min_length=1, max_length=10, description="Kinds, or kind/account, in order of preference.", examples=[["wecom"]]
    )
    purpose: Literal["marketing", "service"] = "marketing"
    words: dict[Literal["zh", "en"], WordsIn] = Field(min_length=1)
    template: Annotated[Text, Field(max_length=100)] = ""
    params: dict[Annotated[Text, Field(max_length=50)], Annotated[Text, Field(max_length=500)]] = Field(
        default_factory=dict, max_length=30
    )
    valid_until: Instant | None = Field(None, description="What it says is not true any more after this.")
    products: list[Annotated[Text, Field(max_length=200)]] = Field(
        default_factory=list, max_length=50, description="Codes of products it names; all must be in the catalog."
    )
    is_test: bool = Field(False, description="Marks it as a test; it is governed all the same.")


@router.write("/messages", permission="plays.write", returns=MessageDetailOut, status=201)
def send_message(request: HttpRequest, body: MessageIn) -> MessageDetailOut:
    """Plan one message by hand; consent, quiet hours, caps and the holdout are looked at when its time has come."""
    touch = operating.send_by_hand(
        customer_id=body.customer,
        channels=tuple(body.channels),
        content=Content(
            {language: Words(**words.dict()) for language, words in body.words.items()},
            body.template,
            body.params,
            valid_until=body.valid_until,
            products=tuple(body.products),
        ),
        purpose=body.purpose,
        is_test=body.is_test,
        clock=brand_clock(),
        **acting(request),
    )
    return _detail(touch)


@router.write("/messages/{int:touch_id}", method="DELETE", permission="plays.write", returns=MessageDetailOut)
def cancel_message(request: HttpRequest, touch_id: TouchId) -> MessageDetailOut:
    """Take back a message that has not gone out."""
    return _detail(operating.cancel_touch(touch_id=touch_id, clock=brand_clock(), **acting(request)))


class DecisionIn(Body):
    """What became of a message of which nobody knows."""

    decision: Literal["sent", "not_sent", "again"] = Field(description="again: governed anew, and sent once more.")


@router.write("/messages/{int:touch_id}/decision", permission="plays.write", returns=MessageDetailOut)
def decide_message(request: HttpRequest, touch_id: TouchId, body: DecisionIn) -> MessageDetailOut:
    """Settle a message of which nobody knows whether it arrived. By itself it is never sent again."""
    decided = operating.decide_unknown(
        touch_id=touch_id, decision=body.decision, clock=brand_clock(), **acting(request)
    )
    return _detail(decided)


class HandoffOut(Schema):
    """One list that was exported for another tool."""

    id: int
    account: str
    source: str
    created_at: datetime
    touch_count: int
    reported_at: datetime | None
    report: dict[str, Any] = Field(description="Counts of the last send report.")


class ReadyOut(Schema):
    """What waits for a list."""

    account_id: int
    account: str
    source: str
    count: int


class HandoffsOut(Schema):
    """Exported lists, the newest first, and what waits for the next one."""

    ready: list[ReadyOut]
    items: list[HandoffOut]


@router.read("/handoff-lists", permission="plays.view", returns=HandoffsOut)
def show_handoffs(request: HttpRequest) -> HandoffsOut:
    """Exported lists, and what waits for the next one."""
    ready = [
        ReadyOut(account_id=account.pk, account=account.name, source=source, count=count)
        for account, source, count in queries.ready_for_lists()
    ]
    return HandoffsOut(ready=ready, items=[_handoff(row) for row in queries.list_handoffs()[:200]])


class HandoffIn(Body):
    """Which list to make."""

    account_id: Id
    source: Annotated[Text, Field(max_length=100)] = Field("", description="Of one source; empty: of all.")


@router.write("/handoff-lists", permission="plays.write", returns=HandoffOut, status=201)
def export_handoff(request: HttpRequest, body: HandoffIn) -> HandoffOut:
    """Make a list of what is ready; the governor decides now. Needs `customers.export` too."""
    require(request, "customers.export")
    made = handoff.export_list(account_id=body.account_id, source=body.source, clock=brand_clock(), **acting(request))
    return _handoff(made.handoff)


class HandoffRowsOut(Schema):
    """The rows of a list with their header."""

    header: list[str]
    rows: list[list[str]]


@router.write("/handoff-lists/{int:list_id}/takings", permission="customers.export", returns=HandoffRowsOut)
def take_handoff(request: HttpRequest, list_id: ListId) -> HandoffRowsOut:
    """The rows with identifiers whole; who withdrew since is left out. Each taking is logged."""
    rows = handoff.list_rows(list_id, clock=brand_clock(), **acting(request))
    return HandoffRowsOut(header=handoff.list_header(), rows=[[str(cell) for cell in row] for row in rows])


class ReportOut(Schema):
    """What a send report said."""

    rows: int
    matched: int
    new: int = Field(description="Receipts that were not known yet.")
    unmatched: int
    rejected: int = Field(description="Rows that could not be used, the unmatched among them.")
    problems: list[dict[str, Any]] = Field(description="The first of them: row and reason.")


class ReportIn(Body):
    """The send report of a list, as the text of a CSV file."""

    csv: Annotated[Text, Field(max_length=20_000_000)]


@router.write("/handoff-lists/{int:list_id}/report", permission="plays.write", returns=ReportOut)
def report_handoff(request: HttpRequest, list_id: ListId, body: ReportIn) -> ReportOut:
    """Take in what the other tool reported; twice is once."""
    with tempfile.TemporaryDirectory() as folder:
        path = FilePath(folder) / "report.csv"
        path.write_text(body.csv, encoding="utf-8")
        report = import_report(handoff_id=list_id, path=path, clock=brand_clock(), **acting(request))
    return ReportOut(**report.to_json())


class BounceOut(Schema):
    """What a report of undeliverable mail, or a complaint, said."""

    failed: int = Field(description="Recipients that were given up.")
    complained: int = Field(description="Recipients who complained.")
    new: int = Field(description="Failures and complaints that were not known yet.")
    unmatched: int = Field(description="Of no mail that was sent from here.")


class BounceIn(Body):
    """One mail that came back, whole and with its headers."""

    mail: Annotated[Text, Field(max_length=2_000_000)]


@router.write("/message-bounces", permission="plays.write", returns=BounceOut)
def report_bounce(request: HttpRequest, body: BounceIn) -> BounceOut:
    """Take in a delivery status notification (RFC 3464); twice is once. A mailbox given up is not written again."""
    told = take_bounce(raw=body.mail.encode(), clock=brand_clock(), **acting(request))
    return BounceOut(**vars(told))


def _handoff(row: HandoffList) -> HandoffOut:
    return HandoffOut(
        id=row.pk,
        account=row.account.name,
        source=row.source,
        created_at=row.created_at,
        touch_count=row.touch_count,
        reported_at=row.reported_at,
        report=row.report,
    )


def _detail(touch: Touch) -> MessageDetailOut:
    told = queries.decisions_of([touch.pk]).get(touch.pk, [])
    return MessageDetailOut(**queries.touch_report(touch), decisions=[DecisionOut(**vars(d)) for d in told])
