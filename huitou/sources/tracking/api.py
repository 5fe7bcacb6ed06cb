"""Operations on the tracking plan: what is declared, what came otherwise."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Path, Query, Schema
from pydantic import Field

from huitou.accounts.access_api import acting
from huitou.core.clock import SystemClock
from huitou.core.http_api.fields import MAX_ID, Body, Flag, Id, Text, Word
from huitou.core.http_api.operations import Operations
from huitou.core.http_api.paging import Page, Paged, newest_page
from huitou.core.http_api.problems import NotFoundError
from huitou.sources.tracking.queries import current_plan, list_problems, plan_report
from huitou.sources.tracking.services import declare_event, dismiss_problem, withdraw_event, withdraw_property

router = Operations("connect")
_CLOCK = SystemClock()
Label = Annotated[Text, Field(max_length=200)]
Name = Annotated[Word, Field(max_length=200)]


class PlanOut(Schema):
    """The plan in force: as shipped, with what the brand declared over it."""

    version: int = Field(description="Counts the brand's changes; 0 is the plan as shipped.")
    events: dict[str, Any] = Field(
        description="By name: labels, since which version, and properties.",
        examples=[{"Product Viewed": {"zh": "浏览商品", "en": "Product viewed", "properties": {}}}],
    )


@router.read("/tracking-plan", permission="data.view", returns=PlanOut)
def show_tracking_plan(request: HttpRequest) -> PlanOut:
    """Every planned event with its properties."""
    return PlanOut(**plan_report(current_plan()))


class PropertyIn(Body):
    """One property of an event."""

    type: Literal["code", "text", "integer", "number", "boolean", "time", "list", "object"] = "text"
    required: Flag = False
    personal: Flag = Field(False, description="It names somebody or is free text, so it never enters the lake.")
    values: list[Annotated[Word, Field(max_length=200)]] = Field([], max_length=200, examples=[["A", "B"]])
    zh: Label = ""
    en: Label = ""


class DeclarationIn(Body):
    """An event as the brand declares it."""

    name: Name = Field(examples=["Live Poll Answered"])
    zh: Label = Field("", description="Empty: as it is.", examples=["回答直播投票"])
    en: Label = Field("", description="Empty: as it is.")
    properties: dict[Name, PropertyIn] = Field(
        {}, max_length=100, description="Those to add or change, by name.", examples=[{"answer": {"type": "code"}}]
    )


class VersionOut(Schema):
    """The version that is in force now."""

    version: int


@router.write("/tracking-plan/declarations", permission="data.write", returns=VersionOut)
def declare_tracked_event(request: HttpRequest, body: DeclarationIn) -> VersionOut:
    """Declare an event, or change what is declared of it; declared again unchanged, nothing is changed."""
    plan = declare_event(
        name=body.name,
        zh=body.zh,
        en=body.en,
        properties={name: declared.dict() for name, declared in body.properties.items()},
        clock=_CLOCK,
        **acting(request),
    )
    return VersionOut(version=plan.version)


class WithdrawalIn(Body):
    """What to take back."""

    name: Name = Field(examples=["Live Poll Answered"])
    property: Label = Field("", description="Only this property; empty: everything declared of the event.")


@router.write("/tracking-plan/withdrawals", permission="data.write", returns=VersionOut)
def withdraw_tracked_event(request: HttpRequest, body: WithdrawalIn) -> VersionOut:
    """Take back what the brand declared of an event; what is shipped of it counts again."""
    if body.property:
        plan = withdraw_property(name=body.name, property_name=body.property, clock=_CLOCK, **acting(request))
    else:
        plan = withdraw_event(name=body.name, clock=_CLOCK, **acting(request))
    return VersionOut(version=plan.version)


class PlanProblemOut(Schema):
    """One way in which events of one feed differ from the plan."""

    id: int
    source: str
    event: str
    problem: str = Field(examples=["unplanned_event"])
    property: str
    count: int
    first_at: datetime
    last_at: datetime
    example: dict[str, Any] = Field(description="Kind of the value and the event's id; nothing personal.")


class PlanProblemPage(Page):
    """Those seen most recently first."""

    items: list[PlanProblemOut]


class PlanProblemFilter(Paged):
    """Which differences."""

    source: Text = Field("", max_length=100)
    problem: Text = Field("", max_length=30)
    event: Text = Field("", max_length=200)


@router.read("/tracking-plan/problems", permission="data.view", returns=PlanProblemPage)
def show_plan_problems(request: HttpRequest, asked: Query[PlanProblemFilter]) -> PlanProblemPage:
    """What came otherwise than planned, those seen most recently first."""
    rows = list_problems(asked.source, asked.problem, asked.event)
    found, following = newest_page(request, asked, rows, by="last_at")
    return PlanProblemPage(items=[PlanProblemOut.from_orm(row) for row in found], next=following)


ProblemId = Annotated[Id, Path(ge=1, le=MAX_ID, description="Number of the difference.")]


@router.write("/tracking-plan/problems/{int:problem_id}", method="DELETE", permission="data.write", returns=None)
def dismiss_plan_problem(request: HttpRequest, problem_id: ProblemId) -> None:
    """Take a difference off the list; it comes back when it happens again."""
    if not dismiss_problem(problem_id=problem_id, clock=_CLOCK, **acting(request)):
        raise NotFoundError(_("There is no difference %(id)s on the list.") % {"id": problem_id})
