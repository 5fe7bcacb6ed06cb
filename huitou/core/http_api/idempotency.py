"""Writes that are sent again: the header Idempotency-Key makes a repetition get the first answer and change nothing.

The answer is kept in the transaction of the write itself: a crash leaves both or neither. Whoever sends the same key
at the same time waits for the first one's end. Refusals are not kept: nothing happened, so the request can be mended
and sent again with its key.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from psycopg.errors import LockNotAvailable

from huitou.core.clock import Clock, SystemClock
from huitou.core.http_api.problems import ApiError, InvalidError
from huitou.core.models import StoredAnswer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEY_PATTERN = r"^[!-~]{1,200}$"
KEPT_HOURS = 48
JSON = "application/json; charset=utf-8"
_WAIT_SECONDS = 10


class KeyReusedError(ApiError):
    """The Idempotency-Key came with another request before."""

    code = "idempotency_key_reused"
    status = 422


class StillRunningError(ApiError):
    """The first request with this Idempotency-Key has not ended yet."""

    code = "idempotency_in_progress"
    status = 409
    headers = {"Retry-After": "5"}  # noqa: RUF012 - read only


@dataclass(frozen=True)
class Answer:
    """An answer, and its body as it is kept for repetitions: without what is shown only once, such as a secret."""

    response: HttpResponse
    kept: str


def answer_once(request: HttpRequest, act: Callable[[], Answer], clock: Clock | None = None) -> HttpResponse:
    """The answer of `act`, or of the earlier request with the same key.

    Raises KeyReusedError for the same key with another request, StillRunningError if the first one takes too long.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return act().response
    if not re.fullmatch(KEY_PATTERN, key):
        raise InvalidError(
            _("The Idempotency-Key has 1 to 200 visible ASCII characters, for example a UUID."),
            place="header",
            field=HEADER,
            reason="string_pattern_mismatch",
        )
    caller: str = request.auth.name  # type: ignore[attr-defined]
    digest = _digest(request)
    with transaction.atomic():
        row = _claim(caller, key, digest, clock or SystemClock())
        if row is None:
            return _repeat(StoredAnswer.objects.get(caller=caller, key=key), digest)
        answer = act()
        StoredAnswer.objects.filter(pk=row).update(status=answer.response.status_code, body=answer.kept)
    return answer.response


def forget_answers(*, clock: Clock) -> int:
    """Delete answers that nobody can expect to be repeated any more; returns how many."""
    old = clock.now() - timedelta(hours=KEPT_HOURS)
    return StoredAnswer.objects.filter(created_at__lt=old).delete()[0]


def _claim(caller: str, key: str, digest: str, clock: Clock) -> int | None:
    """The row of a key that is new, else None. A key whose first request still runs is waited for."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{_WAIT_SECONDS}s"])
            cursor.execute(
                "INSERT INTO core_storedanswer (caller, key, request_hash, status, body, created_at)"
                " VALUES (%s, %s, %s, 0, '', %s) ON CONFLICT (caller, key) DO NOTHING RETURNING id",
                [caller, key, digest, clock.now()],
            )
            found = cursor.fetchone()
            # What the operation itself waits for is its own matter.
            cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise StillRunningError(
                _("The first request with this Idempotency-Key is still running. Ask again in some seconds.")
            ) from error
        raise
    return None if found is None else int(found[0])


def _repeat(stored: StoredAnswer, digest: str) -> HttpResponse:
    if stored.request_hash != digest:
        raise KeyReusedError(
            _("This Idempotency-Key came with another request before. Take a new key for a new request.")
        )
    return HttpResponse(
        stored.body, status=stored.status, content_type=JSON if stored.body else None, headers={REPLAYED: "true"}
    )


def _digest(request: HttpRequest) -> str:
    """What makes two requests the same: method, address, and the body or the fields and files of a form."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    for part in _parts(request):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _parts(request: HttpRequest) -> Iterator[bytes]:
    if not (request.content_type or "").startswith("multipart/"):
        yield request.body
        return
    # The boundary of a form differs each time it is sent.
    yield json.dumps(sorted(request.POST.lists())).encode()
    for name, file in sorted(request.FILES.items()):
        inside = hashlib.sha256()
        for chunk in file.chunks():  # type: ignore[union-attr]
            inside.update(chunk)
        file.seek(0)  # type: ignore[union-attr]
        yield f"{name} {getattr(file, 'name', '')} {inside.hexdigest()}".encode()
