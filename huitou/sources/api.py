"""Operations of the Data page: files on their way in, imports, and the example brand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import FileResponse, HttpRequest
from django.utils.translation import gettext as _
from ninja import File, Path, Query, Schema
from ninja.files import UploadedFile
from pydantic import Field

from huitou.accounts.access_api import acting
from huitou.accounts.queries import get_brand
from huitou.console.formats import mask_name, mask_phone, mask_text
from huitou.core.clock import SystemClock
from huitou.core.http_api.fields import MAX_ID, Body, Id, Text, Whole
from huitou.core.http_api.operations import Operations
from huitou.core.http_api.paging import Page, Paged, newest_page
from huitou.core.http_api.problems import NotFoundError
from huitou.customers.identifier_kind import show_identifier
from huitou.customers.queries import customers_of, find_person
from huitou.sources import queueing, services
from huitou.sources.connectors.complete_journey.loading import example_status
from huitou.sources.events import list_events
from huitou.sources.importing.options import ImportOptions, list_presets, read_preset
from huitou.sources.job_progress import JobState, read_state
from huitou.sources.models import ImportRun
from huitou.sources.queries import find_import, import_report, list_imports
from huitou.sources.reject_files import take_reject_file
from huitou.sources.tasks import EXAMPLE, import_job_name
from huitou.sources.uploads import Upload, discard_upload, find_upload, keep_upload

router = Operations("connect")
_PREVIEW_ROWS = 20
UploadId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="From the answer to sending the file.")]
PersonId = Annotated[Id, Path(ge=1, le=MAX_ID, description="Number of the customer, `person_id`.")]
ImportId = Annotated[Id, Path(ge=1, le=MAX_ID, description="Number of the import.")]
Kind = Literal["orders", "customers", "products"]


class UploadOut(Schema):
    """A kept file, of which nothing is imported yet."""

    upload: str = Field(examples=["3f2a9c0d4e5b6a7988776655443322aa"])
    file_name: str = Field(examples=["orders.csv"])
    lines_file_name: str | None = Field(description="The separate file of order lines.")


@router.write("/uploads", permission="data.write", returns=UploadOut, status=201)
def send_file(
    request: HttpRequest,
    file: Annotated[UploadedFile, File(description="CSV, TSV, Excel or Parquet.")],
    lines: Annotated[UploadedFile | None, File(description="Order lines, where they are a file of their own.")] = None,
) -> UploadOut:
    """Send a file; nothing is imported yet.

    Preview it with `POST /uploads/{upload}/preview`, import it with `POST /imports`, or discard it.
    """
    kept = keep_upload(file, lines, home=settings.HOME, limit=settings.UPLOAD_MAX_BYTES)
    return UploadOut(
        upload=kept.token, file_name=kept.path.name, lines_file_name=kept.lines.name if kept.lines else None
    )


@router.write("/uploads/{upload}", method="DELETE", permission="data.write", returns=None)
def discard_file(request: HttpRequest, upload: UploadId) -> None:
    """Delete a kept file that is not to be imported."""
    _kept(upload)
    discard_upload(upload, home=settings.HOME)


Column = Annotated[Text, Field(max_length=300)]


class ReadingIn(Body):
    """How a file is to be read; what is left out is recognized."""

    kind: Kind = "orders"
    preset: Annotated[Text, Field(max_length=50)] = Field(
        "", description="A ready mapping: see GET /import-presets.", examples=["taobao"]
    )
    source: Annotated[Text, Field(max_length=100)] = Field(
        "", description="Feed name: order numbers are unique inside one.", examples=["tmall"]
    )
    columns: dict[Column, Column] = Field(
        {}, max_length=200, description="Field to column.", examples=[{"order_id": "订单号"}]
    )
    constants: dict[Column, Column] = Field({}, max_length=50, description="Field to one value for all rows.")
    values: dict[Column, dict[Column, Column]] = Field(
        {}, max_length=10, description="By field: what a shop's word means.", examples=[{"status": {"已发货": "paid"}}]
    )
    platform: Annotated[Text, Field(max_length=50)] = Field(
        "", description="Platform whose buyers the file names; with the source it makes the shop.", examples=["taobao"]
    )
    refund_prefix: Annotated[Text, Field(max_length=20)] = Field("", description="Order numbers with it are refunds.")
    zone: Annotated[Text, Field(max_length=64)] = Field("", description="Time zone of the file; empty: the brand's.")
    encoding: Literal["", "utf-8", "gb18030", "utf-16"] = ""
    separator: Literal["", "comma", "tab", "semicolon", "pipe"] = ""
    date_order: Literal["", "ymd", "dmy", "mdy"] = ""
    sheet: Annotated[Text, Field(max_length=100)] = ""

    def options(self) -> ImportOptions:
        """As the importer takes them. Raises MappingFileError."""
        given = {name: value for name, value in self.dict(exclude={"kind", "preset", "upload"}).items() if value}
        told = ImportOptions.from_json(given)
        return told.over(read_preset(self.preset)) if self.preset else told


class CountsOut(Schema):
    """What is in a file."""

    rows: int
    accepted: int
    rejected: int
    orders: int
    customers: int


class PreviewOut(Schema):
    """What importing a file would do."""

    headers: list[str]
    mapping: dict[str, Any] = Field(description="Fields with the columns they are read from.")
    detected: dict[str, Any] = Field(description="Format, encoding, separator, forms of time.")
    counts: CountsOut
    problems: list[dict[str, Any]] = Field(description="Rejections by reason, with counts and an example.")
    warnings: list[dict[str, Any]]
    understood: list[dict[str, str | None]] = Field(
        description="The first accepted rows as they would be taken in; personal data are masked."
    )


@router.read("/uploads/{upload}/preview", method="POST", permission="data.write", returns=PreviewOut)
def preview_file(request: HttpRequest, upload: UploadId, body: ReadingIn) -> PreviewOut:
    """What importing a kept file would do: mapping, counts, rejections. Nothing is stored."""
    kept = _kept(upload)
    found = services.preview_file(
        path=kept.path, lines_path=kept.lines, kind=body.kind, options=body.options(), limit=_PREVIEW_ROWS
    )
    return PreviewOut(
        headers=list(found.mapping.headers),
        mapping=found.mapping.to_json(),
        detected=found.detected,
        counts=CountsOut.from_orm(found.counts),
        problems=[_without_names(problem) for problem in found.problems],
        warnings=[_without_names(warning) for warning in found.warnings],
        understood=[{name: _masked(name, value) for name, value in row.items()} for row in found.understood],
    )


def _masked(name: str, value: str | None) -> str | None:
    if not value:
        return value
    if name == "customer_id":
        return show_identifier("customer_id", value)
    phones, names = ("phone", "recipient_phone"), ("name", "customer_name", "recipient_name")
    return mask_phone(value) if name in phones else mask_name(value) if name in names else str(value)


def _without_names(problem: dict[str, Any]) -> dict[str, Any]:
    """A rejection with the phones and e-mail addresses in its example masked."""
    example = problem.get("example")
    if not isinstance(example, dict) or not isinstance(example.get("value"), str):
        return problem
    return {**problem, "example": {**example, "value": mask_text(example["value"])}}


class PresetsOut(Schema):
    """Ready mappings."""

    items: list[str] = Field(examples=[["douyin", "jushuitan", "taobao", "youzan"]])


@router.read("/import-presets", permission="data.view", returns=PresetsOut)
def show_presets(request: HttpRequest) -> PresetsOut:
    """Ready mappings for files of known shop systems."""
    return PresetsOut(items=list_presets())


class JobOut(Schema):
    """How far a job is."""

    state: Literal["waiting", "running", "done", "failed"]
    step: str
    percent: int | None = Field(description="Of the present step, 0 to 100; null where the end is not known.")
    error: str


class ImportOut(CountsOut):
    """One file on its way in, or taken in."""

    id: int
    kind: Kind
    source: str
    file_name: str
    state: Literal["uploaded", "preparing", "prepared", "claimed", "done", "failed"]
    error: str
    has_rejects: bool = Field(description="Whether there is a file of refused rows.")
    created_at: datetime
    finished_at: datetime | None
    created_by: str | None
    job: JobOut | None = Field(description="How far the worker is with it and the refresh after it.")


class ImportDetail(ImportOut):
    """One import with everything it has to say."""

    mapping: dict[str, Any]
    detected: dict[str, Any]
    problems: list[dict[str, Any]] = Field(description="Rejections by reason, with counts and an example.")
    warnings: list[dict[str, Any]]


class ImportIn(ReadingIn):
    """A kept file to import, and how to read it."""

    upload: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] = Field(examples=["3f2a9c0d4e5b6a7988776655443322aa"])


class ImportPage(Page):
    """Imports, newest first."""

    items: list[ImportOut]


class ImportFilter(Paged):
    """Which imports."""

    kind: Literal["", "orders", "customers", "products"] = ""
    state: Literal["", "uploaded", "preparing", "prepared", "claimed", "done", "failed"] = ""


@router.read("/imports", permission="data.view", returns=ImportPage)
def show_imports(request: HttpRequest, asked: Query[ImportFilter]) -> ImportPage:
    """Imports, newest first."""
    chosen = {name: value for name in ("kind", "state") if (value := getattr(asked, name))}
    found, following = newest_page(request, asked, list_imports().filter(**chosen))
    return ImportPage(items=[ImportOut(**_told(run)) for run in found], next=following)


@router.write("/imports", permission="data.write", returns=ImportDetail, status=202)
def import_file(request: HttpRequest, body: ImportIn) -> ImportDetail:
    """Import a kept file; the worker does it, and `GET /imports/{id}` tells how far it is.

    The same file in the same way is the same import: sent twice, nothing is counted twice.
    """
    kept, asking = _kept(body.upload), acting(request)
    run = services.start_import(
        path=kept.path,
        lines_path=kept.lines,
        kind=body.kind,
        options=body.options(),
        user=asking["actor"],
        actor_label=asking["actor_label"],
    )
    queueing.queue_import(run, clock=SystemClock(), **asking)
    return _detail(run)


@router.read("/imports/{int:import_id}", permission="data.view", returns=ImportDetail)
def show_import(request: HttpRequest, import_id: ImportId) -> ImportDetail:
    """One import: how far it is, what came of it, what was refused and why."""
    return _detail(_get(import_id))


@router.file("/imports/{int:import_id}/rejects", permission="data.write", media_types=("text/csv",))
def download_rejects(request: HttpRequest, import_id: ImportId) -> FileResponse:
    """The refused rows as they stood in the file, with row number, column and reason; each download is audited."""
    run = _get(import_id)
    file = take_reject_file(run=run, home=settings.HOME, clock=SystemClock(), **acting(request))
    if file is None:
        raise NotFoundError(_("Import %(id)s has no refused rows.") % {"id": import_id})
    return FileResponse(file.open("rb"), as_attachment=True, filename=file.name, content_type="text/csv")


def _get(import_id: int) -> ImportRun:
    run = find_import(import_id)
    if run is None:
        raise NotFoundError(_("There is no import %(id)s.") % {"id": import_id})
    return run


def _kept(token: str) -> Upload:
    kept = find_upload(token, home=settings.HOME)
    if kept is None:
        raise NotFoundError(_("There is no kept file %(token)s; send it again.") % {"token": token})
    return kept


def _told(run: ImportRun) -> dict[str, Any]:
    return {
        "id": run.pk,
        **{name: getattr(run, name) for name in ("kind", "source", "file_name", "state", "error")},
        **{name: getattr(run, name) for name in ("rows", "accepted", "rejected", "orders", "customers")},
        "has_rejects": bool(run.reject_path),
        "created_at": run.created_at,
        "finished_at": run.finished_at,
        "created_by": run.created_by.get_username() if run.created_by else run.created_label or None,
        "job": _job(read_state(settings.HOME, import_job_name(run.pk))),
    }


def _detail(run: ImportRun) -> ImportDetail:
    report = import_report(run)
    parts = {name: report[name] for name in ("mapping", "detected")}
    parts |= {name: [_without_names(problem) for problem in report[name]] for name in ("problems", "warnings")}
    return ImportDetail(**_told(run), **parts)


def _job(state: JobState | None) -> JobOut | None:
    return None if state is None else JobOut(**_plain(state))


def _plain(state: JobState) -> dict[str, Any]:
    return {"state": state.state, "step": state.step, "percent": state.percent, "error": state.error}


class ExampleOut(Schema):
    """The example brand as it is now."""

    state: Literal["empty", "own", "loading", "ready", "removing"] = Field(
        description="empty: nothing in the store; own: it holds a brand's own data."
    )
    scope: str = Field(description="brand, or all for the whole grocer.", examples=["brand"])
    now: str | None = Field(description="The example's now, in its own zone.")
    ends: str | None = Field(description="The end of its data.")
    days_left: int = Field(description="Days that are still hidden.")
    lines: int
    customers: int
    products: int
    events: int
    job: JobOut | None = Field(description="How far the worker is with it.")


class AdvanceIn(Body):
    """How far to move the example's clock."""

    days: Annotated[Whole, Field(ge=1, le=366)] = Field(examples=[7])


