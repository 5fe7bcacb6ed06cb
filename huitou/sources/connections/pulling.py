"""One pull: what the connector brings becomes files and imports, part by part, and the cursor follows the imports.

A part is registered as an import in the same transaction in which the connection learns of it, and the cursor moves
when that import is done. So a kill anywhere leaves a part that was not pulled, or one that the next pull finishes
first; nothing is skipped, and what comes twice replaces itself.
"""

from __future__ import annotations

import csv
import logging
import secrets
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils.translation import gettext as _

from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError, kind_and_place
from huitou.core.faultpoints import reach
from huitou.core.home import Home
from huitou.core.redaction import redact
from huitou.core.terminal import Report, silent
from huitou.sources.connections.sealing import unseal
from huitou.sources.connections.services import soon
from huitou.sources.connections.transport import OutsideHttp
from huitou.sources.connectors.connector import Connector, Document, Http, Page, Pull
from huitou.sources.connectors.kinds import CONNECTORS
from huitou.sources.connectors.trouble import PullError
from huitou.sources.models import Connection, ImportRun
from huitou.sources.services import NothingAcceptedError, run_import, start_import

logger = logging.getLogger(__name__)
_KEPT = timedelta(days=7)
_OPEN_STATES = ("uploaded", "preparing", "prepared", "claimed")


@dataclass(frozen=True)
class Pulled:
    """What came of one attempt. `rows` were brought and taken in; `is_busy`: another process is at it."""

    rows: int = 0
    imports: tuple[int, ...] = ()
    error: str = ""
    is_busy: bool = False


class _SupersededError(Exception):
    """Somebody changed, paused or removed the connection meanwhile: the pull ends where it is."""


def pull_connection(
    connection_id: int,
    *,
    clock: Clock,
    home: Home | None = None,
    http: Http | None = None,
    wait: Callable[[float], None] = time.sleep,
    progress: Report = silent,
) -> Pulled:
    """Pull one connection if it is active and due. Twice, or by two processes at once, without harm.

    What goes wrong is written down with the connection and told in the result, never raised, but for a database that
    is gone.
    """
    home = home or settings.HOME
    with _only_one(connection_id) as is_mine:
        if not is_mine:
            return Pulled(is_busy=True)
        found = Connection.objects.filter(pk=connection_id).first()
        if found is None or found.state != "active" or found.due_at > clock.now():
            return Pulled()
        Connection.objects.filter(pk=found.pk).update(last_started_at=clock.now())
        work = _Work(found, clock, home, http or OutsideHttp(limit=settings.UPLOAD_MAX_BYTES), wait, progress)
        try:
            work.run()
        except _SupersededError:
            return Pulled(work.rows, tuple(work.imports))
        except (OperationalError, InterfaceError):
            raise
        except DomainError as error:
            detail = error.detail if isinstance(error, PullError) else str(error)
            is_final = error.permanent and isinstance(error, PullError)
            return _failed(work, error.code, detail, is_final=is_final)
        except Exception as error:
            logger.exception("connection %s: the pull failed", found.pk)
            return _failed(work, "unexpected", kind_and_place(error), is_final=False)
        return _succeeded(work)


@contextmanager
def _only_one(connection_id: int) -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('huitou.connection'), %s)", [connection_id])
        is_mine = bool(cursor.fetchone()[0])
        try:
            yield is_mine
        finally:
            if is_mine:
                cursor.execute("SELECT pg_advisory_unlock(hashtext('huitou.connection'), %s)", [connection_id])


