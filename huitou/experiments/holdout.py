"""The global holdout: a share of all customers whom nobody contacts, drawn anew every quarter.

Who is in it follows from the draw alone, for later arrivals too, so it stands before the first send ever. It is
recorded when somebody first wants to contact the customer, so that a merge does not change it within the quarter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from huitou.analytics.periods import name_of, start_of, step
from huitou.core.clock import day_start, local_day
from huitou.experiments.models import CONTROL, TREATMENT, HoldoutShare
from huitou.stats.allocation import WHOLE_BP, Arm, Section, sections

DEFAULT_SHARE_BP = 500
# How long a customer of the holdout, or one of the others, is watched; shorter than any quarter.
WINDOW_DAYS = 30


@dataclass(frozen=True)
class Quarter:
    """One rotation: its days in the brand's zone, its instants, and the share that holds in it."""

    name: str
    first_day: date
    starts_at: datetime
    ends_at: datetime
    share_bp: int

    @property
    def key(self) -> str:
        """Key and salt of the quarter's experiment."""
        return f"holdout:{self.name}"

    @property
    def arms(self) -> tuple[Arm, ...]:
        return (Arm(CONTROL, self.share_bp), Arm(TREATMENT, WHOLE_BP - self.share_bp))

    @property
    def held(self) -> Section:
        """The part of the draws that is held out."""
        return sections(self.arms)[0]


def quarter_of(at: datetime, zone: ZoneInfo) -> Quarter:
    """The quarter that holds the instant, with the share as last set for it."""
    return _quarter(start_of(local_day(at, zone), "quarter"), zone)


def quarter_after(at: datetime, zone: ZoneInfo) -> Quarter:
    """The quarter after the one that holds the instant."""
    return _quarter(step(start_of(local_day(at, zone), "quarter"), "quarter", 1), zone)


def _quarter(first: date, zone: ZoneInfo) -> Quarter:
    following = step(first, "quarter", 1)
    told = HoldoutShare.objects.filter(first_day__lte=first).order_by("-first_day", "-pk").first()
    return Quarter(
        name=name_of(first, "quarter"),
        first_day=first,
        starts_at=day_start(first, zone),
        ends_at=day_start(following, zone),
        share_bp=DEFAULT_SHARE_BP if told is None else told.share_bp,
    )
