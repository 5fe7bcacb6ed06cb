"""A market with known rhythms: every customer has an own rate for each item, and some keep to their gaps."""

from __future__ import annotations

import numpy as np

from huitou.stats.item_repurchase.purchases import ItemPurchases


def market(customers: int = 400, items: int = 12, days: int = 500, seed: int = 1) -> ItemPurchases:
    """Every pair buys by gaps of a gamma distribution, of shape 8 for even customers (regular) and 1 for odd ones."""
    draw = np.random.default_rng(seed)
    rows: list[tuple[int, int, int]] = []
    for customer in range(customers):
        shape = 1.0 if customer % 2 else 8.0
        for item in range(items):
            mean = float(np.exp(draw.normal(3.0 + 0.12 * item, 0.6)))
            day = draw.uniform(0, mean)
            while day < days:
                rows.append((customer, item, int(day)))
                day += draw.gamma(shape, mean / shape)
    return ItemPurchases.of(*np.array(rows).T)
