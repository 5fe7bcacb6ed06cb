"""How fresh, complete and accurate every feed is, files included; what a person can do about it stands with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from django.db.models import Max, Min, Q, Sum

from huitou.accounts.models import ApiKey, Brand
from huitou.core.clock import Clock, local_day
from huitou.sources.connections.queries import is_late, list_connections, longest_gap
from huitou.sources.dead_letters import Fullness, measure_fullness
from huitou.sources.feeds.counting import COUNTS, DayCounts
from huitou.sources.models import Feed, FeedDay, ImportRun

WINDOW_DAYS = 14
# What is usual is learned from so many days before the day in question.
_LEARNED_DAYS = 28
_LEAST_DAYS = 3
_SHORTEST_SILENCE = timedelta(minutes=10)
# Until a feed's own past tells, a day of silence is too long.
_UNTAUGHT = timedelta(hours=24)
_PATIENCE = 1.5
_FEW_EVENTS = 20
EVENTS, FILES = "events", "files"


@dataclass(frozen=True)
class FeedDayView:
    """One day of a feed: what came, and what usually comes; `is_gap` where it was less than half of that."""

    day: date
    received: int
    usual: float | None
    is_gap: bool


@dataclass(frozen=True)
class FeedView:
    """One feed. Shares are between 0 and 1, None where nothing came in the window; `counts` are sums over it.

    expected : longest silence that is normal; `is_late` where the present one is longer
    is_connected : a connection pulls it; a good pull that brings nothing new keeps it fresh
    letters : dead letters that wait; `fullness` says how many may
    attention : codes of what is wrong, worst first: never_sent, letters_full, late, rejected, invalid,
        incomplete, gap, repeated, clock, no_user, no_channel
    """

    source: str
    kind: str
    first_received_at: datetime | None = None
    last_received_at: datetime | None = None
    last_occurred_at: datetime | None = None
    expected: timedelta | None = None
    is_expected_set: bool = False
    is_late: bool = False
    counts: DayCounts = field(default_factory=DayCounts)
    days: tuple[FeedDayView, ...] = ()
    fullness: Fullness | None = None
    keys: tuple[str, ...] = ()
    is_connected: bool = False
    attention: tuple[str, ...] = ()

    @property
    def letters(self) -> int:
        """Dead letters that wait: the figure of their own page."""
        return self.fullness.waiting if self.fullness else 0

    def share(self, name: str) -> float | None:
        """Share of accepted events that have `name`; of all that were received for rejected and repeated ones."""
        whole = self.counts.received if name in ("rejected", "repeated") else self.counts.accepted
        return getattr(self.counts, name) / whole if whole else None


def list_feeds(*, brand: Brand, clock: Clock, days: int = WINDOW_DAYS) -> list[FeedView]:
    """Every feed of events or files, and every write key's feed that has not sent anything yet; late ones first."""
    now = clock.now()
    today = local_day(now, brand.tz)
    found = [*_event_feeds(now, today, days), *_file_feeds(now, brand, today, days)]
    return sorted(found, key=lambda feed: (not feed.attention, feed.source, feed.kind))


def find_feed(source: str, *, brand: Brand, clock: Clock, kind: str = EVENTS) -> FeedView | None:
    """One feed by its name."""
    feeds = list_feeds(brand=brand, clock=clock)
    return next((feed for feed in feeds if feed.source == source and feed.kind == kind), None)


def _event_feeds(now: datetime, today: date, days: int) -> Iterable[FeedView]:
    kept = {feed.source: feed for feed in Feed.objects.all()}
    keys: dict[str, list[str]] = {}
    for name, source in ApiKey.objects.filter(kind="write", revoked_at=None).values_list("name", "source"):
        keys.setdefault(source, []).append(name)
    fullness = {feed.source: feed for feed in measure_fullness()}
    since = today - timedelta(days=days + _LEARNED_DAYS)
    history: dict[str, dict[date, FeedDay]] = {}
    for row in FeedDay.objects.filter(day__gt=since):
        history.setdefault(row.source, {})[row.day] = row
    for source in sorted({*kept, *keys, *history}):
        yield _event_feed(
            source,
            kept.get(source),
            history.get(source, {}),
            fullness.get(source),
            keys.get(source, []),
            now,
            today,
            days,
        )


def _event_feed(
    source: str,
    feed: Feed | None,
    history: dict[date, FeedDay],
    fullness: Fullness | None,
    keys: Sequence[str],
    now: datetime,
    today: date,
    days: int,
) -> FeedView:
    window = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    sums = {name: sum(getattr(history[day], name) for day in window if day in history) for name in COUNTS}
    began = min(history, default=today)
    views = tuple(_day_view(day, history, began, today) for day in window)
    expected = _expected(feed, history, today)
    late = feed is not None and now - feed.last_received_at > expected * (1 if feed.expected_seconds else _PATIENCE)
    counts = DayCounts(**sums)
    has_sent = feed is not None or counts.received > 0 or fullness is not None
    return FeedView(
        source=source,
        kind=EVENTS,
        first_received_at=feed.first_received_at if feed else None,
        last_received_at=feed.last_received_at if feed else None,
        last_occurred_at=feed.last_occurred_at if feed else None,
        expected=expected if feed else None,
        is_expected_set=feed is not None and feed.expected_seconds is not None,
        is_late=late,
        counts=counts,
        days=views,
        fullness=fullness,
        keys=tuple(keys),
        attention=_attention(has_sent, late, counts, views, fullness),
    )


