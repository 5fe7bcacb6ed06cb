"""Operations on experiments: what is compared, what came of it, the global holdout and the margin."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Query, Schema
from pydantic import Field

from huitou.accounts.access_api import acting
from huitou.accounts.queries import get_brand
from huitou.core.clock import SystemClock
from huitou.core.http_api.fields import Body, Whole
from huitou.core.http_api.operations import Operations
from huitou.core.http_api.paging import Page, Paged, named_page
from huitou.experiments import queries, services
from huitou.experiments.document import experiment_document, readout_document
from huitou.experiments.models import Experiment
from huitou.experiments.settings import HoldoutStanding, holdout_standing

router = Operations("learn")
Key = Annotated[str, Path(min_length=1, max_length=100, description="Key of the experiment.", example="launch:12")]


class ExperimentOut(Schema):
    """One randomised comparison; nothing of it ever changes but whether customers still come in."""

    key: str = Field(examples=["launch:12"])
    title: str = Field(examples=["老客召回"])
    kind: Literal["launch", "holdout"]
    arms: dict[str, int] = Field(
        description="Share by arm in basis points.", examples=[{"control": 1000, "treatment": 9000}]
    )
    outcome: str = Field(description="What is compared.", examples=["repurchase"])
    window_days: int = Field(description="How long each customer is watched after its assignment.", examples=[30])
    looks: list[datetime] = Field(description="Planned looks before the end.")
    starts_at: datetime
    ends_at: datetime = Field(description="When the verdict is read; before it nothing is compared.")
    closed_at: datetime | None = Field(description="Nobody comes in from then on.")


class ExperimentPage(Page):
    """Experiments by key."""

    items: list[ExperimentOut]


class DifferenceOut(Schema):
    """Treatment minus control with its 95 % interval."""

    estimate: float
    low: float
    high: float


class BalanceOut(Schema):
    """Whether the arms have the sizes that they were drawn with."""

    expected: dict[str, float]
    p_value: float
    is_broken: bool


class ArmOut(Schema):
    """One arm in numbers; money in minor units, net of refunds up to the end."""

    arm: str
    share_bp: int
    customers: int
    buyers: int
    rate: float | None
    purchases: int
    revenue_minor: int
    reached: int
    opted_out: int
    late_refunds_minor: int
    cost_minor: int | None = Field(description="Spent on its customers up to the end; null where nothing is known.")


class ComparisonOut(Schema):
    """One treatment against the control; rates from 0 to 1, money in minor units."""

    arm: str
    verdict: Literal["more", "fewer", "none", "too_few", "broken"]
    rate: DifferenceOut | None
    rate_adjusted: DifferenceOut | None = Field(description="With the noise of earlier purchases taken off.")
    variance_kept: float | None
    buyers: DifferenceOut | None
    revenue_minor: DifferenceOut | None
    margin_minor: DifferenceOut | None
    cost_minor: int | None = Field(description="What the treatment cost beyond the control.")
    net_minor: DifferenceOut | None = Field(description="The margin less that cost.")
    roi: DifferenceOut | None = Field(description="The margin less that cost, by the cost.")
    detectable: float | None = Field(description="Smallest rise of the rate that would have been seen, power 80 %.")
    opt_outs: DifferenceOut | None


class CohortOut(Schema):
    """Customers assigned on one day or in one week."""

    name: str
    first_day: date
    customers: dict[str, int]
    rates: dict[str, float | None]
    differences: dict[str, DifferenceOut | None]


class LookArmOut(Schema):
    """One treatment at one look; its interval holds at all looks together."""

    arm: str
    verdict: Literal["more", "fewer", "none"]
    rate: float | None
    control_rate: float | None
    difference: DifferenceOut | None = Field(description="null where there were too few customers.")


class LookOut(Schema):
    """One planned look whose day has passed; the last of all is the end."""

    number: int
    at: datetime
    customers: dict[str, int]
    is_broken: bool
    arms: list[LookArmOut]


class ReadoutOut(Schema):
    """What can be said of an experiment. Before its end there are sizes only, and nothing is compared."""

    experiment: ExperimentOut
    state: Literal["in_progress", "waiting", "final"]
    as_of: datetime
    data_until: datetime | None
    assigned: dict[str, int]
    balance: BalanceOut
    arms: list[ArmOut]
    comparisons: list[ComparisonOut]
    looks: list[LookOut] = Field(description="Empty where no looks were planned.")
    cohort_grain: Literal["day", "week", "month"]
    cohorts: list[CohortOut]
    not_counted: int
    mixed: int
    margin_bp: int | None
    spent_minor: int | None = Field(description="On everybody assigned so far, in all arms, as of then.")
    spent_doubtful_minor: int | None = Field(description="Of it: messages that were never answered for.")
    currency: str
    words: list[str] = Field(description="The same in sentences, in the language asked for.")


class ReadoutAsked(Schema):
    """As of when."""

    as_of: datetime | None = Field(None, description="By default the brand's now.")


@router.read("/experiments", permission="plays.view", returns=ExperimentPage)
def show_experiments(request: HttpRequest, paged: Query[Paged]) -> ExperimentPage:
    """Every experiment with its terms, by key."""
    found, following = named_page(request, paged, Experiment.objects.all(), by="key")
    return ExperimentPage(items=[ExperimentOut(**experiment_document(one)) for one in found], next=following)


@router.read("/experiments/{key}", permission="plays.view", returns=ExperimentOut)
def show_experiment(request: HttpRequest, key: Key) -> ExperimentOut:
    """The terms of one experiment."""
    return ExperimentOut(**experiment_document(queries.get_experiment(key)))


@router.read("/experiments/{key}/readout", permission="plays.view", returns=ReadoutOut)
def show_readout(request: HttpRequest, key: Key, asked: Query[ReadoutAsked]) -> ReadoutOut:
    """What the treatment caused beyond the control, by intention to treat; a verdict only once the end has passed."""
    return ReadoutOut(**readout_document(queries.readout(key, asked.as_of), get_brand().tz))


class HoldoutOut(Schema):
    """The global holdout: whom nobody contacts, drawn anew every quarter."""

    quarter: str = Field(examples=["2026-Q4"])
    share_bp: int = Field(description="Of all customers, in basis points.", examples=[500])
    next_quarter: str = Field(examples=["2027-Q1"])
    next_share_bp: int = Field(examples=[500])
    margin_bp: int | None = Field(description="What is left of revenue after the cost of goods.", examples=[3500])


class HoldoutIn(Body):
    """A share from the next quarter on."""

    share_bp: Whole = Field(ge=0, le=services.MOST_HELD_BP, description="0 holds out nobody.", examples=[500])


class MarginIn(Body):
    """The brand's margin; null where it is not known."""

    margin_bp: Whole | None = Field(ge=0, le=10_000, examples=[3500])