@router.read("/example", permission="metrics.view", returns=ExampleOut)
def show_example(request: HttpRequest) -> ExampleOut:
    """How far the example is, and what is visible of it."""
    return _example()


@router.write("/example", permission="data.write", returns=ExampleOut, status=202)
def load_example(request: HttpRequest) -> ExampleOut:
    """Load the example into an empty store; the worker does it."""
    queueing.queue_example_load(clock=SystemClock(), **acting(request))
    return _example()


@router.write("/example/advances", permission="data.write", returns=ExampleOut, status=202)
def advance_example(request: HttpRequest, body: AdvanceIn) -> ExampleOut:
    """Move the example's clock on: the purchases of those days arrive."""
    queueing.queue_example_advance(days=body.days, clock=SystemClock(), **acting(request))
    return _example()


@router.write("/example", method="DELETE", permission="data.write", returns=ExampleOut, status=202)
def remove_example(request: HttpRequest) -> ExampleOut:
    """Empty the store of the example, for one's own data."""
    queueing.queue_example_removal(clock=SystemClock(), **acting(request))
    return _example()


def _example() -> ExampleOut:
    job = _job(read_state(settings.HOME, EXAMPLE))
    told: dict[str, Any] = example_status().to_json()
    return ExampleOut(**told, job=job)


class EventOut(Schema):
    """Something that happened to a customer besides orders."""

    at: datetime
    title: str = Field(examples=["Page viewed"])
    detail: str


class EventsOut(Schema):
    """What happened to a customer, newest first."""

    items: list[EventOut]


class EventFilter(Schema):
    """How many events."""

    limit: int = Field(30, ge=1, le=200)


@router.read("/customers/{int:person_id}/events", permission="customers.view", returns=EventsOut, section="understand")
def show_customer_events(request: HttpRequest, person_id: PersonId, asked: Query[EventFilter]) -> EventsOut:
    """What happened to a customer besides orders, newest first, as of the last refresh."""
    if find_person(person_id) is None:
        raise NotFoundError(_("There is no customer %(id)s.") % {"id": person_id})
    customer = customers_of([person_id])[person_id]
    events = list_events(customer, currency=get_brand().currency, limit=asked.limit)
    return EventsOut(items=[EventOut(at=event.at, title=event.title, detail=event.detail) for event in events])
