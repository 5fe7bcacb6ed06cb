"""Operations as the apps declare them: one permission, one section, one call of a query or service."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, get_type_hints

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from ninja import Router, Schema
from ninja.operation import Operation

from huitou.core.http_api.fields import is_storable
from huitou.core.http_api.idempotency import JSON, Answer, answer_once
from huitou.core.http_api.problems import ApiError, FieldProblem, InvalidError

View = TypeVar("View", bound=Callable[..., Any])
# Written into the schema, and read back by the reference page and the contract test.
PERMISSION, SECTION, WRITES, FILE = "x-permission", "x-section", "x-writes", "x-file"
# For operations that tell nothing of the brand: any key and any person may.
ANYBODY = ""


class Caller(Protocol):
    """Who calls: a program with a key, or a person at the console."""

    @property
    def name(self) -> str:
        """Unique among all callers, for example key:ha_3fK9x2Qz."""

    @property
    def permissions(self) -> frozenset[str]: ...


@dataclass(frozen=True)
class Permit:
    """Lets a request through to an operation if its caller has the permission; who calls is told by the layer above.

    Raises the refusal of `settings.API_ACCESS` otherwise.
    """

    permission: str

    def __call__(self, request: HttpRequest) -> Caller:
        admit: Callable[[HttpRequest, str], Caller] = import_string(settings.API_ACCESS)
        return admit(request, self.permission)


class UnknownParameterError(ApiError):
    """The address has a parameter that the operation does not know."""

    code = "invalid"
    status = 422

    def __init__(self, names: Sequence[str], known: Sequence[str]) -> None:
        what = _("There is no parameter %(names)s; there are: %(known)s.") % {
            "names": ", ".join(names),
            "known": ", ".join(known) or _("none"),
        }
        super().__init__(what)
        self.errors = [FieldProblem(place="query", field=n, code="unknown_parameter", message=what) for n in names]


@dataclass(frozen=True)
class Declared:
    """What an app says about one operation. `section` is the key of a section of the console."""

    method: str
    path: str
    permission: str
    section: str
    answers: dict[int, type[Schema] | None]
    writes: bool = False
    files: tuple[str, ...] = ()

    def extra(self) -> dict[str, Any]:
        """What goes into the schema beside the form of question and answer."""
        told: dict[str, Any] = {PERMISSION: self.permission, SECTION: self.section}
        if self.writes:
            told[WRITES] = True
        if self.files:
            told[FILE] = list(self.files)
        return told


class Operations(Router):
    """The operations of one app, of one section of the console where an operation names no other."""

    def __init__(self, section: str) -> None:
        super().__init__()
        self.section = section

    def read(
        self, path: str, *, permission: str, returns: type[Schema], method: str = "GET", section: str = ""
    ) -> Callable[[View], View]:
        """An operation that changes nothing. POST is for questions that must not stand in addresses and logs."""
        return self._declare(Declared(method, path, permission, section or self.section, {200: returns}))

    def write(
        self,
        path: str,
        *,
        permission: str,
        returns: type[Schema] | None,
        method: str = "POST",
        status: int = 200,
        section: str = "",
    ) -> Callable[[View], View]:
        """An operation that changes something; with the header Idempotency-Key it does so once.

        Without `returns` the answer is empty.
        """
        answers = {status if returns else 204: returns}
        return self._declare(Declared(method, path, permission, section or self.section, answers, writes=True))

    def file(
        self, path: str, *, permission: str, media_types: tuple[str, ...], section: str = ""
    ) -> Callable[[View], View]:
        """An operation that answers with a file of one of these types; the view returns the whole response."""
        return self._declare(Declared("GET", path, permission, section or self.section, {200: None}, files=media_types))

    def _declare(self, declared: Declared) -> Callable[[View], View]:
        def declare(view: View) -> View:
            operations: list[Operation] = []

            @functools.wraps(view)
            def guarded(request: HttpRequest, *args: Any, **values: Any) -> Any:
                _check_query(request, operations[0])

                def act() -> Any:
                    return view(request, *args, **values)

                if not declared.writes:
                    return act()
                return answer_once(request, lambda: _answer(act(), declared.answers))

            guarded.__signature__ = _resolved(view)  # type: ignore[attr-defined]
            summary, _blank, rest = (inspect.getdoc(view) or "").partition("\n")
            self.add_api_operation(
                declared.path,
                [declared.method],
                guarded,
                auth=Permit(declared.permission),
                response=declared.answers,
                operation_id=view.__name__,
                summary=summary.rstrip("."),
                description=rest.strip() or None,
                openapi_extra=declared.extra(),
            )
            operations.append(self.path_operations[declared.path].operations[-1])
            return view

        return declare


def _resolved(view: Callable[..., Any]) -> inspect.Signature:
    """The view's signature with its annotations as types: the framework looks for their names in another module."""
    hints = get_type_hints(view, include_extras=True)
    signature = inspect.signature(view)
    given = [p.replace(annotation=hints.get(p.name, p.annotation)) for p in signature.parameters.values()]
    return signature.replace(parameters=given, return_annotation=inspect.Signature.empty)


def _check_query(request: HttpRequest, operation: Operation) -> None:
    """Parameters nobody knows are refused: a misspelled filter must not give the whole list."""
    known: set[str] = set()
    for model in operation.models:
        if model.__ninja_param_source__ == "query":
            known |= set(getattr(model, "__ninja_flatten_map__", {}))
    if unknown := sorted(set(request.GET) - known):
        raise UnknownParameterError(unknown, sorted(known))
    for name, values in request.GET.lists():
        if not all(is_storable(value) for value in values):
            message = _("The text holds a control character, such as NUL; leave it out.")
            raise InvalidError(message, place="query", field=name, reason="unstorable")


def _answer(result: Any, answers: Mapping[int, type[Schema] | None]) -> Answer:
    """The result of a write as an answer; fields that its form names in `shown_once` are not kept."""
    ((status, form),) = answers.items()
    if form is None:
        assert result is None, "an operation without an answer returns nothing"
        return Answer(HttpResponse(status=status), "")
    assert isinstance(result, form), f"{form.__name__} was promised, not {type(result).__name__}"
    hidden = dict.fromkeys(getattr(form, "shown_once", ()))
    response = HttpResponse(result.model_dump_json(), status=status, content_type=JSON)
    return Answer(response, result.model_copy(update=hidden).model_dump_json())
