"""Requests that Schemathesis makes up from the schema, sent to the real application on the real database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import positive_data_acceptance

from config.api import PREFIX

# A request of the right form may still ask for what cannot be: a range that ends before it begins, a made-up cursor,
# a phone as a name of a feature. Such refusals are 422 like those of form.
_NOT_PROMISED = [positive_data_acceptance]
_handler = WSGIHandler()


@contextmanager
def _inside_the_test() -> Iterator[None]:
    """Requests use the test's own transaction; Django would close its connection after the first of them."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def _whole(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """The application as a server runs it: the answer is read to its end and closed."""
    response = _handler(environ, start_response)
    try:
        return [b"".join(response)]
    finally:
        response.close()


@dataclass
class Fuzz:
    """One run over all operations. `headers` say who calls; `examples` is per operation and kind of data."""

    headers: dict[str, str]
    examples: int
    # Path parameters that exist: made-up ones would hardly ever meet anything.
    known: dict[str, object] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    # Operations that answered at all with success.
    succeeded: set[str] = field(default_factory=set)

    def run(self, *, number: int = 1) -> None:
        """Send what is right by the schema and what is wrong by it, to every operation. `number` seeds the dice."""
        with _inside_the_test():
            schema = schemathesis.openapi.from_wsgi(f"{PREFIX}/openapi.json", _whole)
            for found in schema.get_all_operations():
                operation: Any = found.ok()  # type: ignore[union-attr]
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    self._try(operation, mode, number)

    def _try(self, operation: Any, mode: GenerationMode, number: int) -> None:
        @seed(number)
        @settings(
            max_examples=self.examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case: Any) -> None:
            if mode is GenerationMode.POSITIVE:
                case.path_parameters |= {n: v for n, v in self.known.items() if n in case.path_parameters}
            response = case.call(headers=self.headers)
            self.statuses[response.status_code] += 1
            if response.status_code < 300:
                self.succeeded.add(operation.label)
            case.validate_response(response, headers=self.headers, excluded_checks=_NOT_PROMISED)

        try:
            send()
        except (FailureGroup, AssertionError) as failure:
            told = failure.exceptions if isinstance(failure, FailureGroup) else [failure]
            self.failures += [f"{operation.label} ({mode.value}): {one}" for one in told]
