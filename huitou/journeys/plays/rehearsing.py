"""Rehearsals that the console and the API start: run by the worker, kept as a file of the data directory for a while.

The file is named by everything that the rehearsal depends on: a killed one is simply run again, a finished one is there
at once. It holds numbers of customers and no names.
"""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from procrastinate.exceptions import AlreadyEnqueued

from huitou.accounts.models import Brand
from huitou.accounts.queries import get_brand
from huitou.core.home import Home
from huitou.core.terminal import Report, silent
from huitou.journeys.plays.drafts import Draft, find_draft
from huitou.journeys.plays.replay import Replay, replay
from huitou.orders.queries import get_last_refresh
from huitou.sources.job_progress import JobState, read_state, write_state

_KEPT_SECONDS = 7 * 86_400


@dataclass(frozen=True)
class Rehearsal:
    """One rehearsal that was asked for: its key, how far it is, and its result once it is there."""

    key: str
    state: JobState | None
    result: Replay | None


@dataclass(frozen=True)
class Asked:
    """What to rehearse, as a job carries it.

    Without `control_bp` with the share that the preview of `enroll_days` suggests; `channels` replace the play's own.
    """

    name: str
    parameters: Mapping[str, Any] | None = None
    channels: tuple[str, ...] = ()
    control_bp: int | None = None
    enroll_days: int | None = None

    def draft(self) -> Draft:
        """Raises DraftUnknownError, PlayParametersError, DefinitionError."""
        found = find_draft(self.name, self.parameters)
        return found.through(self.channels) if self.channels else found

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Asked:
        """What `vars` of one tells, after it went through JSON."""
        return cls(**{**told, "channels": tuple(told.get("channels") or ())})


def key_of(asked: Asked, draft: Draft, brand: Brand) -> str:
    """Names the rehearsal by what it depends on: the draft, the share, the data and the moment."""
    share = f"suggested{asked.enroll_days or ''}" if asked.control_bp is None else asked.control_bp
    return f"{draft.digest}-{share}-{get_last_refresh().pk}-{brand.now():%Y%m%d%H}"


def find_rehearsal(home: Home, key: str) -> Rehearsal:
    """The rehearsal of that key as it stands."""
    return Rehearsal(key, read_state(home, _job(key)), _load(home, key))


def start_rehearsal(home: Home, asked: Asked, *, language: str) -> str:
    """Have the worker rehearse it, unless that was done or is waiting already; returns its key."""
    from huitou.journeys.plays.tasks import rehearse_job

    key = key_of(asked, asked.draft(), get_brand())
    found = find_rehearsal(home, key)
    if found.result is None and (found.state is None or found.state.is_over):
        write_state(home, _job(key), JobState("waiting"))
        with suppress(AlreadyEnqueued):
            job = rehearse_job.configure(queueing_lock=f"plays.rehearse:{key}")
            job.defer(asked=vars(asked), key=key, language=language)
    return key


def run_rehearsal(home: Home, asked: Asked, *, key: str, report: Report = silent) -> None:
    """Rehearse and keep the result; what was kept for long goes."""
    if _load(home, key) is None:
        _sweep(home)
        found = replay(
            asked.draft(),
            brand=get_brand(),
            control_bp=asked.control_bp,
            enroll_days=asked.enroll_days,
            report=report,
        )
        path = _path(home, key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(gzip.compress(json.dumps(found.to_json(), ensure_ascii=False).encode()))
        fresh.replace(path)


def _job(key: str) -> str:
    return f"rehearsal-{key}"


def _path(home: Home, key: str) -> Path:
    assert all(c.isalnum() or c == "-" for c in key), "made by key_of"
    return home.root / "rehearsals" / f"{key}.json.gz"


def _load(home: Home, key: str) -> Replay | None:
    try:
        told = json.loads(gzip.decompress(_path(home, key).read_bytes()))
    except OSError:
        return None
    told["since"], told["until"] = datetime.fromisoformat(told["since"]), datetime.fromisoformat(told["until"])
    return Replay(**told)


def _sweep(home: Home) -> None:
    for path in (home.root / "rehearsals").glob("*"):
        if time.time() - path.stat().st_mtime > _KEPT_SECONDS:
            path.unlink(missing_ok=True)
