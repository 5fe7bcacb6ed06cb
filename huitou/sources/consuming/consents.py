"""Consents: the events Consent Granted and Consent Withdrawn, and the trait `consents` of identify calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from huitou.customers.services import ConsentDecision, record_consents
from huitou.sources.consuming.batch import Batch, Event

_DECISIONS = {"Consent Granted": True, "Consent Withdrawn": False}


def record_batch_consents(batch: Batch) -> None:
    """Hand over every decision in the batch; one that names no channel cannot be kept and is refused."""
    decisions: list[ConsentDecision] = []
    for event in batch.of_kind("track", "identify"):
        if event.person_id is None:
            continue
        if event.kind == "identify":
            decisions += _from_traits(event, event.person_id)
        elif event.name in _DECISIONS:
            decision = _decision(event, event.person_id, event.properties, _DECISIONS[event.name])
            if decision is None:
                batch.refuse(event, "malformed", f"{event.name} needs a property channel")
            else:
                decisions.append(decision)
    if decisions:
        record_consents(decisions=decisions, clock=batch.clock)


def _from_traits(event: Event, person_id: int) -> Iterator[ConsentDecision]:
    told = event.traits.get("consents")
    for entry in told if isinstance(told, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("granted"), bool):
            decision = _decision(event, person_id, entry, entry["granted"])
            if decision is not None:
                yield decision


def _decision(event: Event, person_id: int, told: Mapping[str, Any], granted: bool) -> ConsentDecision | None:
    channel, purpose, version = told.get("channel"), told.get("purpose", "marketing"), told.get("text_version", "")
    if not isinstance(channel, str) or not channel or not isinstance(purpose, str):
        return None
    return ConsentDecision(
        person_id=person_id,
        channel=channel[:50],
        purpose=purpose[:50],
        granted=granted,
        at=event.occurred_at,
        source=event.source,
        text_version=str(version)[:100],
    )
