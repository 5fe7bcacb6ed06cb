"""What a launch would come to, before anybody is contacted: who, how many, what it costs, and what it could prove."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from huitou.accounts.models import Brand
from huitou.core.clock import local_day
from huitou.customers.labels import customer_labels
from huitou.customers.queries import customers_of
from huitou.experiments.queries import held_out
from huitou.journeys.conditions import tell_condition
from huitou.journeys.definition import Definition
from huitou.journeys.plays.audience import MONTH_DAYS, base_rate, entered_before, entering_now
from huitou.journeys.plays.drafts import Draft
from huitou.journeys.plays.history import open_history
from huitou.journeys.plays.judging import accounts_now, judge_step
from huitou.orders.queries import get_last_refresh
from huitou.stats.allocation import WHOLE_BP, Arm, arm_of, draw, sections
from huitou.stats.power import DEFAULT_CONTROL_BP, WORTH_SEEING, smallest_detectable, suggest_control

_SAMPLE = 8


@dataclass(frozen=True)
class SampledCustomer:
    """One of those who would come in; the label is masked."""

    person_id: int
    label: str


@dataclass(frozen=True)
class StepEstimate:
    """One message of the journey, asked for everybody who would be treated now: how many would go out, through which
    account, at what cost, and why others would not."""

    step: str
    title: str
    asked: int
    allowed: int
    by_channel: Mapping[str, int]
    refused: Mapping[str, int]
    cost_minor: int


@dataclass(frozen=True)
class Preview:
    """A draft as of the brand's now. Money in minor units, rates 0 to 1, shares in basis points.

    `now_count` is who comes in at once (None: only events let in), `per_week` who came in a week of the past month,
    `expected` both together over the entry days. `control` of them are left alone for the comparison, `held` as the
    global holdout. `detectable` is with the share of this preview, `base_rate` what the control may be expected to do.
    """

    name: str
    title: str
    as_of: datetime
    who: str
    trigger: str
    now_count: int | None
    sample: tuple[SampledCustomer, ...]
    per_week: float | None
    looks: int
    enroll_days: int
    window_days: int
    result_on: date
    expected: int
    held: int
    control: int
    treated: int
    control_bp: int
    suggested_bp: int
    suggestion: str
    base_rate: float | None
    base_size: int
    detectable: float | None
    steps: tuple[StepEstimate, ...]
    cost_minor: int
    currency: str

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        told = {k: v for k, v in vars(self).items() if k not in ("sample", "steps")}
        told["sample"] = [vars(one) for one in self.sample]
        told["steps"] = [{**vars(step)} for step in self.steps]
        return told


@dataclass(frozen=True)
class _Counted:
    """What takes long and depends on the data alone."""

    now: frozenset[int] | None
    per_week: float | None
    looks: int
    base: tuple[float, int] | None
    customers: int


def preview(draft: Draft, *, brand: Brand, control_bp: int | None = None, enroll_days: int | None = None) -> Preview:
    """The preview as of the brand's now; the same for the same data. Without `control_bp` with the suggested share.

    Raises NotRefreshedError before the first refresh, and DefinitionError for a draft that cannot run.
    """
    now = brand.now()
    definition = draft.definition
    days = enroll_days or draft.enroll_days
    counted = _count(draft, get_last_refresh().pk, now, brand)
    expected = _expected(definition, counted, days)
    base = counted.base or (0.0, 0)
    advice = _advice(counted, expected)
    share = advice.share_bp if control_bp is None else control_bp
    known = sorted(counted.now or ())
    held = held_out(known, now) if definition.purpose == "marketing" else set()
    free = [customer for customer in known if customer not in held]
    cut = sections((Arm("control", share), Arm("treatment", WHOLE_BP - share)))
    treated_now = [c for c in free if arm_of(cut, draw(f"preview:{draft.name}", c)) == "treatment"]
    steps = _steps(draft, treated_now, now)
    held_share = len(held) / len(known) if known else 0.0
    in_comparison = expected - round(expected * held_share)
    control = in_comparison * share // WHOLE_BP
    return Preview(
        name=draft.name,
        title=draft.title,
        as_of=now,
        who=tell_condition(definition.audience) if definition.audience else _("everybody whom the trigger lets in"),
        trigger=definition.trigger_kind.tell(definition.trigger),
        now_count=None if counted.now is None else len(counted.now),
        sample=_sample(known),
        per_week=counted.per_week,
        looks=counted.looks,
        enroll_days=days,
        window_days=definition.window_days,
        result_on=local_day(now + timedelta(days=days + definition.window_days), brand.tz),
        expected=expected,
        held=expected - in_comparison,
        control=control,
        treated=in_comparison - control,
        control_bp=share,
        suggested_bp=advice.share_bp,
        suggestion=advice.why,
        base_rate=counted.base[0] if counted.base else None,
        base_size=base[1],
        detectable=smallest_detectable(base[0], in_comparison - control, control) if counted.base else None,
        steps=steps,
        cost_minor=sum(step.cost_minor for step in steps),
        currency=brand.currency,
    )


@dataclass(frozen=True)
class SuggestedShare:
    """A control share in basis points, and why it is suggested, in a sentence."""

    share_bp: int
    why: str


def suggest_share(draft: Draft, *, brand: Brand, enroll_days: int | None = None) -> SuggestedShare:
    """The control share that a preview as of the brand's now suggests; raises what `preview` raises."""
    counted = _count(draft, get_last_refresh().pk, brand.now(), brand)
    return _advice(counted, _expected(draft.definition, counted, enroll_days or draft.enroll_days))


