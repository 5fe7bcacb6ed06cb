"""Stands in for what the customers app will offer under the same names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from huitou.core.clock import Clock
from huitou.customers.services import resolve_person_ids


@dataclass(frozen=True)
class Sighting:
    ref: int
    identifiers: tuple[tuple[str, str, str], ...]
    at: datetime
    joins: bool = True


@dataclass(frozen=True)
class TraitReport:
    person_id: int
    at: datetime
    display_name: str = ""
    phone: str = ""
    attributes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class ConsentDecision:
    person_id: int
    channel: str
    purpose: str
    granted: bool
    at: datetime
    source: str
    text_version: str = ""


@dataclass(frozen=True)
class AcquisitionReport:
    person_id: int
    at: datetime
    kind: str
    code: str = ""
    campaign: str = ""
    inviter_person_id: int | None = None


def resolve_sightings(*, sightings: Sequence[Sighting], source: str, clock: Clock) -> dict[int, int]:
    first = {s.ref: s.identifiers[0] for s in sightings if s.identifiers}
    found: dict[int, int] = {}
    for kind in {identifier[0] for identifier in first.values()}:
        values = {ref: value for ref, (name, _namespace, value) in first.items() if name == kind}
        known = resolve_person_ids(values=sorted(set(values.values())), clock=clock, kind=kind)
        found |= {ref: known[value] for ref, value in values.items()}
    return found


def record_traits(*, traits: Sequence[TraitReport], source: str, clock: Clock) -> list[object]:
    return []


def record_consents(*, decisions: Sequence[ConsentDecision], clock: Clock) -> None: ...


def record_acquisitions(*, reports: Sequence[AcquisitionReport], clock: Clock) -> None: ...
