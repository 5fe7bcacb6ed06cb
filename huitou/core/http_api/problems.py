"""What goes wrong at the API, told by RFC 9457: one form for every refusal, in the caller's language."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError
from pydantic import Field

from huitou.core.errors import DomainError
from huitou.core.http_api.fields import field_problems

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_RETRY_SECONDS = 5
# Mark of a request whose file was larger than allowed.
TOO_LARGE = "huitou.upload_too_large"


class FieldProblem(Schema):
    """One value that cannot be used."""

    place: str = Field(description="Where the value was given: body, query, path, header or file.", examples=["query"])
    field: str = Field(description="Name of the value; parts of a nested one are divided by dots.", examples=["limit"])
    code: str = Field(description="Stable code of what is wrong.", examples=["less_than_equal"])
    message: str = Field(
        description="What is wrong and how to mend it, in the caller's language.",
        examples=["200 is the most; give a smaller number."],
    )


class Problem(Schema):
    """A refusal as RFC 9457 writes it (application/problem+json)."""

    type: str = Field(
        description="The kind of problem as a URN; `code` repeats its end.",
        examples=["urn:huitou:problem:unauthorized"],
    )
    title: str = Field(description="The HTTP status in words.", examples=["Unauthorized"])
    status: int = Field(description="The HTTP status.", examples=[401])
    code: str = Field(description="Stable code for programs.", examples=["unauthorized"])
    detail: str = Field(
        description="What is wrong and how to mend it, in the language of Accept-Language (zh-Hans or en).",
        examples=["No key was given. Send the header Authorization: Bearer KEY."],
    )
    errors: list[FieldProblem] | None = Field(None, description="Every value that cannot be used, for code `invalid`.")
    missing: str | None = Field(
        None, description="The permission that the caller lacks, for code `forbidden`.", examples=["customers.write"]
    )


class ApiError(DomainError):
    """A refusal of the API itself. `headers` go into the answer, `missing` names a permission."""

    headers: Mapping[str, str] = {}
    missing: str | None = None


class NotFoundError(ApiError):
    """What the address names does not exist."""

    code = "not_found"
    status = 404


class InvalidError(ApiError):
    """A value is of the right form and still cannot be used."""

    code = "invalid"
    status = 422

    def __init__(self, message: str, *, place: str, field: str, reason: str) -> None:
        super().__init__(message)
        self.errors = [FieldProblem(place=place, field=field, code=reason, message=message)]


def titles() -> dict[int, str]:
    """The statuses of problems in words."""
    return {
        400: _("Bad request"),
        401: _("Not signed in"),
        403: _("Not allowed"),
        404: _("Not found"),
        405: _("Method not allowed"),
        409: _("Conflict"),
        410: _("Gone"),
        413: _("Too large"),
        415: _("Unsupported form"),
        422: _("Cannot be used"),
        429: _("Too many requests"),
        500: _("Internal error"),
        503: _("Out of service"),
        507: _("No room"),
    }


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[FieldProblem] | None = None,
    missing: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """A refusal as an answer; what does not apply is left out."""
    told: dict[str, Any] = {
        "type": f"urn:huitou:problem:{code}",
        "title": titles().get(status, str(status)),
        "status": status,
        "code": code,
        "detail": detail,
    }
    if errors:
        told["errors"] = [error.dict() for error in errors]
    if missing:
        told["missing"] = missing
    body = json.dumps(told, ensure_ascii=False)
    return HttpResponse(body, status=status, content_type=MEDIA_TYPE, headers=dict(headers or {}))


def problem_of(error: Exception) -> HttpResponse:
    """The answer to an exception. What nobody anticipated is logged and told without its insides."""
    if isinstance(error, HttpError) and error.__cause__ is not None:
        # The framework wraps whatever the reading of the body raised.
        cause = error.__cause__
        error = cause if isinstance(cause, DomainError | RequestDataTooBig | UnreadablePostError) else error
    if isinstance(error, DomainError):
        return problem(
            error.status,
            error.code,
            str(error),
            errors=getattr(error, "errors", None),
            missing=getattr(error, "missing", None),
            headers=getattr(error, "headers", None),
        )
    if isinstance(error, ValidationError):
        found = [FieldProblem(**found) for found in field_problems(error.errors)]
        text = ngettext(
            "%(count)d value cannot be used; see errors.", "%(count)d values cannot be used; see errors.", len(found)
        )
        return problem(422, "invalid", text % {"count": len(found)}, errors=found)
    return _known(error) or _unknown(error)


def _known(error: Exception) -> HttpResponse | None:
    """Django's own refusals, and a database that is away."""
    if isinstance(error, Http404):
        return problem(404, "not_found", _("There is nothing at this address."))
    if isinstance(error, PermissionDenied):
        return problem(403, "forbidden", _("This is not allowed."))
    if isinstance(error, RequestDataTooBig):
        return problem(413, "too_large", _("The body is too large. Send less at once, or send a file."))
    if isinstance(error, HttpError):
        detail = _("The body cannot be read as JSON.") if error.status_code == 400 else str(error)
        return problem(error.status_code, "unreadable", detail)
    if isinstance(error, BadRequest | SuspiciousOperation | MultiPartParserError | UnreadablePostError):
        return problem(400, "unreadable", _("The request cannot be read. Send it whole and as the reference says."))
    if isinstance(error, OperationalError | InterfaceError):
        logger.warning("the database does not answer: %s", error)
        detail = _("The database does not answer. Try again in some seconds.")
        return problem(503, "database_away", detail, headers={"Retry-After": str(_RETRY_SECONDS)})
    return None


def _unknown(error: Exception) -> HttpResponse:
    logger.error("an operation of the API failed", exc_info=error)
    return problem(500, "internal", _("Something went wrong on our side. The log of the server says what."))


def answer_with_problems(api: NinjaAPI) -> None:
    """Let every exception of an operation become a problem."""

    def handle(request: HttpRequest, error: Any) -> HttpResponse:
        # A file beyond the limit is not read to its end, so it is missing besides.
        return problem_of(RequestDataTooBig() if TOO_LARGE in request.META else error)

    for kind in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(kind, handle)
