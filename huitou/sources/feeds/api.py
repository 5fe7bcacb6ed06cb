"""Operations on feeds: how fresh, complete and accurate each is, and how long it may be silent."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Query, Schema
from pydantic import Field

from huitou.accounts.access_api import acting
from huitou.accounts.models import Brand
from huitou.accounts.queries import find_brand
from huitou.core.clock import SystemClock
from huitou.core.http_api.fields import Body, Whole, Word
from huitou.core.http_api.operations import Operations
from huitou.sources.feeds.queries import WINDOW_DAYS, feed_report, list_feeds
from huitou.sources.feeds.services import expect_feed

router = Operations("connect")


class FeedDayOut(Schema):
    """One day of a feed."""

    day: date
    received: int
    usual: float | None = Field(description="What usually comes, learned from its own past.")
    is_gap: bool = Field(description="Less than half of that came.")


class FeedOut(Schema):
    """One feed over the window. Shares are between 0 and 1, null where nothing came."""

    source: str = Field(examples=["miniprogram"])
    kind: Literal["events", "files"]
    first_received_at: datetime | None
    last_received_at: datetime | None
    last_occurred_at: datetime | None
    expected_seconds: float | None = Field(description="Longest silence that is normal.", examples=[3600])
    is_late: bool
    counts: dict[str, int] = Field(examples=[{"received": 1000, "accepted": 998}])
    shares: dict[str, float | None] = Field(examples=[{"complete": 0.99}])
    days: list[FeedDayOut]
    dead_letters: int = Field(description="Events that could not be taken and wait for somebody.")
    attention: list[str] = Field(description="Codes of what is wrong, worst first.", examples=[["late"]])


class FeedsOut(Schema):
    """Every feed, those that need somebody first."""

    items: list[FeedOut]


class FeedFilter(Schema):
    """How far back."""

    days: int = Field(WINDOW_DAYS, ge=1, le=90)


@router.read("/feeds", permission="data.view", returns=FeedsOut)
def show_feeds(request: HttpRequest, asked: Query[FeedFilter]) -> FeedsOut:
    """How fresh, complete and accurate every feed of events or files is."""
    feeds = list_feeds(brand=find_brand() or Brand(), clock=SystemClock(), days=asked.days)
    return FeedsOut(items=[FeedOut(**feed_report(feed)) for feed in feeds])


class ExpectationIn(Body):
    """How long a feed may be silent before it is late."""

    source: Annotated[Word, Field(max_length=100)] = Field(examples=["miniprogram"])
    expected_seconds: Annotated[Whole, Field(ge=60, le=400 * 86_400)] | None = Field(
        description="null: as its own past shows.", examples=[21_600]
    )


class ExpectationOut(Schema):
    """What is expected of a feed."""

    source: str
    expected_seconds: int | None


@router.write("/feeds/expectation", method="PUT", permission="data.write", returns=ExpectationOut)
def set_feed_expectation(request: HttpRequest, body: ExpectationIn) -> ExpectationOut:
    """Say how long a feed may be silent before it is late."""
    expected = None if body.expected_seconds is None else timedelta(seconds=body.expected_seconds)
    feed = expect_feed(source=body.source, expected=expected, clock=SystemClock(), **acting(request))
    return ExpectationOut(source=feed.source, expected_seconds=feed.expected_seconds)