def _advice(counted: _Counted, expected: int) -> SuggestedShare:
    advice = suggest_control(max(expected, 0), (counted.base or (0.0, 0))[0])
    return SuggestedShare(advice.share_bp, _suggestion(advice.share_bp, advice.at_default, advice.at_half))


def _count(draft: Draft, run: int, now: datetime, brand: Brand) -> _Counted:
    return _counted(_Key(draft.digest, run, now, get_language() or ""), _Asked(draft.definition, brand))


@dataclass(frozen=True)
class _Key:
    digest: str
    run: int
    now: datetime
    language: str


class _Asked:
    """What is counted; equal to every other, as the key alone says whether two counts are the same."""

    def __init__(self, definition: Definition, brand: Brand) -> None:
        self.definition, self.brand = definition, brand

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=64)
def _counted(key: _Key, asked: _Asked) -> _Counted:
    """Looking at a month of history takes seconds; it is the same until the next refresh."""
    definition, zone = asked.definition, asked.brand.tz
    with open_history() as history:
        found = entering_now(definition, key.now, zone, history)
        past = entered_before(definition, key.now, zone, history)
        base = base_rate(definition, key.now, history)
        customers = history.customer_count()
    if found is not None:
        # Persons that are one customer count once.
        found = frozenset(customers_of(found).values())
    return _Counted(found, past.per_week if past else None, past.looks if past else 0, base, customers)


def _expected(definition: Definition, counted: _Counted, enroll_days: int) -> int:
    """Customers, each once: who comes in again draws no new arm."""
    later = (counted.per_week or 0.0) * enroll_days / 7
    return min(len(counted.now or ()) + math.ceil(later), counted.customers)


def _sample(known: list[int]) -> tuple[SampledCustomer, ...]:
    """The same ones at every look, and not the oldest customers."""
    chosen = sorted(known, key=lambda customer: draw("preview.sample", customer))[:_SAMPLE]
    labels = customer_labels(chosen)
    return tuple(SampledCustomer(one, labels.get(one, f"#{one}")) for one in chosen)


def _steps(draft: Draft, treated: list[int], now: datetime) -> tuple[StepEstimate, ...]:
    accounts = accounts_now(now)
    language = "zh" if (get_language() or "zh").startswith("zh") else "en"
    found = []
    for step in draft.definition.steps.values():
        if step.kind != "send":
            continue
        judged = judge_step(step.settings, draft.definition.purpose, treated, now=now)
        cost = sum(
            accounts[pk].channel.cost_minor(accounts[pk].row.settings, 1) * count
            for pk, count in judged.allowed.items()
            if pk in accounts
        )
        found.append(
            StepEstimate(
                step=step.id,
                title=str((step.settings.get("title") or {}).get(language) or step.id),
                asked=len(treated),
                allowed=sum(judged.allowed.values()),
                by_channel={accounts[pk].row.name: count for pk, count in judged.allowed.items() if pk in accounts},
                refused=judged.refused,
                cost_minor=cost,
            )
        )
    return tuple(found)


def _suggestion(share_bp: int, at_default: float | None, at_half: float | None) -> str:
    """Why this share, in a sentence."""
    values = {
        "default": _points(at_default),
        "half": _points(at_half),
        "worth": _points(WORTH_SEEING),
    }
    if share_bp == DEFAULT_CONTROL_BP:
        return _("10 %% is enough: with it a rise of %(default)s points can be seen.") % values
    if at_half is None:
        return _("Half, and even that says nothing yet: too few customers come in to prove any effect.")
    if at_default is None:
        return _("Half: the audience is small. With half as control a rise of %(half)s points can be seen.") % values
    return (
        _(
            "Half: the audience is small. With 10 %% only a rise of %(default)s points could be seen, with half one of "
            "%(half)s; messages rarely move more than %(worth)s."
        )
        % values
    )


def _points(effect: float | None) -> str:
    return "–" if effect is None else f"{effect * 100:.1f}"


__all__ = ["MONTH_DAYS", "Preview", "SampledCustomer", "StepEstimate", "SuggestedShare", "preview", "suggest_share"]
