"""Operations on plays: library, preview, launch and its states, rehearsals, copies, and readouts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language
from ninja import Schema
from pydantic import Field

from huitou.accounts.access_api import acting
from huitou.accounts.queries import get_brand
from huitou.core.http_api.fields import Body, Whole, Word
from huitou.core.http_api.operations import Operations
from huitou.journeys import services
from huitou.journeys.play import in_language, library
from huitou.journeys.plays.drafts import Draft, find_draft
from huitou.journeys.plays.launching import copy_play, launch_document, launch_draft, readout_document_of
from huitou.journeys.plays.preview import preview
from huitou.journeys.plays.rehearsing import Asked, find_rehearsal, start_rehearsal
from huitou.journeys.queries import get_launch, list_journeys, list_launches

router = Operations("decide")
Name = Annotated[Word, Field(max_length=60)]


class PlayOut(Schema):
    """One ready play, or a journey of one's own."""

    name: str = Field(examples=["win_back_60d"])
    title: str
    summary: str = ""
    stage: str = Field("", description="reach, activate, retain or convert; empty for one's own.")
    is_ready_play: bool


class PlayLaunchOut(Schema):
    """One dated launch."""

    launch: int
    journey: str
    version: int
    title: str
    state: str = Field(examples=["running"])
    starts_at: datetime
    ends_at: datetime | None
    control_bp: int = Field(description="Share kept as control, in basis points.")
    window_days: int
    experiment: str
    result_at: datetime | None = Field(description="When the result is read, and not before.")
    terms: dict[str, Any]


class PlaysOut(Schema):
    """The library, one's own journeys, and every launch, the newest first."""

    items: list[PlayOut]
    launches: list[PlayLaunchOut]


class PlayDraftIn(Body):
    """A play with settings: what it leaves out keeps its default."""

    parameters: dict[str, Any] = Field(default_factory=dict, examples=[{"silent_days": 60}])
    channels: list[Name] = Field(
        default_factory=list, description="Send over these, in order of preference.", max_length=10
    )


class PlayPreviewIn(PlayDraftIn):
    """What to preview."""

    control_bp: Annotated[Whole, Field(ge=0, le=9000)] | None = Field(None, description="null: as suggested.")
    enroll_days: Annotated[Whole, Field(ge=1, le=366)] | None = None


class PlayPreviewOut(Schema):
    """What a launch would come to; rates 0 to 1, money in minor units."""

    name: str
    title: str
    as_of: datetime
    who: str
    trigger: str
    now_count: int | None = Field(description="Who comes in at once; null: only events let in.")
    sample: list[dict[str, Any]] = Field(description="Some of them, names masked.")
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
    detectable: float | None = Field(description="Smallest rise of the repurchase rate that could be seen.")
    steps: list[dict[str, Any]]
    cost_minor: int
    currency: str


class PlayLaunchIn(PlayDraftIn):
    """What to launch. The header Idempotency-Key makes it happen once."""

    control_bp: Annotated[Whole, Field(ge=0, le=9000)]
    enroll_days: Annotated[Whole, Field(ge=1, le=366)] | None = None
    looks: Annotated[Whole, Field(ge=0, le=10, description="Planned looks at the result before its end.")] = 0
    beside: bool = Field(False, description="Although the same play runs already.")


class PlayReadoutOut(Schema):
    """What a launch has done so far, and what its experiment shows."""

    launch: PlayLaunchOut
    numbers: dict[str, Any]
    readout: dict[str, Any]


class PlayCopyIn(PlayDraftIn):
    """A journey of one's own."""

    name: Name
    title: Annotated[str, Field(max_length=120)] = ""


class PlayCopyOut(Schema):
    """The journey that was made."""

    name: str
    title: str


class RehearsalIn(PlayDraftIn):
    """What to rehearse."""

    control_bp: Annotated[Whole, Field(ge=0, le=9000)] | None = Field(None, description="null: as suggested.")
    enroll_days: Annotated[Whole, Field(ge=1, le=366)] | None = Field(
        None, description="For how many days customers would come in; the suggestion goes by it."
    )


class RehearsalOut(Schema):
    """How far a rehearsal is, and its result once it is there."""

    key: str
    state: str = Field(examples=["waiting", "running", "done", "failed"])
    error: str = ""
    result: dict[str, Any] | None = None


def _draft(name: str, body: PlayDraftIn) -> Draft:
    draft = find_draft(name, body.parameters)
    return draft.through(tuple(body.channels)) if body.channels else draft


