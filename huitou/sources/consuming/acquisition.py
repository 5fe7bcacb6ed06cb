"""Where a customer came from: the campaign of the first events, and codes that identify calls tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from huitou.customers.services import AcquisitionReport, record_acquisitions
from huitou.sources.consuming.batch import Batch, Event
from huitou.sources.consuming.identities import look_up_users

# Traits that name an origin, the surest first.
_TRAITS = {
    "entry_code": "entry_code",
    "card_code": "card",
    "kol": "kol",
    "inviter": "inviter",
    "inviter_id": "inviter",
    "store_code": "store",
    "ad_id": "ad",
}
_PAID = frozenset({"cpc", "ppc", "cpm", "paid", "ad", "ads", "display", "paid_social", "feed"})


def record_batch_acquisitions(batch: Batch) -> None:
    """Hand over each person's earliest origin in the batch; whether it is the first ever, the customers app knows."""
    earliest: dict[int, tuple[Event, str, str, str]] = {}
    for event in batch.accepted():
        if event.person_id is None:
            continue
        origin = _origin(event)
        known = earliest.get(event.person_id)
        if origin is not None and (known is None or event.occurred_at < known[0].occurred_at):
            earliest[event.person_id] = (event, *origin)
    if not earliest:
        return
    inviters: dict[str, dict[int, str]] = {}
    for person_id, (event, kind, code, _campaign) in earliest.items():
        if kind == "inviter":
            inviters.setdefault(event.source, {})[person_id] = code
    known_inviters: dict[int, int] = {}
    for source, named in inviters.items():
        known_inviters |= look_up_users(batch, named, source)
    reports = [
        AcquisitionReport(
            person_id, event.occurred_at, kind, code, campaign, known_inviters.get(person_id), event.source
        )
        for person_id, (event, kind, code, campaign) in earliest.items()
    ]
    told_by = [event for event, *_origin in earliest.values()]
    for problem in record_acquisitions(reports=reports, clock=batch.clock):
        batch.leave_out(told_by[problem.place], problem.name)


def _origin(event: Event) -> tuple[str, str, str] | None:
    """Kind, code and campaign; None where the event tells of no origin."""
    campaign = event.context.get("campaign")
    campaign = campaign if isinstance(campaign, Mapping) else {}
    if event.kind == "identify":
        for name, kind in _TRAITS.items():
            value = event.traits.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
                return kind, str(value)[:200], _word(campaign, "name")
    source = _word(campaign, "source")
    if not source and not _word(campaign, "name"):
        return None
    return ("ad" if _word(campaign, "medium").lower() in _PAID else "other"), source, _word(campaign, "name")


def _word(campaign: Mapping[str, Any], name: str) -> str:
    value = campaign.get(name)
    return value[:200] if isinstance(value, str) else ""
