"""How often and when customers may be contacted: the brand's settings as the governor reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time
from zoneinfo import ZoneInfo

from huitou.accounts.queries import find_brand
from huitou.messaging.channel import Channel
from huitou.messaging.content import SERVICE
from huitou.messaging.hours import Quiet, parse_hours
from huitou.messaging.models import ContactPolicy

_DEFAULT_ZONE = "Asia/Shanghai"


@dataclass(frozen=True)
class Rules:
    """The settings of one moment. Caps count contacts of one customer in a day and a week of the brand's zone."""

    zone: ZoneInfo
    cap_day: int = 1
    cap_week: int = 3
    service_is_capped: bool = False
    service_is_held_out: bool = False
    duplicate_days: int = 30
    quiet: dict[str, tuple[time, time] | None] = field(default_factory=dict)
    home: dict[str, frozenset[str]] = field(default_factory=dict)
    max_retries: int = 3
    fatigue_is_on: bool = True
    fatigue_unanswered: int = 8
    fatigue_gap_days: int = 14
    fatigue_stop_after: int = 16
    fatigue_optout_bp: int = 300

    def is_capped(self, purpose: str) -> bool:
        """Whether contacts of this purpose count and wait under the caps."""
        return purpose != SERVICE or self.service_is_capped

    def is_held_out(self, purpose: str) -> bool:
        """Whether the holdout is left alone by contacts of this purpose."""
        return purpose != SERVICE or self.service_is_held_out

    def is_home(self, kind: str, sales_channel: str) -> bool:
        """Whether who buys in this sales channel hears over this kind of channel first."""
        return bool(sales_channel) and sales_channel in self.home.get(kind, ())

    def quiet_of(self, channel: Channel) -> tuple[Quiet, ...]:
        """Every hour in which nothing goes out over the channel: the brand's, and those its provider keeps."""
        own = self.quiet.get(channel.kind, channel.quiet_hours)
        found = [] if own is None else [Quiet(*own, self.zone)]
        if channel.provider_hours is not None:
            opens, closes = channel.provider_hours
            found.append(Quiet(closes, opens, ZoneInfo(channel.provider_zone)))
        return tuple(found)


def find_policy() -> ContactPolicy:
    """The row of settings, with the defaults where nobody has set any."""
    return ContactPolicy.objects.filter(pk=1).first() or ContactPolicy(pk=1)


def current_rules() -> Rules:
    """The settings as they are now."""
    policy, brand = find_policy(), find_brand()
    return Rules(
        zone=brand.tz if brand else ZoneInfo(_DEFAULT_ZONE),
        cap_day=policy.cap_day,
        cap_week=policy.cap_week,
        service_is_capped=policy.service_is_capped,
        service_is_held_out=policy.service_is_held_out,
        duplicate_days=policy.duplicate_days,
        quiet={kind: parse_hours(told) for kind, told in policy.quiet_hours.items()},
        home={kind: frozenset(told) for kind, told in policy.home_channels.items()},
        max_retries=policy.max_retries,
        fatigue_is_on=policy.fatigue_is_on,
        fatigue_unanswered=policy.fatigue_unanswered,
        fatigue_gap_days=policy.fatigue_gap_days,
        fatigue_stop_after=policy.fatigue_stop_after,
        fatigue_optout_bp=policy.fatigue_optout_bp,
    )
