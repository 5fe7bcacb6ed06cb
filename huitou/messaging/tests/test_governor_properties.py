"""The judge against a model of the rules written down independently, on random customers, rules and moments."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from huitou.messaging.channel import Address, Quota
from huitou.messaging.governor import Candidate, Climate, Standing, Way, judge
from huitou.messaging.hours import Quiet, next_allowed
from huitou.messaging.rules import Rules

BASE = datetime(2026, 3, 1, tzinfo=UTC)
ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]
HOURS = [None, (time(21), time(9)), (time(20), time(9)), (time(0), time(6, 30)), (time(2, 15), time(2, 45))]

zones = st.sampled_from(ZONES).map(ZoneInfo)
# Over a year, so that both changes of the clocks are met.
moments = st.integers(0, 366 * 24 * 60).map(lambda minutes: BASE + timedelta(minutes=minutes))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Candidate, Standing, Rules, datetime]:
    zone, now = draw(zones), draw(moments)
    ways = tuple(
        Way(
            account_id=n,
            kind=kind,
            name=kind,
            consent=kind,
            identifier_kinds=(kind,),
            quiet=() if (hours := draw(st.sampled_from(HOURS))) is None else (Quiet(*hours, zone),),
            quotas=(Quota("q", 2, "day"),),
            is_active=draw(st.integers(0, 9)) > 0,
        )
        for n, kind in enumerate(draw(st.lists(st.sampled_from(["a", "b", "c"]), unique=True, max_size=3)))
    )
    purpose = draw(st.sampled_from(["marketing", "marketing", "service"]))
    candidate = Candidate(
        touch_id=1,
        customer_id=1,
        purpose=purpose,
        ways=ways,
        not_after=now + timedelta(hours=draw(st.integers(-1, 60))),
        content_hash="x",
        keeps_order=True,
    )
    standing = Standing(
        erased=draw(st.integers(0, 9)) == 0,
        addresses={k: [Address(k, "", k)] for k in draw(st.sets(st.sampled_from(["a", "b", "c"])))},
        consents=frozenset((k, purpose) for k in draw(st.sets(st.sampled_from(["a", "b", "c"])))),
        held_out=draw(st.integers(0, 9)) == 0,
        day_used=draw(st.integers(0, 2)),
        week_used=draw(st.integers(0, 4)),
        same_at={"x": now - timedelta(days=draw(st.integers(0, 60)))} if draw(st.booleans()) else {},
        quota_used={(n, "q"): draw(st.integers(0, 2)) for n in range(3)},
        unanswered=draw(st.integers(0, 20)),
        last_contact_at=now - timedelta(days=draw(st.integers(0, 20))),
    )
    rules = Rules(
        zone=zone,
        cap_day=draw(st.integers(0, 2)),
        cap_week=draw(st.integers(0, 4)),
        service_is_capped=draw(st.booleans()),
        service_is_held_out=draw(st.booleans()),
        fatigue_is_on=draw(st.booleans()),
    )
    return candidate, standing, rules, now


def forbidden(candidate: Candidate, standing: Standing, rules: Rules, now: datetime, kind: str) -> set[str]:
    """Everything that speaks against sending over `kind` at `now`, by the rules as they are written in the guide."""
    marketing = candidate.purpose == "marketing"
    way = next(way for way in candidate.ways if way.kind == kind)
    wall = now.astimezone(rules.zone)
    against = set()
    if standing.erased:
        against.add("erased")
    if (kind, candidate.purpose) not in standing.consents:
        against.add("no_consent")
    if kind not in standing.addresses:
        against.add("no_identifier")
    if standing.held_out and (marketing or rules.service_is_held_out):
        against.add("held_out")
    if now > candidate.not_after:
        against.add("too_late")
    if not way.is_active:
        against.add("account_paused")
    for quiet in way.quiet:
        minute, start, end = wall.hour * 60 + wall.minute, _minutes(quiet.start), _minutes(quiet.end)
        if (start <= minute < end) if start < end else (minute >= start or minute < end):
            against.add("quiet_hours")
    if standing.quota_used[way.account_id, "q"] >= 2:
        against.add("quota")
    if (marketing or rules.service_is_capped) and (
        standing.day_used >= rules.cap_day or standing.week_used >= rules.cap_week
    ):
        against.add("cap")
    if marketing and "x" in standing.same_at:
        days = wall.date() - standing.same_at["x"].astimezone(rules.zone).date()
        if days.days < rules.duplicate_days:
            against.add("duplicate")
    if marketing and rules.fatigue_is_on and standing.unanswered >= rules.fatigue_unanswered:
        since = now - (standing.last_contact_at or now)
        if standing.unanswered >= rules.fatigue_stop_after or since < timedelta(days=rules.fatigue_gap_days):
            against.add("fatigue")
    return against


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


@given(cases())
def test_a_yes_breaks_no_rule_and_a_no_is_never_without_one(
    case: tuple[Candidate, Standing, Rules, datetime],
) -> None:
    candidate, standing, rules, now = case
    verdict = judge(candidate, standing, rules, Climate(), now)
    if verdict.verdict == "yes":
        assert verdict.way is not None
        assert forbidden(candidate, standing, rules, now, verdict.way.kind) == set()
    else:
        assert all(forbidden(candidate, standing, rules, now, way.kind) for way in candidate.ways[:1])
    if verdict.verdict == "wait":
        assert verdict.next_at is not None
        assert now < verdict.next_at <= candidate.not_after


@given(zones, moments, st.sampled_from([hours for hours in HOURS if hours]))
def test_quiet_hours_end_at_the_first_minute_that_the_wall_clock_allows(
    zone: ZoneInfo, now: datetime, hours: tuple[time, time]
) -> None:
    """Minute by minute, over the nights on which the clocks change too. Where the end is skipped, half an hour more."""
    quiet = Quiet(*hours, zone)
    found = next_allowed(now, [quiet])
    assert found is not None
    assert not quiet.holds(found)
    minute = now
    while quiet.holds(minute):
        minute += timedelta(minutes=1)
    assert timedelta(0) <= found - minute.replace(second=0, microsecond=0) <= timedelta(hours=1)
