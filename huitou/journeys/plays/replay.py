"""A rehearsal of a draft over the past month by a clock of its own: who would have come in, got what and when, and what
the governor would have refused. The engine itself does it, in a virtual store; nothing is written for anybody."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from huitou.accounts.models import Brand
from huitou.core.clock import day_start, local_day
from huitou.core.terminal import Report, silent
from huitou.customers.queries import customers_of
from huitou.experiments.services import open_experiment
from huitou.journeys.definition import PURCHASE_EVENT
from huitou.journeys.engine.advance import advance
from huitou.journeys.models import Enrollment, Journey, JourneyVersion, Launch, Listening, Signal, StaffTask
from huitou.journeys.plays.audience import MONTH_DAYS
from huitou.journeys.plays.drafts import Draft
from huitou.journeys.plays.history import History, open_history
from huitou.journeys.plays.preview import SuggestedShare, suggest_share
from huitou.journeys.plays.virtual_outbox import VirtualOutbox
from huitou.journeys.plays.virtual_store import virtual_store
from huitou.journeys.setting import read_time
from huitou.messaging.models import Touch, TouchDecision

# The engine takes what is due later than six hours as late: the clock goes on in shorter steps.
_STEP = timedelta(hours=4)
_BLOCK = 5_000
# What really went out so long before the month still counts for the governor.
_CONTACTS_BEFORE = timedelta(days=60)


# What was taken back before it went out, since the customer reached the goal, was not sent either; its reason says so.
_VERDICTS = {"sent": "sent", "refused": "refused", "expired": "refused", "cancelled": "refused"}


@dataclass
class MovedClock:
    """A clock that stands where it was put."""

    instant: datetime

    def now(self) -> datetime:
        """The virtual now."""
        return self.instant


@dataclass(frozen=True)
class Replay:
    """What would have happened from `since` to `until`. `rows` has one entry per way, in the order of entries.

    Each row: customer, entered_at, arm, exit (reason, empty while inside), exited_at, and `happened`: what was asked
    for, in order, as at, step, what (touch or task), verdict (sent, refused, waiting, given), reason, channel. `steps`
    are the draft's by id, kind and title. `control_bp` were kept as control, in basis points; `suggestion` says why
    that share, and is empty where somebody named it.
    """

    name: str
    title: str
    digest: str
    since: datetime
    until: datetime
    entered: int
    arms: Mapping[str, int]
    asked: int
    sent: int
    refused: Mapping[str, int]
    waiting: int
    tasks: int
    exits: Mapping[str, int]
    rows: Sequence[Mapping[str, Any]] = field(repr=False)
    steps: Sequence[Mapping[str, Any]] = ()
    control_bp: int | None = None
    suggestion: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values; instants in ISO form."""
        told = dict(vars(self))
        told["since"], told["until"] = self.since.isoformat(), self.until.isoformat()
        return told


def replay(
    draft: Draft,
    *,
    brand: Brand,
    control_bp: int | None = None,
    enroll_days: int | None = None,
    days: int = MONTH_DAYS,
    report: Report = silent,
) -> Replay:
    """Rehearse the draft over the `days` before the brand's now; the same for the same data.

    Without `control_bp` with the share that the preview of `enroll_days` suggests.

    Conditions see orders as they are known today, cut at each virtual moment; consent, identifiers and tags are those
    of today. Raises NotRefreshedError, and DefinitionError for a draft that cannot run.
    """
    until = brand.now()
    since = day_start(local_day(until - timedelta(days=days), brand.tz), brand.tz)
    if control_bp is None:
        share = suggest_share(draft, brand=brand, enroll_days=enroll_days)
    else:
        share = SuggestedShare(control_bp, "")
    with open_history() as history, virtual_store(contacts_since=since - _CONTACTS_BEFORE, opens_at=since):
        launch = _launch(draft, since, until, share.share_bp)
        _signals(draft, history, since, until)
        outbox = VirtualOutbox(launch, until=until)
        ticks = _ticks(draft, since, until, brand)
        clock = MovedClock(since)
        for done, tick in enumerate(ticks):
            clock.instant = tick
            day = local_day(tick, brand.tz).isoformat()
            report(done, len(ticks), _("rehearsing %(day)s") % {"day": day})
            outbox.send_until(tick - timedelta(microseconds=1))
            done_now = advance(brand=brand, clock=clock, matching=_matching(history, tick))
            for error in done_now.failed.values():
                raise error
            outbox.send_until(tick)
        report(len(ticks), len(ticks))
        told = _read(draft, launch, since, until)
        return replace(told, steps=_named_steps(draft), control_bp=share.share_bp, suggestion=share.why)


def _launch(draft: Draft, since: datetime, until: datetime, control_bp: int) -> Launch:
    """A running launch in the virtual store. Its version has a number made of what it says: definitions are kept by
    number in this process, and no two may share one."""
    number = -int(draft.digest[:15], 16) - 1
    definition = draft.definition
    journey = Journey.objects.create(name=draft.name, title=draft.title[:120], created_at=since)
    version = JourneyVersion.objects.create(
        pk=number,
        journey=journey,
        number=1,
        state=JourneyVersion.LIVE,
        definition=dict(draft.source),
        created_at=since,
        changed_at=since,
        published_at=since,
    )
    made = Launch.objects.create(
        version=version,
        title=draft.title[:160],
        key=f"replay:{draft.digest}",
        experiment=f"replay:{draft.digest}",
        control_bp=control_bp,
        holdout=definition.purpose == "marketing",
        purpose=definition.purpose,
        state=Launch.SCHEDULED,
        starts_at=since,
        ends_at=until,
        window_days=definition.window_days,
        created_at=since,
        state_at=since,
    )
    open_experiment(
        key=made.experiment,
        arms={"control": made.control_bp, "treatment": 10_000 - made.control_bp},
        window_days=made.window_days,
        starts_at=since,
        ends_at=until + timedelta(days=made.window_days),
        clock=MovedClock(since),
        actor_label="replay",
    )
    Listening.objects.bulk_create(Listening(launch=made, event=event) for event in sorted(definition.events))
    return made


