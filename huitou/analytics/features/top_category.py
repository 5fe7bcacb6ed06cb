"""Main category."""

from __future__ import annotations

import ibis

from huitou.analytics.feature import Feature, Moment

# More places than there will ever be categories.
_PLACES = 1_000_000_000


def _place_of_most(rows: ibis.Table, moment: Moment) -> ibis.Value:
    """Place of the category with the most purchases, as one whole number that any engine can take the largest of."""
    best = (rows["orders"] * _PLACES + (_PLACES - 1 - rows["place"])).max()
    return _PLACES - 1 - best % _PLACES


FEATURE = Feature(
    kind="top_category",
    label="Main category",
    term_zh="主要品类",
    definition="Known category in the most purchases; of several, the first by name.",
    unit="text",
    over_categories=_place_of_most,
)
