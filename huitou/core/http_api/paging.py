"""Pages of long lists by cursor: a row that comes in while somebody reads on is neither skipped nor shown twice."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import Field

from huitou.core.http_api.fields import is_storable
from huitou.core.http_api.problems import InvalidError

MAX_LIMIT = 200
Row = TypeVar("Row", bound=Model)
Position = Sequence[int | float | str | bool | None]


class Paged(Schema):
    """How much of a list, and from where on."""

    limit: int = Field(50, ge=1, le=MAX_LIMIT, description="Most entries in one answer.", examples=[50])
    cursor: str = Field(
        "", max_length=2_000, description="Where to read on: taken from `next` of the answer before, never made up."
    )


class Page(Schema):
    """One page of a list."""

    next: str | None = Field(
        description="Address of the next page, with all filters; null on the last one.",
        examples=["/api/v1/imports?limit=50&cursor=WyJmMGQ1Iiwi"],
    )


def write_cursor(request: HttpRequest, position: Position) -> str:
    """Where a list with the request's filters goes on."""
    text = json.dumps([_scope(request), *position], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(request: HttpRequest, cursor: str, kinds: Sequence[type | tuple[type, ...]]) -> list[Any] | None:
    """The position in a cursor, of values of these types; None without a cursor.

    Raises InvalidError for a cursor that was made up, or that belongs to other filters.
    """
    if not cursor:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise _foreign() from error
    if not isinstance(found, list) or len(found) != len(kinds) + 1 or found[0] != _scope(request):
        raise _foreign()
    position = found[1:]
    if not all(_fits(value, kind) for value, kind in zip(position, kinds, strict=True)):
        raise _foreign()
    return position


def _fits(value: object, kind: type | tuple[type, ...]) -> bool:
    """Whether a value of a cursor is of its type; true and false are no numbers, and whole ones fit the database."""
    if isinstance(value, bool) or not isinstance(value, kind):
        return False
    return not isinstance(value, int) or 0 <= abs(value) < 2**63


def next_link(request: HttpRequest, position: Position | None) -> str | None:
    """The address of the page after `position`; None where nothing follows."""
    if position is None:
        return None
    query = request.GET.copy()
    query["cursor"] = write_cursor(request, position)
    return f"{request.path}?{query.urlencode()}"


def newest_page(
    request: HttpRequest, paged: Paged, rows: QuerySet[Row], *, by: str = "created_at"
) -> tuple[list[Row], str | None]:
    """Rows with the greatest `by` (an instant) first, ties by the greater key; and the link to the page after."""
    found = read_cursor(request, paged.cursor, (str, int))
    if found is not None:
        at, key = _instant(found[0]), found[1]
        rows = rows.filter(Q(**{f"{by}__lt": at}) | Q(**{by: at, "pk__lt": key}))
    listed = list(rows.order_by(f"-{by}", "-pk")[: paged.limit + 1])
    last = listed[paged.limit - 1] if len(listed) > paged.limit else None
    position = None if last is None else (getattr(last, by).isoformat(), last.pk)
    return listed[: paged.limit], next_link(request, position)


def named_page(request: HttpRequest, paged: Paged, rows: QuerySet[Row], *, by: str) -> tuple[list[Row], str | None]:
    """Rows in the order of `by`, a unique text; and the link to the page after."""
    found = read_cursor(request, paged.cursor, (str,))
    if found is not None:
        if not is_storable(found[0]):
            raise _foreign()
        rows = rows.filter(**{f"{by}__gt": found[0]})
    listed = list(rows.order_by(by)[: paged.limit + 1])
    last = listed[paged.limit - 1] if len(listed) > paged.limit else None
    return listed[: paged.limit], next_link(request, None if last is None else (getattr(last, by),))


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise _foreign() from error
    if found.tzinfo is None or not 1900 < found.year < 2200:
        raise _foreign()
    return found


def _scope(request: HttpRequest) -> str:
    """What a cursor belongs to: the list and its filters, whatever the size of the pages."""
    filters = sorted((k, v) for k, v in request.GET.items() if k not in {"cursor", "limit"})
    return hashlib.sha256(json.dumps([request.path, filters]).encode()).hexdigest()[:12]


def _foreign() -> InvalidError:
    return InvalidError(
        _("This cursor does not belong to this list with these filters. Begin without one, and follow `next`."),
        place="query",
        field="cursor",
        reason="cursor_unknown",
    )
