"""Consents: the events Consent Granted and Consent Withdrawn, and the trait `consents` of identify calls.

A withdrawal that names no channel or no purpose is of all; a grant names what it is of. A decision is never later than
its arrival: a device whose clock runs ahead must not outlive a withdrawal told after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from huitou.customers.services import ConsentDecision, record_consents
from huitou.sources.consuming.batch import Batch, Event

_DECISIONS = {"Consent Granted": True, "Consent Withdrawn": False}
_EVERY = "*"


class _UnreadableError(ValueError):
    """What keeps a decision from being read."""


def record_batch_consents(batch: Batch) -> None:
    """Hand over every decision in the batch. An event of which one cannot be read is refused; its others are kept."""
    told_by: list[Event] = []
    decisions: list[ConsentDecision] = []
    for event in batch.of_kind("track", "identify"):
        if event.person_id is None:
            continue
        if event.kind == "identify":
            told = event.traits.get("consents") or []
            entries = told if isinstance(told, list) else [told]
            named = [(f"consents[{n}]", entry) for n, entry in enumerate(entries)]
        elif event.name in _DECISIONS:
            named = [(event.name, {**event.properties, "granted": _DECISIONS[event.name]})]
        else:
            continue
        for place, entry in named:
            try:
                decisions.append(_decision(event, event.person_id, entry))
            except _UnreadableError as error:
                batch.refuse(event, "consent_unreadable", f"{place}: {error}")
            else:
                told_by.append(event)
    if decisions:
        for problem in record_consents(decisions=decisions, clock=batch.clock):
            batch.leave_out(told_by[problem.place], problem.name)


def _decision(event: Event, person_id: int, told: object) -> ConsentDecision:
    if not isinstance(told, Mapping):
        raise _UnreadableError("not an object")
    granted = told.get("granted")
    if not isinstance(granted, bool):
        raise _UnreadableError("granted is neither true nor false")
    return ConsentDecision(
        person_id=person_id,
        channel=_subject(told, "channel", granted, None),
        purpose=_subject(told, "purpose", granted, "marketing"),
        granted=granted,
        at=min(event.occurred_at, event.received_at),
        source=event.source,
        text_version=str(told.get("text_version") or "")[:100],
    )


def _subject(told: Mapping[str, Any], name: str, granted: bool, usual: str | None) -> str:
    """Channel or purpose of a decision; `usual` is a grant's that names none."""
    value = told.get(name, usual if granted else _EVERY)
    if value is None and not granted:
        return _EVERY
    if not isinstance(value, str) or not value.strip():
        raise _UnreadableError(f"{name} is missing" if value is None else f"{name} is no word")
    if granted and value.strip() == _EVERY:
        raise _UnreadableError(f"only a withdrawal may be of every {name}")
    return value[:50]