class _Work:
    """A pull under way."""

    def __init__(
        self,
        found: Connection,
        clock: Clock,
        home: Home,
        http: Http,
        wait: Callable[[float], None],
        progress: Report,
    ) -> None:
        self.found, self.clock, self.home, self.progress = found, clock, home, progress
        self._http, self._wait = http, wait
        self._folder = home.uploads / f"connection-{found.pk}"
        self.rows = 0
        self.imports: list[int] = []

    def run(self) -> None:
        """Finish what a killed pull left, then part after part. Raises DomainError or _SupersededError."""
        connector = CONNECTORS[self.found.kind]
        whole = {**self.found.settings, **unseal(self.found.secrets)}
        self._finish_pending()
        self._sweep()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(prefix=".pull-", dir=self._folder) as scratch:
            asked = Pull(whole, self.found.cursor, self._http, self.clock, self._wait, Path(scratch))
            for part in _parts(connector.pull(asked), self._tell):
                self._take(connector, whole, part)

    def _tell(self, page: Page) -> None:
        self.progress(page.done, page.total, _("fetching"))
        reach("pull.page")

    def _take(self, connector: Connector, whole: Mapping[str, str], part: Page) -> None:
        """Import one part, then move the cursor."""
        file = self._keep(connector, part)
        if file is None:
            self._move(dict(part.cursor or {}))
            return
        kind, options = connector.reads(whole)
        with transaction.atomic():
            self._lock()
            run = start_import(
                path=file,
                kind=kind,
                options=replace(options, source=self.found.name),
                file_name=part.file_name or f"{self.found.name}{file.suffix}",
                actor_label=f"connection {self.found.name}"[:150],
                clock=self.clock,
            )
            Connection.objects.filter(pk=self.found.pk).update(pending=run, pending_cursor=dict(part.cursor or {}))
        if run.file_path != str(file.resolve()):
            file.unlink()  # the same was imported before, from the file that came then
        reach("pull.registered")
        self._import(run)
        reach("pull.imported")
        self._move(dict(part.cursor or {}))
        reach("pull.moved")

    def _keep(self, connector: Connector, part: Page) -> Path | None:
        """The part as a file below the uploads; None where it is empty."""
        target = self._folder / secrets.token_hex(16)
        if part.file is not None:
            kept = part.file.rename(target.with_suffix(part.file.suffix))
            kept.chmod(0o600)
            return kept
        if not part.documents:
            return None
        target = target.with_suffix(".csv")
        with target.open("w", encoding="utf-8", newline="") as opened:
            target.chmod(0o600)
            writer = csv.DictWriter(opened, connector.columns, restval="")
            writer.writeheader()
            for document in part.documents:
                writer.writerows(document.rows)
        return target

    def _import(self, run: ImportRun) -> None:
        try:
            done = run_import(run.pk, home=self.home, clock=self.clock, progress=self.progress)
        except NothingAcceptedError:
            done = ImportRun.objects.get(pk=run.pk)
            # Nothing but orders that were never paid is nothing to correct.
            if done.refused:
                raise
        self.rows += done.accepted
        self.imports.append(done.pk)

    def _finish_pending(self) -> None:
        """Import the part that a killed pull had registered; only then may anything newer come."""
        run = self.found.pending
        if run is None:
            return
        cursor = self.found.pending_cursor
        if run.state in _OPEN_STATES:
            self._import(run)
        elif run.state == "failed":
            cursor = None
        self._move(dict(self.found.cursor if cursor is None else cursor))

    def _lock(self) -> None:
        """Raise _SupersededError unless the connection is still as it was when the pull began."""
        rows = Connection.objects.select_for_update().filter(pk=self.found.pk, revision=self.found.revision)
        if not rows.exists():
            raise _SupersededError

    def _move(self, cursor: Mapping[str, Any]) -> None:
        """The part is done. Whoever changed the settings meanwhile decided on the cursor."""
        done = {"pending": None, "pending_cursor": None}
        mine = Connection.objects.filter(pk=self.found.pk, revision=self.found.revision)
        if not mine.update(cursor=cursor, **done):
            Connection.objects.filter(pk=self.found.pk).update(**done)
            raise _SupersededError
        self.found.cursor = dict(cursor)

    def _sweep(self) -> None:
        """Remove what killed or failed pulls left, and files that were imported a week ago."""
        if not self._folder.is_dir():
            return
        recent = self.clock.now() - _KEPT
        needed = ImportRun.objects.filter(file_path__startswith=str(self._folder.resolve()))
        kept = {
            run.file_path
            for run in needed
            if run.state in _OPEN_STATES or (run.state == "done" and run.created_at > recent)
        }
        for path in self._folder.iterdir():
            if path.is_dir():
                for left in path.iterdir():
                    left.unlink()
                path.rmdir()
            elif str(path.resolve()) not in kept:
                path.unlink()


def _parts(pages: Iterable[Page], tell: Callable[[Page], None]) -> Iterator[Page]:
    """Pages up to each cursor as one: of documents with one key the latest version, in the order of their keys."""
    documents: dict[str, Document] = {}
    file: Page | None = None
    is_open = False
    for page in pages:
        tell(page)
        is_open = page.cursor is None
        for document in page.documents:
            known = documents.get(document.key)
            if known is None or document.version >= known.version:
                documents[document.key] = document
        file = page if page.file is not None else file
        if page.cursor is not None:
            held = tuple(documents[key] for key in sorted(documents))
            yield replace(file or page, documents=held, cursor=page.cursor)
            documents, file = {}, None
    assert not is_open, "the last page of a pull says how far it came"


def _succeeded(work: _Work) -> Pulled:
    now = work.clock.now()
    Connection.objects.filter(pk=work.found.pk, revision=work.found.revision).update(
        last_ok_at=now,
        last_rows=work.rows,
        failures=0,
        error_code="",
        error_detail="",
        due_at=now + timedelta(minutes=work.found.every_minutes),
    )
    return Pulled(work.rows, tuple(work.imports))


def _failed(work: _Work, code: str, detail: str, *, is_final: bool) -> Pulled:
    """Write down what was wrong; a permanent fault stops the connection, others are tried again, later each time."""
    with transaction.atomic():
        found = Connection.objects.select_for_update().filter(pk=work.found.pk, revision=work.found.revision).first()
        if found is not None:
            found.failures += 1
            found.error_code, found.error_detail = code, redact(detail)[:500]
            found.due_at = work.clock.now() + soon(found.failures, found.every_minutes)
            if is_final:
                found.state = "stopped"
                record_audit(
                    action="connection.stopped",
                    clock=work.clock,
                    actor_label="worker",
                    target=found.name,
                    detail={"code": code},
                )
            found.save(update_fields=["failures", "error_code", "error_detail", "due_at", "state"])
    return Pulled(work.rows, tuple(work.imports), code)
