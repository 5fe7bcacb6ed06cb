"""Operations on journeys: drafts, versions, publishing, launches as they stand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Schema
from pydantic import Field, JsonValue

from huitou.accounts.access_api import acting
from huitou.accounts.queries import get_brand
from huitou.core.http_api.fields import MAX_ID, Body, Id, Text, Word
from huitou.core.http_api.operations import Operations
from huitou.journeys import queries, services
from huitou.journeys.definition import find_problems
from huitou.journeys.models import Journey, JourneyVersion, Launch
from huitou.journeys.schema import definition_schema
from huitou.journeys.titles import journey_title, launch_title

router = Operations("decide")
JourneyName = Annotated[Word, Path(max_length=60, description="Short name of the journey.", examples=["win-back"])]
LaunchId = Annotated[Id, Path(ge=1, le=MAX_ID, description="Number of the launch.")]
Definition = Annotated[
    dict[str, JsonValue],
    Field(
        max_length=50,
        description="See `GET /journey-schema`.",
        examples=[{"trigger": {"kind": "event", "event": "Order Completed"}, "steps": [{"id": "end", "kind": "exit"}]}],
    ),
]


class ProblemOut(Schema):
    """One thing that keeps a definition from being published."""

    path: str = Field(description="JSON path.", examples=["$.steps[2].next"])
    code: str = Field(examples=["unknown_step"])
    message: str


class JourneyVersionOut(Schema):
    """One version of a journey. A live one never changes."""

    number: int
    state: Literal["draft", "live"]
    changed_at: datetime
    published_at: datetime | None


class JourneyOut(Schema):
    """One journey with its versions, the newest first."""

    name: str = Field(examples=["win-back"])
    title: str
    play: str = Field(description="The play of the library that it was made of; may be empty.")
    archived_at: datetime | None
    versions: list[JourneyVersionOut]


class JourneysOut(Schema):
    """Every journey, by title."""

    items: list[JourneyOut]


class DraftOut(Schema):
    """A version with its definition and what is wrong with it."""

    journey: str
    version: JourneyVersionOut
    definition: dict[str, Any]
    problems: list[ProblemOut]


class JourneySchemaOut(Schema):
    """JSON Schema 2020-12 of a definition."""

    definition: dict[str, Any]


class JourneyIn(Body):
    """A new journey with its first draft, which may be unfinished."""

    name: Annotated[Word, Field(max_length=60, pattern=r"^[A-Za-z0-9_-]+$")]
    title: Annotated[Word, Field(max_length=120)]
    definition: Definition


class DraftIn(Body):
    """A draft; a live version is left as it is."""

    definition: Definition
    title: Annotated[Text, Field(max_length=120)] = ""


class StepCountOut(Schema):
    """Customers at one step."""

    step: str
    here: int = Field(description="There now.")
    came: int = Field(description="Came to it ever.")


class LaunchOut(Schema):
    """One launch as it stands."""

    id: int
    journey: str
    version: int
    title: str
    state: Literal["scheduled", "running", "paused", "stopped", "ended"]
    trouble: str = Field(description="Why it stands still; empty where it does not.")
    starts_at: datetime
    ends_at: datetime | None
    control_bp: int
    window_days: int
    experiment: str
    entered: int
    active: int
    by_arm: dict[str, int]
    by_exit: dict[str, int]
    steps: list[StepCountOut]


@router.read("/journey-schema", permission="plays.view", returns=JourneySchemaOut)
def show_journey_schema(request: HttpRequest) -> JourneySchemaOut:
    """The JSON Schema of a journey's definition."""
    return JourneySchemaOut(definition=definition_schema())


@router.read("/journeys", permission="plays.view", returns=JourneysOut)
def list_journeys(request: HttpRequest) -> JourneysOut:
    """Every journey that was not put away."""
    return JourneysOut(items=[_journey(journey) for journey in queries.list_journeys()])


@router.write("/journeys", permission="plays.write", returns=DraftOut, status=201)
def create_journey(request: HttpRequest, body: JourneyIn) -> DraftOut:
    """Make a journey."""
    draft = services.create_journey(
        name=body.name, title=body.title, definition=body.definition, clock=get_brand().clock, **acting(request)
    )
    return _draft(draft)


@router.read("/journeys/{name}", permission="plays.view", returns=DraftOut)
def show_journey(request: HttpRequest, name: JourneyName) -> DraftOut:
    """The newest version of a journey: the draft where there is one."""
    return _draft(queries.newest_version(queries.get_journey(name)))


@router.write("/journeys/{name}/draft", method="PUT", permission="plays.write", returns=DraftOut)
def save_journey_draft(request: HttpRequest, name: JourneyName, body: DraftIn) -> DraftOut:
    """Keep a definition as the draft."""
    draft = services.save_draft(
        journey=queries.get_journey(name),
        definition=body.definition,
        title=body.title or None,
        clock=get_brand().clock,
        **acting(request),
    )
    return _draft(draft)


@router.write("/journeys/{name}/publication", permission="plays.write", returns=DraftOut)
def publish_journey(request: HttpRequest, name: JourneyName) -> DraftOut:
    """Make the draft the live version; refused with every problem where it cannot run."""
    version = services.publish(journey=queries.get_journey(name), clock=get_brand().clock, **acting(request))
    return _draft(version)


@router.write("/journeys/{name}", method="DELETE", permission="plays.write", returns=None)
def archive_journey(request: HttpRequest, name: JourneyName) -> None:
    """Put a journey away; it must not run."""
    services.archive_journey(journey=queries.get_journey(name), clock=get_brand().clock, **acting(request))


@router.read("/launches/{launch_id}", permission="plays.view", returns=LaunchOut)
def show_launch(request: HttpRequest, launch_id: LaunchId) -> LaunchOut:
    """One launch with its live counts."""
    return launch_out(queries.get_launch(launch_id))


def launch_out(launch: Launch) -> LaunchOut:
    """A launch as programs see it."""
    counts = queries.launch_counts(launch)
    steps = queries.counts_by_step(launch.version, launch)
    return LaunchOut(
        id=launch.pk,
        journey=launch.version.journey.name,
        version=launch.version.number,
        title=launch_title(launch),
        state=launch.state,  # type: ignore[arg-type]  # checked by the schema
        trouble=launch.trouble,
        starts_at=launch.starts_at,
        ends_at=launch.ends_at,
        control_bp=launch.control_bp,
        window_days=launch.window_days,
        experiment=launch.experiment,
        entered=counts.entered,
        active=counts.active,
        by_arm=dict(counts.by_arm),
        by_exit=dict(counts.by_exit),
        steps=[StepCountOut(step=name, here=c.here, came=c.came) for name, c in sorted(steps.items())],
    )


def _journey(journey: Journey) -> JourneyOut:
    return JourneyOut(
        name=journey.name,
        title=journey_title(journey),
        play=journey.play,
        archived_at=journey.archived_at,
        versions=[_version(version) for version in journey.versions.order_by("-number")],
    )


def _version(version: JourneyVersion) -> JourneyVersionOut:
    return JourneyVersionOut(
        number=version.number,
        state=version.state,  # type: ignore[arg-type]  # checked by the schema
        changed_at=version.changed_at,
        published_at=version.published_at,
    )


def _draft(version: JourneyVersion) -> DraftOut:
    return DraftOut(
        journey=version.journey.name,
        version=_version(version),
        definition=version.definition,
        problems=[ProblemOut(path=p.path, code=p.code, message=p.text) for p in find_problems(version.definition)],
    )
