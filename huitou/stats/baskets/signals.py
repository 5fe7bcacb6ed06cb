"""Three views of which items a customer may take to who never bought them, from customers who bought alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.linalg import cho_factor, cho_solve

from huitou.stats.baskets.again import Trends
from huitou.stats.baskets.history import History
from huitou.stats.baskets.itemsets import Codes
from huitou.stats.baskets.listwise import Reals

# Customers whose purchases are learned from, and items with the most buyers that are scored: what both cost is their
# product and the cube of the first.
TEACHERS, ITEMS = 4_000, 2_500
NEIGHBORS = 100
_HALF_LIFE_DAYS = 84.0
# Regularization: of item weights as a share of a customer's mean sum of squares, of what comes next absolute.
_WEIGHT_PENALTY, _NEXT_PENALTY = 8.0, 10.0
NAMES = ("weights", "neighbors", "next")


@dataclass(frozen=True)
class Signals:
    """What teachers know at an instant; `items` are the codes that are scored.

    `weights` is EASE: the linear model of each item by all others that ridge regression gives when no item may
    explain itself, here solved over customers, of whom there are fewer than items. `neighbors` counts, weighted by
    cosine, how many of the most alike customers bought the item. `next` is ridge regression of what customers newly
    took to in the last days on what they had bought before.

    References
    ----------
    H. Steck, *Embarrassingly shallow autoencoders for sparse data*, WWW (2019), eq. 8. B. Sarwar et al., *Analysis of
    recommendation algorithms for e-commerce*, EC (2000), for neighbors.
    """

    items: Codes
    trends: Trends
    teachers: Codes
    decayed: sp.csr_matrix
    solved: Reals
    precision: Reals
    penalty: float
    directions: sp.csr_matrix
    bought: sp.csr_matrix
    earlier_directions: sp.csr_matrix
    taken_to: Reals

    @classmethod
    def of(cls, history: History, days: int) -> Signals:
        """Signals of a history; `days` is what counts as newly taken to."""
        trends = Trends.of(history)
        order = np.lexsort((np.arange(history.item_count), -trends.buyers))
        items = order[: min(ITEMS, int((trends.buyers > 0).sum()))]
        active = np.flatnonzero(history.visit_counts > 0)
        teachers = active[:: max(1, -(-len(active) // TEACHERS))]
        taught = history.of_customers(teachers)
        decayed = _decayed(taught)
        kernel = (decayed @ decayed.T).toarray().astype(float)
        penalty = _WEIGHT_PENALTY * max(float(kernel.diagonal().mean()), 1e-9) if len(kernel) else 1.0
        wanted = decayed[:, items].toarray().astype(float)
        solved = _ridge(kernel, penalty, wanted)
        precision = (1 - (wanted * solved).sum(0)) / penalty
        before = taught.earlier(days)
        new = _new_items(taught, before, days)[:, items].toarray().astype(float)
        earlier = _directions(before)
        return cls(
            items=items,
            trends=trends,
            teachers=teachers,
            decayed=decayed,
            solved=solved,
            precision=np.maximum(precision, 1e-12),
            penalty=penalty,
            directions=_directions(taught),
            bought=(taught.counts[:, items] > 0).astype(np.float32),
            earlier_directions=earlier,
            taken_to=_ridge((earlier @ earlier.T).toarray().astype(float), _NEXT_PENALTY, new),
        )

    def see(self, history: History, customers: Codes) -> dict[str, Reals]:
        """By name, one score for some of the history's customers and each of `items`: shape (customers, items)."""
        some = history.of_customers(customers)
        decayed, directions = _decayed(some), _directions(some)
        known = (decayed @ self.decayed.T).toarray().astype(float)
        own = decayed[:, self.items].toarray()
        explained = (own - known @ self.solved) / self.penalty
        alike = (directions @ self.directions.T).toarray().astype(float)
        following = (directions @ self.earlier_directions.T).toarray().astype(float) @ self.taken_to
        places = np.searchsorted(self.teachers, customers)
        places[places == len(self.teachers)] = 0
        own_rows = np.flatnonzero(self.teachers[places] == customers) if len(self.teachers) else np.empty(0, np.int64)
        # Nobody is a neighbor of himself.
        alike[own_rows, places[own_rows]] = 0
        if alike.shape[1] > NEIGHBORS:
            edge = np.partition(alike, -NEIGHBORS, axis=1)[:, -NEIGHBORS, None]
            alike[alike < edge] = 0
        return {"weights": own - explained / self.precision, "neighbors": alike @ self.bought, "next": following}


def _ridge(kernel: Reals, penalty: float, wanted: Reals) -> Reals:
    """(kernel + penalty)⁻¹ wanted."""
    if not len(kernel):
        return wanted
    kernel[np.diag_indices_from(kernel)] += penalty
    found: Reals = cho_solve(cho_factor(kernel, overwrite_a=True), wanted)
    return found


def _decayed(history: History) -> sp.csr_matrix:
    """Logarithms of purchases that count half after each half-life, shape (customers, items)."""
    weights = 2 * 0.5 ** (history.age_days / _HALF_LIFE_DAYS)
    shape = (history.customer_count, history.item_count)
    found = sp.csr_matrix((weights, (history.customer, history.item)), shape=shape)
    found.sum_duplicates()
    found.data = np.log1p(found.data)
    return found


def _directions(history: History) -> sp.csr_matrix:
    """Rows of length 1 of logarithms of days bought, shape (customers, items)."""
    found = history.counts.astype(float)
    found.data = np.log1p(found.data)
    lengths = np.sqrt(np.asarray(found.multiply(found).sum(1)).ravel())
    return (sp.diags(1 / np.where(lengths > 0, lengths, 1.0)) @ found).tocsr()


def _new_items(history: History, before: History, days: int) -> sp.csr_matrix:
    """1 where a customer bought an item in the last days and never before, shape (customers, items)."""
    late = history.age_days <= days
    shape = (history.customer_count, history.item_count)
    ones = np.ones(int(late.sum()))
    recent = (sp.csr_matrix((ones, (history.customer[late], history.item[late])), shape=shape) > 0).astype(float)
    return (recent - recent.multiply(before.counts > 0)).tocsr()