def _signals(draft: Draft, history: History, since: datetime, until: datetime) -> None:
    """What the launch would have heard, from the lake. Purchases are those of all orders, from files too."""
    for event in sorted(draft.definition.events):
        rows: list[dict[str, Any]]
        if event == PURCHASE_EVENT:
            rows = [
                {
                    "person_id": person,
                    "event_id": f"order-{n}",
                    "occurred_at": at,
                    "received_at": at,
                    "properties": None,
                }
                for n, (person, at) in enumerate(history.purchases(since, until))
            ]
        else:
            rows = history.events(event, since, until)
        for start in range(0, len(rows), _BLOCK):
            Signal.objects.bulk_create(_signal(event, row) for row in rows[start : start + _BLOCK])


def _signal(event: str, row: Mapping[str, Any]) -> Signal:
    return Signal(
        person_id=row["person_id"],
        event_id=str(row["event_id"])[:32],
        name=event,
        occurred_at=_aware(row["occurred_at"]),
        received_at=_aware(row["received_at"] or row["occurred_at"]),
        properties=json.loads(row["properties"] or "{}"),
    )


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _ticks(draft: Draft, since: datetime, until: datetime, brand: Brand) -> list[datetime]:
    """When the virtual clock stops: every few hours, and when the trigger lets customers in."""
    found = set()
    at = since
    while at < until:
        found.add(at)
        at += _STEP
    moment = draft.definition.trigger.get("at")
    if moment:
        day = local_day(since, brand.tz)
        while day <= local_day(until, brand.tz):
            told = datetime.combine(day, read_time(moment), tzinfo=brand.tz).astimezone(UTC)
            if since <= told < until:
                found.add(told)
            day += timedelta(days=1)
    return [*sorted(found), until - timedelta(microseconds=1)]


def _matching(history: History, at: datetime) -> Any:
    """Conditions judged at the virtual moment; asked of everybody once, then looked up."""

    def judge(condition: Mapping[str, Any], customer_ids: Sequence[int]) -> frozenset[int]:
        members = history.members_at(condition, at)
        return frozenset(asked for asked, customer in customers_of(customer_ids).items() if customer in members)

    return judge


def _read(draft: Draft, launch: Launch, since: datetime, until: datetime) -> Replay:
    ways = list(Enrollment.objects.filter(launch=launch).order_by("entered_at", "pk"))
    by_way: dict[int, list[dict[str, Any]]] = {way.pk: [] for way in ways}
    source = f"launch:{launch.pk}"
    reasons = _reasons(source)
    states: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for touch in Touch.objects.filter(source=source).order_by("pk"):
        verdict = _VERDICTS.get(touch.state, "waiting")
        states[verdict] += 1
        at, reason = reasons.get(touch.pk, (touch.send_after, ""))
        if touch.state == "cancelled":
            at, reason = touch.ended_at or at, touch.reason
        if verdict == "refused":
            refused[reason] += 1
        by_way[int(touch.key.split(":")[0])].append(
            {
                "at": (touch.sent_at or at).isoformat(),
                "step": touch.step,
                "what": "touch",
                "verdict": verdict,
                "reason": reason,
                "channel": touch.channel,
            }
        )
    tasks = 0
    for task in StaffTask.objects.filter(launch=launch).order_by("pk"):
        tasks += 1
        told = {"step": task.key.split(":")[1], "what": "task", "verdict": "given", "reason": task.kind, "channel": ""}
        by_way[task.enrollment_id or 0].append({"at": task.created_at.isoformat(), **told})
    return Replay(
        name=draft.name,
        title=draft.title,
        digest=draft.digest,
        since=since,
        until=until,
        entered=len(ways),
        arms=dict(sorted(Counter(way.arm for way in ways).items())),
        asked=sum(states.values()),
        sent=states["sent"],
        refused=dict(refused.most_common()),
        waiting=states["waiting"],
        tasks=tasks,
        exits=dict(Counter(way.exit_reason for way in ways if way.exit_reason).most_common()),
        rows=[_row(way, by_way[way.pk]) for way in ways],
    )


def _named_steps(draft: Draft) -> list[dict[str, Any]]:
    return [
        {name: step[name] for name in ("id", "kind", "title") if name in step} for step in draft.source.get("steps", ())
    ]


def _reasons(source: str) -> dict[int, tuple[datetime, str]]:
    """The last decision on each touch."""
    rows = TouchDecision.objects.filter(touch__source=source).order_by("pk").values_list("touch_id", "at", "reason")
    return {touch: (at, reason) for touch, at, reason in rows}


def _row(way: Enrollment, happened: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "customer": way.person_id,
        "entered_at": way.entered_at.isoformat(),
        "arm": way.arm,
        "exit": way.exit_reason,
        "exited_at": way.ended_at.isoformat() if way.ended_at else "",
        "happened": sorted(happened, key=lambda entry: entry["at"]),
    }