def _day_view(day: date, history: dict[date, FeedDay], began: date, today: date) -> FeedDayView:
    """A day beside the median of its own earlier days; days before the feed began are none of it."""
    received = history[day].received - history[day].repeated if day in history else 0
    earlier = [day - timedelta(days=back) for back in range(1, _LEARNED_DAYS + 1)]
    past = [history[d].received - history[d].repeated if d in history else 0 for d in earlier if d >= began]
    usual = median(past) if len(past) >= _LEAST_DAYS else None
    # Today is not over: what has not come may still come.
    gap = usual is not None and day < today and usual >= _FEW_EVENTS and received < usual / 2
    return FeedDayView(day, received, usual, gap)


def _expected(feed: Feed | None, history: dict[date, FeedDay], today: date) -> timedelta:
    """The silence that is normal: as set, else the longest of a usual day, learned from the feed's own past."""
    if feed is not None and feed.expected_seconds is not None:
        return timedelta(seconds=feed.expected_seconds)
    gaps = sorted(row.longest_gap_seconds for day, row in history.items() if day < today)
    if len(gaps) < _LEAST_DAYS:
        return _UNTAUGHT
    # Nine days of ten are no longer silent than this; the tenth was an outage perhaps.
    return max(_SHORTEST_SILENCE, timedelta(seconds=gaps[(len(gaps) * 9 - 1) // 10]))


def _attention(
    has_sent: bool,
    late: bool,
    counts: DayCounts,
    days: Sequence[FeedDayView],
    fullness: Fullness | None,
) -> tuple[str, ...]:
    if not has_sent:
        return ("never_sent",)

    def over(name: str, share: float) -> bool:
        whole = counts.received if name in ("rejected", "repeated") else counts.accepted
        return bool(whole) and getattr(counts, name) > whole * share

    def under(name: str, share: float) -> bool:
        return bool(counts.accepted) and getattr(counts, name) < counts.accepted * share

    found = {
        "letters_full": fullness is not None and fullness.is_near,
        "late": late,
        "rejected": fullness is not None or over("rejected", 0.01),
        "invalid": over("invalid", 0.02),
        "incomplete": under("complete", 0.98),
        "gap": any(day.is_gap for day in days),
        "repeated": over("repeated", 0.2),
        "clock": over("corrected", 0.1),
        "no_user": under("with_user", 0.05),
        "no_channel": under("with_channel", 0.5),
    }
    return tuple(code for code, is_so in found.items() if is_so)


def _file_feeds(now: datetime, brand: Brand, today: date, days: int) -> Iterable[FeedView]:
    """One feed for every source that files were imported under. Rows stand for events, imports for arrivals."""
    since = now - timedelta(days=days)
    connected = {row.name: row for row in list_connections()}
    runs = (
        ImportRun.objects.exclude(state="failed")
        .values("source")
        .annotate(
            first=Min("created_at"),
            last=Max("created_at"),
            rows=Sum("rows", filter=Q(created_at__gte=since)),
            accepted=Sum("accepted", filter=Q(created_at__gte=since)),
            rejected=Sum("rejected", filter=Q(created_at__gte=since)),
        )
    )
    for run in runs.order_by("source"):
        source = run["source"]
        arrivals = list(
            ImportRun.objects.filter(source=source)
            .exclude(state="failed")
            .order_by("created_at")
            .values_list("created_at", "rows")
        )
        gaps = [(b - a).total_seconds() for (a, _), (b, _) in pairwise(arrivals)][-10:]
        # Files come when somebody exports them: a rhythm is one only once it was kept a few times.
        expected = timedelta(seconds=max(86_400.0, median(gaps))) if len(gaps) >= _LEAST_DAYS else None
        late = expected is not None and now - run["last"] > expected * 2
        pulled = connected.get(source)
        if pulled is not None:
            expected, late = longest_gap(pulled), is_late(pulled, now)
        counts = DayCounts(received=run["rows"] or 0, accepted=run["accepted"] or 0, rejected=run["rejected"] or 0)
        by_day: dict[date, int] = {}
        for at, rows in arrivals:
            day = local_day(at, brand.tz)
            by_day[day] = by_day.get(day, 0) + rows
        window = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
        attention = [code for code, is_so in (("late", late), ("rejected", counts.rejected > 0)) if is_so]
        yield FeedView(
            source=source,
            kind=FILES,
            first_received_at=run["first"],
            last_received_at=max(run["last"], (pulled and pulled.last_ok_at) or run["last"]),
            expected=expected,
            is_late=late,
            is_connected=pulled is not None,
            counts=counts,
            days=tuple(FeedDayView(day, by_day.get(day, 0), None, False) for day in window),
            attention=tuple(attention),
        )


def feed_report(feed: FeedView) -> dict[str, Any]:
    """A feed as scripts read it: instants in ISO form, shares between 0 and 1."""

    def told(at: datetime | None) -> str | None:
        return at.isoformat() if at else None

    names = (
        "complete",
        "with_user",
        "with_channel",
        "prompt",
        "invalid",
        "unplanned",
        "corrected",
        "rejected",
        "repeated",
    )
    return {
        "source": feed.source,
        "kind": feed.kind,
        "first_received_at": told(feed.first_received_at),
        "last_received_at": told(feed.last_received_at),
        "last_occurred_at": told(feed.last_occurred_at),
        "expected_seconds": feed.expected.total_seconds() if feed.expected else None,
        "is_late": feed.is_late,
        "counts": asdict(feed.counts),
        "shares": {name: feed.share(name) for name in names},
        "days": [
            {"day": day.day.isoformat(), "received": day.received, "usual": day.usual, "is_gap": day.is_gap}
            for day in feed.days
        ],
        "dead_letters": feed.letters,
        "attention": list(feed.attention),
    }
