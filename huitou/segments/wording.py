"""What conditions only know by code is called, in the reader's language: events, segments, layers, categories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from huitou.accounts.queries import find_brand
from huitou.analytics.conditions import Names
from huitou.analytics.feature import FEATURES
from huitou.catalog.labels import category_labels
from huitou.console.channels import channel_label
from huitou.core.money import exponent
from huitou.customers.milestone_kinds import MILESTONE_KINDS
from huitou.orders.portrait import band_words, dormant_words, lifecycle_words
from huitou.segments.layering import shown
from huitou.segments.models import Segment
from huitou.sources.tracking.queries import current_plan


def names_in(definition: object) -> Names:
    """The names of whatever a definition names, in the active language; the database is asked for those only."""
    codes = set(_texts(definition))
    events = properties = segments = categories = {}
    if "event" in codes:
        plan = current_plan()
        named = [plan.events[code] for code in sorted(codes & set(plan.events))]
        declared = [*plan.everywhere.values(), *(p for event in named for p in event.properties.values())]
        events = {event.name: event.label for event in named}
        properties = {p.name: p.label for p in declared if p.name in codes}
    if "segment" in codes:
        segments = {segment.name: shown(segment)[0] for segment in Segment.objects.filter(name__in=codes)}
    if codes & {"category", "top_category"}:
        categories = category_labels(codes)
    return Names(
        events=events,
        properties=properties,
        segments=segments,
        dates={code: str(MILESTONE_KINDS[code].label) for code in codes & set(MILESTONE_KINDS)},
        values={
            "category": categories,
            "top_category": categories,
            "channel": {code: channel_label(code) for code in codes} if "channel" in codes else {},
            "lifecycle_stage": lifecycle_words(),
            "repurchase_band": band_words(),
            "dormant_layer": dormant_words(),
        },
        digits=_digits(codes),
    )


def _digits(codes: set[str]) -> int:
    """Decimals of amounts, where there may be any."""
    has_amounts = "orders" in codes or any(FEATURES[code].unit == "minor" for code in codes & set(FEATURES.kinds()))
    brand = find_brand() if has_amounts else None
    return exponent(brand.currency) if brand else 2


def _texts(part: object) -> Iterator[str]:
    """Every text in a definition, names of its parts among them."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, Mapping):
        yield from part
        yield from _texts(list(part.values()))
    elif isinstance(part, list):
        for inner in part:
            yield from _texts(inner)
