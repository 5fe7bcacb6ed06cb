"""Orders per customer in a holdout, and the fits behind them: ours and lifetimes' on the CDNOW customers.

    python benchmarks/customer_base.py

The files come with the package lifetimes 0.11.3 (`make bench` installs it): 2,357 sampled and all 23,570 customers,
known to 1997-09-30, held against the 39 weeks after. A customer's purchases on one day are one; times are in weeks.
Parameters, log-likelihood and seconds of each fit (best of several rounds), and what was expected of each customer
against what happened, with standard errors from 200 draws of customers. The product's forecast is the one that it
chooses by itself, by looking back from 1997-09-30. Then five files, each fitted from five starts: the same parameters,
no exception, nothing that is not a number.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
import warnings
from collections.abc import Callable
from datetime import date
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

HERE = Path(__file__).resolve().parent
KNOWN_UNTIL, HELD_UNTIL = date(1997, 10, 1), date(1998, 7, 1)
WEEKS = (HELD_UNTIL - KNOWN_UNTIL).days / 7
EPOCH = date(1970, 1, 1)
DRAWS = 200


class Customers:
    """Each customer's days with a purchase and what they came to, and the holdout's."""

    def __init__(self, name: str) -> None:
        path = distribution("lifetimes").locate_file(f"lifetimes/datasets/CDNOW_{name}.txt")
        lines = [line.split() for line in Path(str(path)).read_text().splitlines()]
        rows = [line for line in lines if line and line[0].isdigit()]
        if len(rows[0]) == 5:
            rows = [[row[0], *row[2:]] for row in rows]
        who = np.array([int(row[0]) for row in rows])
        when = np.array([(date(int(r[1][:4]), int(r[1][4:6]), int(r[1][6:])) - EPOCH).days for r in rows])
        amount = np.array([float(row[3]) for row in rows])
        pairs, at = np.unique(np.stack([who, when]), axis=1, return_inverse=True)
        self.end, self.until = (KNOWN_UNTIL - EPOCH).days, (HELD_UNTIL - EPOCH).days
        known, held = pairs[1] < self.end, (pairs[1] >= self.end) & (pairs[1] < self.until)
        self.who, self.when = pairs[:, known]
        self.amount = np.bincount(at.ravel(), amount)[known]
        self.ids, start, count = np.unique(self.who, return_index=True, return_counts=True)
        first, last = self.when[start], self.when[start + count - 1]
        self.frequency = (count - 1).astype(float)
        self.recency, self.age = (last - first) / 7, (self.end - 1 - first) / 7
        self.happened = np.searchsorted(pairs[0][held], self.ids, "right") - np.searchsorted(pairs[0][held], self.ids)

    def score(self, expected: np.ndarray, p_alive: np.ndarray, p_any: np.ndarray) -> dict[str, Any]:
        """Total error in percent, mean absolute error, AUC of any purchase by expectation and by P(alive), log-loss and
        calibration error of any purchase; each with its standard error."""
        rows = np.column_stack([self.happened, expected, p_alive, np.clip(p_any, 1e-6, 1 - 1e-6)])
        figures = _figures(rows)
        draw = np.random.default_rng(0)
        again = [_figures(rows[draw.integers(0, len(rows), len(rows))]) for _ in range(DRAWS)]
        return {
            name: {"value": round(value, 4), "standard_error": round(float(np.std([a[name] for a in again])), 4)}
            for name, value in figures.items()
        }


def _figures(rows: np.ndarray) -> dict[str, float]:
    happened, expected, alive, any_ = rows.T
    hit = happened > 0
    bins = np.array_split(np.argsort(any_, kind="stable"), 10)
    return {
        "total_error_percent": 100 * (expected.sum() / happened.sum() - 1),
        "mae": float(np.abs(happened - expected).mean()),
        "auc_any": _auc(expected, hit),
        "auc_p_alive": _auc(alive, hit),
        "log_loss_any": float(-np.where(hit, np.log(any_), np.log1p(-any_)).mean()),
        "calibration_error": sum(abs(any_[b].mean() - hit[b].mean()) * len(b) for b in bins) / len(rows),
    }


def _auc(score: np.ndarray, hit: np.ndarray) -> float:
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(score[hit], score[~hit]).statistic / (hit.sum() * (~hit).sum()))


def log_likelihood(name: str, told: Customers, parameters: dict[str, float]) -> float:
    """At any parameters, by the formulas of Fader, Hardie and Lee (2005), so that both sides are judged alike."""
    from scipy.special import betaln, gammaln, hyp2f1, logsumexp

    x, last, age = told.frequency, told.recency, told.age
    first, second, third, fourth = parameters.values()
    common = gammaln(first + x) - gammaln(first) + first * np.log(second)
    if name == "BG/NBD":
        active = betaln(third, fourth + x) - betaln(third, fourth) - (first + x) * np.log(second + age)
        with np.errstate(invalid="ignore"):
            gone = betaln(third + 1, fourth + x - 1) - betaln(third, fourth) - (first + x) * np.log(second + last)
        return float((common + np.logaddexp(active, np.where(x > 0, gone, -np.inf))).sum())
    both, high, low = first + third + x, max(second, fourth), abs(second - fourth)
    shape = third + 1 if second >= fourth else first + x
    part = [
        np.log(hyp2f1(both, shape, both + 1, low / (high + end))) - both * np.log(high + end) for end in (last, age)
    ]
    gone = logsumexp(part, axis=0, b=[[1.0], [-1.0]]) + np.log(third / both)
    active = -(first + x) * np.log(second + age) - third * np.log(fourth + age)
    return float((common + third * np.log(fourth) + np.logaddexp(active, gone)).sum())


def best_seconds(run: Callable[[], Any], rounds: int) -> tuple[Any, float]:
    """The result, and the shortest of `rounds` runs."""
    shortest, result = float("inf"), None
    for _ in range(rounds):
        start = time.perf_counter()
        result = run()
        shortest = min(shortest, time.perf_counter() - start)
    return result, round(shortest, 4)


def by_lifetimes(told: Customers, rounds: int) -> dict[str, Any]:
    """Its fits, and how well they foretold."""
    warnings.simplefilter("ignore")
    from lifetimes import BetaGeoFitter, ParetoNBDFitter

    found: dict[str, Any] = {}
    x, last, age = told.frequency, told.recency, told.age
    for name, kind in (("BG/NBD", BetaGeoFitter), ("Pareto/NBD", ParetoNBDFitter)):
        model, seconds = best_seconds(lambda kind=kind: kind().fit(x, last, age), rounds)
        alive = np.asarray(model.conditional_probability_alive(x, last, age))
        expected = np.asarray(model.conditional_expected_number_of_purchases_up_to_time(WEEKS, x, last, age))
        if name == "Pareto/NBD":
            none = np.asarray(model.conditional_probability_of_n_purchases_up_to_time(0, WEEKS, x, last, age))
        else:
            r, alpha = model.params_["r"], model.params_["alpha"]
            none = 1 - alive * (1 - ((alpha + age) / (alpha + age + WEEKS)) ** (r + x))
        found[name] = {
            "parameters": {key: round(float(value), 4) for key, value in model.params_.items()},
            "log_likelihood": round(log_likelihood(name, told, dict(model.params_)), 2),
            "fit_seconds": seconds,
            "holdout": told.score(expected, alive, 1 - none),
        }
    return found


def ours(told: Customers, rounds: int) -> dict[str, Any]:
    """The same fits, and the forecast that the product makes by itself."""
    from huitou.stats.buy_till_you_die.days import PurchaseDays
    from huitou.stats.buy_till_you_die.forecast import learn
    from huitou.stats.buy_till_you_die.geometric import fit_geometric
    from huitou.stats.buy_till_you_die.histories import Histories
    from huitou.stats.buy_till_you_die.pareto import fit_pareto

    found: dict[str, Any] = {}
    histories = Histories.of(told.frequency, told.recency, told.age)
    fits: dict[str, Callable[[], Any]] = {
        "BG/NBD": lambda: fit_geometric(histories.grouped(), modified=False),
        "Pareto/NBD": lambda: fit_pareto(histories.grouped()),
    }
    for name, fit in fits.items():
        model, seconds = best_seconds(fit, rounds)
        expected, any_ = model.expected(histories, WEEKS), model.p_any(histories, WEEKS)
        found[name] = {
            "parameters": {key: round(value, 4) for key, value in model.parameters.items()},
            "log_likelihood": round(log_likelihood(name, told, model.parameters), 2),
            "fit_seconds": seconds,
            "holdout": told.score(expected, model.p_alive(histories), any_),
        }
    days = PurchaseDays.of(told.who, told.when)
    horizon = told.until - told.end
    forecast, seconds = best_seconds(lambda: learn(days, told.end, horizon, told.amount), 1)
    scores, scored = best_seconds(lambda: forecast.score(days.spans(), horizon), rounds)
    found["forecast"] = {
        "model": forecast.model.name,
        "cautions": list(forecast.cautions),
        "learn_seconds": seconds,
        "score_seconds": scored,
        "holdout": told.score(scores.expected, scores.p_alive, scores.p_any),
    }
    return found


def five_files() -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Frequency, recency and age of five brands, in weeks: both CDNOW files and three drawn ones that are awkward."""
    files = {}
    for name in ("sample", "master"):
        told = Customers(name)
        files[f"CDNOW {name}"] = (told.frequency, told.recency, told.age)
    draw = np.random.default_rng(0)
    size = 3000
    age = draw.integers(1, 104, size).astype(float)
    nobody = np.zeros(size)
    files["nearly nobody returns"] = ((draw.random(size) < 0.02) * (age > 4) * 1.0, nobody, age)
    files["nobody stops"] = (draw.poisson(draw.gamma(1.0, 0.1, size) * age).astype(float), nobody, age)
    files["weekly, all alike"] = (np.minimum(draw.poisson(0.9 * age), 7 * age).astype(float), nobody, age)
    for name, (x, last, old) in list(files.items())[2:]:
        files[name] = (x, np.where(x > 0, old * draw.random(size) ** (1 / (x + 1)), last), old)
    return files


