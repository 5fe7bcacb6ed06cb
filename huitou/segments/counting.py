"""How many and who: exact, from a sample while somebody types, for some customers, and as batches."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import ibis
import pyarrow as pa
from django.utils.translation import gettext as _

from huitou.analytics.conditions import Condition, compile_members, parse_condition
from huitou.core.errors import DomainError
from huitou.customers.labels import customer_labels
from huitou.customers.queries import customers_of
from huitou.orders.queries import get_last_refresh
from huitou.segments.evaluating import Asking, asking, asking_of
from huitou.segments.models import Segment
from huitou.segments.where import Where, read_where

# One customer in a hundred by a draw of its own, the same at every look.
_SAMPLE = parse_condition({"bucket": {"salt": "huitou.sample", "from": 0, "to": 100}})
# Brands with fewer customers are counted whole: that takes no longer, and a sample would say little.
_WHOLE_BELOW = 20_000
_Z95 = 1.959963984540054
# As many customers as one question is about; more are asked in turns.
_AT_ONCE = 20_000


class SegmentUnknownError(DomainError):
    """There is no such segment."""

    code = "segment_unknown"
    status = 404


@dataclass(frozen=True)
class SizeEstimate:
    """About how many customers: between `low` and `high` with 95 % confidence; all three are equal if `exact`."""

    size: int
    low: int
    high: int
    exact: bool


def find_segment(name: str) -> Segment | None:
    """The segment of that name."""
    return Segment.objects.filter(name=name).first()


def get_segment(name: str) -> Segment:
    """The segment of that name; raises SegmentUnknownError."""
    found = find_segment(name)
    if found is None:
        raise SegmentUnknownError(_("There is no segment %(name)s.") % {"name": name})
    return found


def count_members(where: Where, as_of: datetime | None = None) -> int:
    """Exactly how many customers meet a condition as of an instant, by default that of the last refresh.

    Raises WhereRefusedError, NotRefreshedError.
    """
    condition = read_where(where)
    with asking(as_of) as ask:
        return _count(ask, ask.members(condition))


def sample_size(where: Where, as_of: datetime | None = None) -> SizeEstimate:
    """About how many meet a condition, from one customer in a hundred, with a Wilson interval; exact for brands
    with few customers.

    Raises WhereRefusedError, NotRefreshedError. References: Wilson 1927, Journal of the American Statistical
    Association 22, 209-212.
    """
    condition = read_where(where)
    with asking(as_of) as ask:
        whole = _count(ask, ask.facts.features)
        if whole < _WHOLE_BELOW:
            count = _count(ask, ask.members(condition))
            return SizeEstimate(count, count, count, exact=True)
        drawn = ask.engine.keep("drawn", compile_members(_SAMPLE, ask.facts, ask.moment))
        looked_at = _count(ask, drawn)
        return estimate(_count(ask, ask.among(drawn).members(condition)), looked_at, whole)


def estimate(met: int, looked_at: int, whole: int) -> SizeEstimate:
    """How many of `whole` meet what `met` of `looked_at` drawn ones do, with Wilson's interval of 95 %.

    What was seen bounds it: no fewer than met it, no more than are left when those who do not are taken away.
    """
    if looked_at == 0:
        return SizeEstimate(0, 0, whole, exact=False)
    share, spread = met / looked_at, _Z95**2 / looked_at
    middle = (share + spread / 2) / (1 + spread)
    half = _Z95 / (1 + spread) * math.sqrt(share * (1 - share) / looked_at + spread / (4 * looked_at))
    low = max(met, math.floor((middle - half) * whole))
    high = min(whole - (looked_at - met), math.ceil((middle + half) * whole))
    return SizeEstimate(min(max(round(share * whole), low), high), low, high, exact=False)


@dataclass(frozen=True)
class Sampled:
    """One of the people: number and masked label."""

    person_id: int
    label: str


def sample_people(where: Where, *, limit: int = 10, as_of: datetime | None = None) -> list[Sampled]:
    """Some customers who meet a condition, names masked; the same ones at every look."""
    condition = read_where(where)
    with asking(as_of) as ask:
        found = ask.members(condition)
        # Numbers are given in order of arrival: by a hash the sample is not the oldest ones.
        text = ibis.literal("huitou.people:") + found.person_id.cast("string")
        chosen = found.order_by([text.hexdigest("md5"), found.person_id]).limit(limit)
        ids = ask.engine.to_pyarrow(chosen)["person_id"].to_pylist()
    labels = customer_labels(ids)
    return [Sampled(one, labels.get(one, f"#{one}")) for one in ids]


def matching(where: Where, customer_ids: Sequence[int], as_of: datetime | None = None) -> set[int]:
    """Which of these customers meet a condition now, or as of an instant before the last refresh.

    Now means the features and facts of the last refresh, and tags, consent, identifiers and dates as PostgreSQL has
    them at `as_of`. Numbers of joined persons stand for their customers; the answer holds the numbers that were asked.
    """
    condition, run = read_where(where), get_last_refresh()
    owner = customers_of(customer_ids)
    customers, met = sorted(set(owner.values())), set[int]()
    for start in range(0, len(customers), _AT_ONCE):
        met |= _matching(condition, customers[start : start + _AT_ONCE], as_of, run.as_of)
    return {asked for asked, customer in owner.items() if customer in met}


def _matching(condition: Condition, customers: list[int], as_of: datetime | None, refreshed: datetime) -> set[int]:
    if as_of is None or as_of >= refreshed:
        with asking_of(customers, as_of or refreshed) as ask:
            found = ask.engine.to_pyarrow(ask.members(condition))
    else:
        with asking(as_of) as ask:
            members = ask.members(condition)
            found = ask.engine.to_pyarrow(members.filter(members.person_id.isin(customers)))
    return set(found["person_id"].to_pylist())


def members_of_segment(name: str, as_of: datetime | None = None) -> Iterator[pa.RecordBatch]:
    """`person_id` and `entered_at` of a segment's members by person_id, as batches.

    By default as of the last refresh; for another instant by the definition of today. Raises SegmentUnknownError.
    """
    get_segment(name)
    with asking(as_of) as ask:
        rows = ask.segment(name).select("person_id", "entered_at").order_by("person_id")
        yield from ask.engine.to_reader(rows)


def count_segment(name: str, as_of: datetime | None = None) -> int:
    """Exactly how many are in a segment; raises SegmentUnknownError."""
    get_segment(name)
    with asking(as_of) as ask:
        return _count(ask, ask.segment(name))


def customer_ids_of(name: str, as_of: datetime | None = None) -> list[int]:
    """Every member of a segment in memory, ascending: for bulk services that take numbers."""
    return [one for batch in members_of_segment(name, as_of) for one in batch.column("person_id").to_pylist()]


def _count(ask: Asking, rows: ibis.Table) -> int:
    return int(ask.engine.to_pyarrow(rows.aggregate(n=rows.count()))["n"][0].as_py())
