"""Who did it: every event's identifiers, resolved set-wise to the person it is recorded under."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from huitou.customers.identifier_kind import IDENTIFIER_KINDS, Key, read_identifier
from huitou.customers.services import Sighting, resolve_sightings
from huitou.sources.consuming.batch import Batch, Event

Identifiers = tuple[tuple[str, str, str], ...]
# Traits that are identifiers, under the names that senders use.
_TRAITS = {name: kind.kind for kind in IDENTIFIER_KINDS for name in kind.traits}
# Where the space in which an identifier is unique is told.
_NAMESPACES = {"openid": ("appid", "app_id", "appId"), "external_userid": ("corpid", "corp_id", "corpId")}
# What a sender may name outright, in the spec's context.externalIds.
_EXTERNAL = frozenset(kind.kind for kind in IDENTIFIER_KINDS)


def resolve_identities(batch: Batch) -> None:
    """Give every event its person, feed by feed; events of our own come with theirs."""
    by_source: dict[str, list[Sighting]] = {}
    for event in batch.accepted():
        if event.person_id is not None:
            continue
        sighting = Sighting(event.ref, identifiers_of(event), event.occurred_at)
        by_source.setdefault(event.source, []).append(sighting)
    persons: dict[int, int] = {}
    for source in sorted(by_source):
        persons |= resolve_sightings(sightings=by_source[source], source=source, clock=batch.clock)
    for event in batch.events:
        event.person_id = persons.get(event.ref, event.person_id)


def look_up_users(batch: Batch, user_ids: Mapping[int, str], source: str) -> dict[int, int]:
    """Person by ref for user ids that an event only mentions; nobody is joined by being mentioned."""
    if not user_ids:
        return {}
    now = batch.clock.now()
    sightings = [
        Sighting(ref=ref, identifiers=(("customer_id", "", user_id),), at=now, joins=False)
        for ref, user_id in user_ids.items()
    ]
    return resolve_sightings(sightings=sightings, source=source, clock=batch.clock)


def identifiers_of(event: Event) -> Identifiers:
    """Every identifier that the event shows for its person, strongest first."""
    found: list[tuple[str, str, str]] = []
    if event.user_id:
        found.append(("customer_id", "", event.user_id))
    if event.kind == "alias":
        found.append(("anonymous_id", "", event.previous_id))
    if event.kind == "identify":
        found += _from_traits(event.traits)
    if "externalIds" in event.context or "externalId" in event.context:
        found += _from_external(event.context)
    if event.anonymous_id:
        found.append(("anonymous_id", "", event.anonymous_id))
    return tuple(found)


def shown_by(event: Event) -> set[str]:
    """Values of every identifier in the event, of whatever kind it is, also those that tell nothing in its kind."""
    found = {value for _kind, _namespace, value in identifiers_of(event)}
    found |= {value for _kind, _namespace, value in _from_traits(event.traits)} if event.traits else set()
    return found | ({event.previous_id} if event.previous_id else set())


def identifiers_in(message: Mapping[str, Any], shared: Mapping[str, Any]) -> set[Key]:
    """Every identifier that an event as it was received shows for its person, as it is kept, whatever is wrong with it.

    `shared` is the context of its batch.
    """
    context = {**shared, **_object(message.get("context"))}
    traits = {**_object(context.get("traits")), **_object(message.get("traits"))}
    told = [("customer_id", message.get("userId")), ("anonymous_id", message.get("anonymousId"))]
    told.append(("anonymous_id", message.get("previousId")))
    found = [(kind, "", str(value)) for kind, value in told if isinstance(value, str | int)]
    read = (read_identifier(*each) for each in (*found, *_from_traits(traits), *_from_external(context)))
    return {key for key in read if key is not None}


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _from_traits(traits: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, kind in _TRAITS.items():
        value = traits.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            namespace = next((str(traits[n]) for n in _NAMESPACES.get(kind, ()) if traits.get(n)), "")
            yield kind, namespace, str(value)


def _from_external(context: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    told = context.get("externalIds") or context.get("externalId")
    for entry in told if isinstance(told, list) else ():
        if not isinstance(entry, dict) or entry.get("type") not in _EXTERNAL:
            continue
        value, namespace = entry.get("id"), entry.get("collection", "")
        if isinstance(value, str) and value and isinstance(namespace, str):
            # The spec's own name for no space in particular.
            yield entry["type"], "" if namespace == "users" else namespace, value
