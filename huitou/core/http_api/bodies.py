"""Reading the JSON of a request without letting it do harm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.parser import Parser

from huitou.core.http_api.fields import is_storable
from huitou.core.http_api.problems import ApiError, InvalidError

MAX_DEPTH = 32


class NotJsonError(ApiError):
    """The body cannot be read as JSON."""

    code = "unreadable"


class NotJsonTypeError(ApiError):
    """The body says that it is something other than JSON."""

    code = "unsupported_media_type"
    status = 415


class JsonParser(Parser):
    """JSON as RFC 8259 has it: UTF-8, no NaN, not nested without end, no text that cannot be stored."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        # The framework hands over a bare carrier of bytes for parts of forms.
        kind = request.content_type if request.META else "application/json"
        if kind != "application/json":
            raise NotJsonTypeError(_("Send the body as JSON, with the header Content-Type: application/json."))
        try:
            found: dict[str, Any] = json.loads(request.body.decode("utf-8"), parse_constant=_refuse_constant)
        except RecursionError as error:
            raise _too_deep() from error
        except ValueError as error:
            raise NotJsonError(_("The body cannot be read as JSON: %(why)s.") % {"why": _place(error)}) from error
        _check_texts(found)
        return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _place(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return _("line %(line)d, column %(column)d") % {"line": error.lineno, "column": error.colno}
    return _("it must be UTF-8 and hold no NaN or endless numbers")


def _too_deep() -> NotJsonError:
    return NotJsonError(_("The body is nested deeper than %(depth)d levels.") % {"depth": MAX_DEPTH})


def _check_texts(found: object) -> None:
    """Every name and text of the body, without recursion."""
    waiting: list[tuple[str, int, object]] = [("", 0, found)]
    while waiting:
        name, depth, value = waiting.pop()
        if depth > MAX_DEPTH:
            raise _too_deep()
        if isinstance(value, str) and not is_storable(value):
            message = _("The text holds a control character, such as NUL; leave it out.")
            raise InvalidError(message, place="body", field=name, reason="unstorable")
        waiting += [(f"{name}.{key}" if name else key, depth + 1, below) for key, below in _inside(value)]


def _inside(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, below in value.items():
            if not is_storable(key):
                message = _("A name in the body holds a control character, such as NUL; leave it out.")
                raise InvalidError(message, place="body", field="", reason="unstorable")
            yield key, below
    elif isinstance(value, list):
        yield from ((str(n), below) for n, below in enumerate(value))