@router.read("/holdout", permission="settings.view", returns=HoldoutOut)
def show_holdout(request: HttpRequest) -> HoldoutOut:
    """How many customers are held out in this quarter and the next."""
    return _holdout(holdout_standing())


@router.write("/holdout", method="PUT", permission="settings.write", returns=HoldoutOut)
def change_holdout(request: HttpRequest, body: HoldoutIn) -> HoldoutOut:
    """Hold out another share from the next quarter on; this quarter's draw stands."""
    services.set_holdout_share(share_bp=body.share_bp, clock=SystemClock(), **acting(request))
    return _holdout(holdout_standing())


@router.write("/margin", method="PUT", permission="settings.write", returns=HoldoutOut)
def change_margin(request: HttpRequest, body: MarginIn) -> HoldoutOut:
    """Say what share of revenue is left after the cost of goods, so that readouts can say what a treatment earned."""
    services.set_margin(margin_bp=body.margin_bp, clock=SystemClock(), **acting(request))
    return _holdout(holdout_standing())


def _holdout(standing: HoldoutStanding) -> HoldoutOut:
    told: dict[str, Any] = {
        "quarter": standing.current.name,
        "share_bp": standing.current.share_bp,
        "next_quarter": standing.following.name,
        "next_share_bp": standing.following.share_bp,
        "margin_bp": standing.margin_bp,
    }
    return HoldoutOut(**told)
