"""Views of what a customer may take to equal their textbook forms, and the learned blend finds who is alike."""

from __future__ import annotations

import numpy as np
import pytest

from huitou.stats.baskets import signals as signals_module
from huitou.stats.baskets.evaluating import evaluate
from huitou.stats.baskets.history import History
from huitou.stats.baskets.listwise import Reals
from huitou.stats.baskets.novel import fit_novelties
from huitou.stats.baskets.ranking import best
from huitou.stats.baskets.signals import Signals


def some_history(seed: int, customers: int = 30, items: int = 12) -> History:
    rng = np.random.default_rng(seed)
    rows = np.unique(
        np.column_stack(
            [rng.integers(0, customers, 400), rng.integers(0, items, 400) ** 2 // items, rng.integers(1, 150, 400)]
        ),
        axis=0,
    )
    return History(rows[:, 0], rows[:, 1], rows[:, 2], customers, items)


def test_weights_are_ease_as_published_though_solved_over_customers() -> None:
    history = some_history(seed=1)
    signals = Signals.of(history, 28)
    seen = signals.see(history, np.arange(30))["weights"]
    decayed = np.zeros((30, 12))
    np.add.at(decayed, (history.customer, history.item), 2 * 0.5 ** (history.age_days / 84))
    decayed = np.log1p(decayed)
    penalty = 8.0 * (decayed**2).sum(1).mean()
    inverse = np.linalg.inv(decayed.T @ decayed + penalty * np.eye(12))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    assert seen == pytest.approx((decayed @ weights)[:, signals.items])


def test_neighbors_count_those_most_alike_and_never_oneself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals_module, "NEIGHBORS", 4)
    history = some_history(seed=2)
    signals = Signals.of(history, 28)
    seen = signals.see(history, np.arange(30))["neighbors"]
    counts = np.log1p(history.counts.toarray().astype(float))
    directions = counts / np.linalg.norm(counts, axis=1, keepdims=True)
    alike = directions @ directions.T
    np.fill_diagonal(alike, -1)
    for customer in range(30):
        nearest = np.argsort(-alike[customer])[:4]
        expected = alike[customer, nearest] @ (counts[nearest] > 0)
        assert seen[customer] == pytest.approx(expected[signals.items])


def test_next_is_ridge_regression_of_what_was_newly_taken_to() -> None:
    history = some_history(seed=3)
    signals = Signals.of(history, 28)
    seen = signals.see(history, np.arange(30))["next"]
    before = history.earlier(28).counts.toarray().astype(float)
    late = history.age_days <= 28
    new = np.zeros((30, 12))
    new[history.customer[late], history.item[late]] = 1
    new *= before == 0
    assert new.any()

    def directions(counts: Reals) -> Reals:
        found: Reals = np.log1p(counts)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        found /= np.where(lengths > 0, lengths, 1)
        return found

    then, now = directions(before), directions(history.counts.toarray().astype(float))
    weights = np.linalg.solve(then.T @ then + 10 * np.eye(12), then.T @ new)
    assert seen == pytest.approx((now @ weights)[:, signals.items])


def test_customers_who_teach_nothing_are_seen_by_the_same_formulas(monkeypatch: pytest.MonkeyPatch) -> None:
    history = some_history(seed=4)
    monkeypatch.setattr(signals_module, "TEACHERS", 10)
    signals = Signals.of(history, 28)
    assert len(signals.teachers) == 10
    teachers = history.of_customers(signals.teachers)
    monkeypatch.setattr(signals_module, "TEACHERS", 4000)
    alone = Signals.of(teachers, 28)
    stranger = np.setdiff1d(np.arange(30), signals.teachers)[:1]
    seen = signals.see(history, stranger)
    decayed = np.zeros(12)
    kept = history.customer == stranger[0]
    np.add.at(decayed, history.item[kept], 2 * 0.5 ** (history.age_days[kept] / 84))
    decayed = np.log1p(decayed)
    dense = alone.decayed.toarray()
    inverse = np.linalg.inv(dense.T @ dense + alone.penalty * np.eye(12))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    assert seen["weights"][0] == pytest.approx((decayed @ weights)[signals.items])
    assert (seen["neighbors"] >= 0).all()


def circles(seed: int) -> History:
    """Customers of ten circles, who little by little take to the thirty items of their circle."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(600):
        order = rng.permutation(30) + 30 * (customer % 10)
        for visit, age in enumerate(range(200, 0, -8)):
            # Every second visit one more item comes in.
            known = order[: 1 + visit // 2]
            rows += [(customer, int(item), age) for item in {int(known[-1]), *rng.choice(known, 2).tolist()}]
    columns = np.array(sorted(set(rows)), np.int64).T
    return History(columns[0], columns[1], columns[2], 600, 300)


def test_what_the_own_circle_buys_comes_first_and_nothing_bought_before() -> None:
    whole = circles(seed=5)
    before = whole.earlier(28)
    customers, items = whole.next_baskets(28)
    fresh = np.asarray(before.counts[customers, items]).ravel() == 0
    model = fit_novelties(before)
    assert model.is_learned
    scored = model.score(np.arange(600))
    assert not np.asarray(before.counts[scored.customer, scored.item]).any()
    ranked = best(scored, 5)
    assert ((ranked.item // 30) == (ranked.customer % 10)).mean() > 0.95
    hits = evaluate(ranked, (customers[fresh], items[fresh]), top=5)
    # Of the 19 items of the circle that are left, any five hold the new one in a quarter of the cases.
    assert hits.recall.mean() > 0.2


def test_some_customers_are_scored_by_their_place_and_those_without_history_not_at_all() -> None:
    history = some_history(seed=6)
    lonely = History(history.customer, history.item, history.age_days, 31, 12)
    model = fit_novelties(lonely)
    assert not model.is_learned
    all_of_them, some = model.score(np.arange(31)), model.score(np.array([7, 30, 3]))
    assert not (all_of_them.customer == 30).any()
    for place, customer in ((0, 7), (2, 3)):
        expected = set(all_of_them.item[all_of_them.customer == customer].tolist())
        assert set(some.item[some.customer == place].tolist()) == expected
    nobody = np.empty(0, np.int64)
    assert len(fit_novelties(History(nobody, nobody, nobody, 0, 0)).score(nobody).item) == 0
