"""What identify and group calls say about a person: name, phone, attributes, milestones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from huitou.customers.services import TraitReport, record_traits
from huitou.sources.consuming.batch import Batch, Event

_NAMES = ("name", "display_name", "nickname", "nickName")
_PHONES = ("phone", "mobile")
# Identifiers are told by identities.py, consents and origins by their own modules.
_ELSEWHERE = frozenset(
    {*_NAMES, *_PHONES, "firstName", "lastName", "first_name", "last_name", "email", "consents", "entry_code"}
    | {"unionid", "unionId", "union_id", "openid", "openId", "open_id", "appid", "app_id", "appId", "member_no"}
    | {"memberNo", "external_userid", "externalUserid", "corpid", "corp_id", "corpId", "id", "userId", "user_id"}
    | {"inviter", "inviter_id", "kol", "card_code", "ad_id", "store_code", "anonymousId", "username", "avatar"}
)


def record_batch_traits(batch: Batch) -> None:
    """Hand over what the batch's identify and group calls say, feed by feed."""
    reports: dict[str, list[tuple[Event, TraitReport]]] = {}
    for event in batch.of_kind("identify", "group"):
        if event.person_id is not None and (report := _report(event, event.person_id)) is not None:
            reports.setdefault(event.source, []).append((event, report))
    for source in sorted(reports):
        traits = [report for _, report in reports[source]]
        for problem in record_traits(traits=traits, source=source, clock=batch.clock):
            batch.leave_out(reports[source][problem.place][0], problem.name)


def _report(event: Event, person_id: int) -> TraitReport | None:
    # No later than its arrival: a clock that runs ahead must not outlive what is told afterwards.
    at = min(event.occurred_at, event.received_at)
    if event.kind == "group":
        return TraitReport(person_id, at, "", "", {"group": event.group_id})
    traits = event.traits
    display_name = next((traits[n] for n in _NAMES if isinstance(traits.get(n), str) and traits[n]), "")
    if not display_name:
        display_name = _joined_name(traits)
    phone = next((str(traits[n]) for n in _PHONES if isinstance(traits.get(n), str | int) and traits[n]), "")
    attributes = dict(_attributes(traits))
    if not (display_name or phone or attributes):
        return None
    return TraitReport(person_id, at, display_name[:200], phone[:40], attributes)


def _joined_name(traits: Mapping[str, Any]) -> str:
    first = traits.get("firstName") or traits.get("first_name") or ""
    last = traits.get("lastName") or traits.get("last_name") or ""
    return f"{first} {last}".strip() if isinstance(first, str) and isinstance(last, str) else ""


def _attributes(traits: Mapping[str, Any]) -> list[tuple[str, object]]:
    """Plain values by name; those of an address or a company under their own names, where nothing else has them."""
    found: list[tuple[str, object]] = []
    for name, value in traits.items():
        if name in _ELSEWHERE or value in (None, ""):
            continue
        if isinstance(value, str | int | float | bool):
            found.append((name, value))
        elif isinstance(value, dict):
            found += [
                (inner if name == "address" else f"{name}_{inner}", plain)
                for inner, plain in value.items()
                if isinstance(plain, str | int | float | bool) and plain != "" and inner not in traits
            ]
    return found