def robustness() -> dict[str, Any]:
    """Of each file and model the widest relative difference of any parameter over five starts."""
    from huitou.stats.buy_till_you_die import geometric, pareto
    from huitou.stats.buy_till_you_die.histories import Histories

    found: dict[str, Any] = {}
    draw = np.random.default_rng(1)
    starts = [tuple(draw.uniform(-2, 2, 4)) for _ in range(5)]
    usual = geometric._STARTS, pareto._STARTS
    for name, columns in five_files().items():
        histories = Histories.of(*columns).grouped()
        fits: dict[str, Callable[[], Any]] = {
            "BG/NBD": lambda histories=histories: geometric.fit_geometric(histories, modified=False),
            "MBG/NBD": lambda histories=histories: geometric.fit_geometric(histories),
            "Pareto/NBD": lambda histories=histories: pareto.fit_pareto(histories),
        }
        found[name] = {}
        for model, fit in fits.items():
            values = []
            for start in starts:
                geometric._STARTS = pareto._STARTS = (start,)
                values.append(list(fit().parameters.values()))
            geometric._STARTS, pareto._STARTS = usual
            spread = np.ptp(values, axis=0) / np.abs(np.mean(values, axis=0))
            found[name][model] = float(f"{spread.max():.1e}")
    return found


def measure(rounds: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name in ("sample", "master"):
        told = Customers(name)
        result[name] = {
            "customers": len(told.ids),
            "lifetimes": by_lifetimes(told, rounds),
            "ours": ours(told, rounds),
        }
    result["widest_difference_over_five_starts"] = robustness()
    return result


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--out", type=Path, default=HERE / "results" / "customer_base.json")
    chosen = options.parse_args()
    result = {
        "what": "customer-base models on CDNOW: fits and holdout, beside lifetimes",
        "machine": {"cpus": __import__("os").cpu_count(), "python": platform.python_version()},
        "versions": {name: version(name) for name in ("lifetimes", "numpy", "scipy")},
        "rounds": chosen.rounds,
        **measure(chosen.rounds),
    }
    chosen.out.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    print(json.dumps(result, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