@router.read("/plays", permission="plays.view", returns=PlaysOut)
def list_plays(request: HttpRequest) -> dict[str, Any]:
    """The ready plays, one's own journeys, and every launch."""
    items = [
        PlayOut(
            name=play.name,
            title=in_language(play.title),
            summary=in_language(play.summary),
            stage=play.stage,
            is_ready_play=True,
        )
        for play in library().values()
    ]
    items += [
        PlayOut(name=journey.name, title=journey.title, summary=journey.description, stage="", is_ready_play=False)
        for journey in list_journeys()
        if journey.name not in library()
    ]
    return {"items": items, "launches": [launch_document(one) for one in list_launches()[:200]]}


@router.read("/plays/{name}/previews", method="POST", permission="plays.view", returns=PlayPreviewOut)
def preview_play(request: HttpRequest, name: str, body: PlayPreviewIn) -> dict[str, Any]:
    """Who would be contacted, how many, at what cost, and what effect could be proven. Keeps nothing."""
    found = preview(_draft(name, body), brand=get_brand(), control_bp=body.control_bp, enroll_days=body.enroll_days)
    return found.to_json()


@router.write("/plays/{name}/launches", permission="plays.write", returns=PlayLaunchOut, status=201)
def launch_play(request: HttpRequest, name: str, body: PlayLaunchIn) -> dict[str, Any]:
    """Launch a play now; control share, outcome window and end are fixed from then on."""
    given = request.headers.get("Idempotency-Key", "")
    made = launch_draft(
        _draft(name, body),
        clock=get_brand().clock,
        control_bp=body.control_bp,
        enroll_days=body.enroll_days,
        looks=body.looks,
        key=f"api:{given}"[:100] if given else "",
        beside=body.beside,
        **acting(request),
    )
    return launch_document(made)


@router.write("/plays/{name}/copies", permission="plays.write", returns=PlayCopyOut, status=201)
def copy_a_play(request: HttpRequest, name: str, body: PlayCopyIn) -> PlayCopyOut:
    """Make a journey of one's own that does what the play does, to be edited."""
    made = copy_play(_draft(name, body), name=body.name, title=body.title, clock=get_brand().clock, **acting(request))
    return PlayCopyOut(name=made.name, title=made.title)


@router.write("/plays/{name}/rehearsals", permission="plays.write", returns=RehearsalOut, status=202)
def rehearse_play(request: HttpRequest, name: str, body: RehearsalIn) -> dict[str, Any]:
    """Have the worker rehearse a play over the past month; ask for the result by its key."""
    asked = Asked(
        name=name,
        parameters=body.parameters,
        channels=tuple(body.channels),
        control_bp=body.control_bp,
        enroll_days=body.enroll_days,
    )
    key = start_rehearsal(settings.HOME, asked, language=get_language() or settings.LANGUAGE_CODE)
    return _rehearsal(key)


@router.read("/plays/{name}/rehearsals/{key}", permission="plays.view", returns=RehearsalOut)
def show_rehearsal(request: HttpRequest, name: str, key: str) -> dict[str, Any]:
    """How far a rehearsal is; its result once it is over."""
    find_draft(name)
    return _rehearsal(key)


def _rehearsal(key: str) -> dict[str, Any]:
    found = find_rehearsal(settings.HOME, key)
    state = found.state.state if found.state else "done" if found.result else "unknown"
    return {
        "key": key,
        "state": "done" if found.result else state,
        "error": found.state.error if found.state else "",
        "result": found.result.to_json() if found.result else None,
    }


@router.read("/play-launches/{number}", permission="plays.view", returns=PlayReadoutOut)
def read_launch(request: HttpRequest, number: int) -> dict[str, Any]:
    """What a launch has done so far and, once its end has passed, what it caused."""
    return readout_document_of(get_launch(number), get_brand().tz)


@router.write("/play-launches/{number}/pause", permission="plays.write", returns=PlayLaunchOut)
def pause_launch(request: HttpRequest, number: int) -> dict[str, Any]:
    """Hold a launch: nobody comes in, nobody goes on."""
    return launch_document(services.pause(launch=get_launch(number), clock=get_brand().clock, **acting(request)))


@router.write("/play-launches/{number}/pause", method="DELETE", permission="plays.write", returns=PlayLaunchOut)
def resume_launch(request: HttpRequest, number: int) -> dict[str, Any]:
    """Let a launch that was held go on."""
    return launch_document(services.resume(launch=get_launch(number), clock=get_brand().clock, **acting(request)))


@router.write("/play-launches/{number}/stop", permission="plays.write", returns=PlayLaunchOut)
def stop_launch(request: HttpRequest, number: int) -> dict[str, Any]:
    """End a launch for good; what has not gone out is taken back."""
    return launch_document(services.stop(launch=get_launch(number), clock=get_brand().clock, **acting(request)))
