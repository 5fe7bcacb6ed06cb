"""Which tactics the people of a segment get; whoever is in several gets those of the first by priority."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock, SystemClock
from huitou.core.errors import DomainError
from huitou.customers.queries import customers_of
from huitou.orders.queries import last_refresh, open_engine
from huitou.segments.counting import get_segment
from huitou.segments.evaluating import some_customers
from huitou.segments.layering import shown
from huitou.segments.membership import MEMBERS
from huitou.segments.models import Strategy

FIELDS = ("offers", "content", "channel", "service_level")
_MOST = {"offers": 2000, "content": 2000, "channel": 200, "service_level": 200}
_MACHINE = SystemClock()


class StrategyRefusedError(DomainError):
    """A strategy that cannot be."""

    code = "strategy_refused"
    status = 422


@dataclass(frozen=True)
class Chosen:
    """What a customer gets, and because of which segment."""

    segment: str
    title: str
    priority: int
    offers: str
    content: str
    channel: str
    service_level: str


def list_strategies() -> list[Strategy]:
    """Strategies of segments that are not archived, the first by priority first."""
    return list(Strategy.objects.filter(segment__archived_at=None).select_related("segment").order_by("priority"))


def strategy_of(customer_ids: Sequence[int]) -> dict[int, Chosen | None]:
    """What each of these customers gets, by the segments of the last refresh; None for who is in no such segment.

    Numbers of joined persons stand for their customers. No customer gets two.
    """
    found: dict[int, Chosen | None] = dict.fromkeys(customer_ids)
    strategies = list_strategies()
    if not strategies or not found or last_refresh() is None:
        return found
    owner = customers_of(customer_ids)
    by_name = {strategy.segment.name: strategy for strategy in strategies}
    with open_engine() as engine:
        rows = engine.table(MEMBERS)
        rows = rows.filter(rows.segment.isin(list(by_name)))
        asked = some_customers(engine, list(owner.values()))
        members = engine.to_pyarrow(rows.semi_join(asked, "person_id").select("segment", "person_id")).to_pylist()
    best: dict[int, Strategy] = {}
    for row in members:
        strategy, person = by_name[row["segment"]], row["person_id"]
        if person not in best or strategy.priority < best[person].priority:
            best[person] = strategy
    return {person: _chosen(best[owner[person]]) if owner[person] in best else None for person in found}


def _chosen(strategy: Strategy) -> Chosen:
    told = {name: getattr(strategy, name) for name in FIELDS}
    title, _description = shown(strategy.segment)
    return Chosen(strategy.segment.name, title, strategy.priority, **told)


def set_strategy(
    *,
    segment: str,
    clock: Clock,
    offers: str = "",
    content: str = "",
    channel: str = "",
    service_level: str = "",
    priority: int | None = None,
    actor: User | None = None,
    actor_label: str = "cli",
) -> Strategy:
    """Say what the people of a segment get. `priority` is the place, 1 first; others move; without it, the last.

    Strategies of archived segments stand behind all others. Raises SegmentUnknownError, or StrategyRefusedError for
    texts that are too long and for a segment in the archive.
    """
    values = {"offers": offers, "content": content, "channel": channel, "service_level": service_level}
    for name, text in values.items():
        if len(text) > _MOST[name]:
            told = _("At most %(most)s characters; shorten the text that begins with “%(text)s”.")
            raise StrategyRefusedError(told % {"most": _MOST[name], "text": text[:20]})
    found = get_segment(segment)
    if found.archived_at is not None:
        raise StrategyRefusedError(_("The segment is in the archive: nobody is in it."))
    with transaction.atomic():
        _lock()
        standing = {s.segment_id: s for s in Strategy.objects.select_related("segment")}
        order = _in_order(standing.values())
        before = _told(standing.get(found.pk))
        if found.pk in order and priority is not None:
            order.remove(found.pk)
        if found.pk not in order:
            last = sum(1 for s in standing.values() if s.segment.archived_at is None and s.segment_id in order)
            place = last if priority is None else min(max(priority, 1) - 1, last)
            order.insert(place, found.pk)
        strategy = standing.get(found.pk) or Strategy(segment=found)
        strategy.priority = _free_priority()
        strategy.changed_at = clock.now()
        strategy.changed_label = (actor.get_username() if actor else actor_label)[:150]
        for name, text in values.items():
            setattr(strategy, name, text.strip())
        strategy.save()
        _number(order)
        strategy.refresh_from_db()
        if (after := _told(strategy)) != before:
            record_audit(
                action="strategy.changed",
                clock=_MACHINE,
                actor=actor,
                actor_label=actor_label,
                target=segment,
                detail={"before": before, "after": after},
            )
    return strategy


def remove_strategy(*, segment: str, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> None:
    """Let the people of a segment get nothing because of it. Twice is once. Raises SegmentUnknownError."""
    found = get_segment(segment)
    with transaction.atomic():
        _lock()
        if Strategy.objects.filter(segment=found).delete()[0]:
            _number(_in_order(Strategy.objects.select_related("segment")))
            record_audit(
                action="strategy.removed", clock=_MACHINE, actor=actor, actor_label=actor_label, target=segment
            )


def _in_order(strategies: Iterable[Strategy]) -> list[int]:
    """Numbers of the segments by priority; those in the archive, which nobody sees, behind all others."""
    ordered = sorted(strategies, key=lambda s: (s.segment.archived_at is not None, s.priority))
    return [strategy.segment_id for strategy in ordered]


def _told(strategy: Strategy | None) -> dict[str, object]:
    return {} if strategy is None else {name: getattr(strategy, name) for name in ("priority", *FIELDS)}


def _free_priority() -> int:
    last = Strategy.objects.order_by("-priority").values_list("priority", flat=True).first()
    return (last or 0) + 1


def _number(order: list[int]) -> None:
    """Priorities 1, 2, 3 ...: moved out of the way first, as each is one strategy's only."""
    free = max(_free_priority(), len(order) + 1)
    for place, segment in enumerate(order):
        Strategy.objects.filter(segment=segment).update(priority=free + place)
    for place, segment in enumerate(order, start=1):
        Strategy.objects.filter(segment=segment).update(priority=place)


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('huitou.strategies'))")
