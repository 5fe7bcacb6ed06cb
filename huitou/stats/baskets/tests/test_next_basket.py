"""Histories as they stood before, choices that are learned, and figures of how good ranks were."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huitou.stats.baskets.again import FEATURES, LEAST_CHOSEN, Trends, candidates_of, fit_next_basket
from huitou.stats.baskets.evaluating import evaluate
from huitou.stats.baskets.history import History
from huitou.stats.baskets.listwise import fit_choice
from huitou.stats.baskets.ranking import Ranked, Scored, best

CUSTOMERS, ITEMS = 4, 5
entries = st.sets(st.tuples(st.integers(0, CUSTOMERS - 1), st.integers(0, ITEMS - 1), st.integers(1, 60)), max_size=60)


def put_together(rows: set[tuple[int, int, int]], customers: int = CUSTOMERS, items: int = ITEMS) -> History:
    columns = np.array(sorted(rows), np.int64).reshape(-1, 3).T
    return History(columns[0], columns[1], columns[2], customers, items)


@settings(max_examples=50)
@given(entries, st.integers(1, 40))
def test_a_history_of_before_holds_what_had_happened_and_the_next_day_what_came(
    rows: set[tuple[int, int, int]], days: int
) -> None:
    history = put_together(rows)
    assert set(zip(*map(np.ndarray.tolist, _columns(history.earlier(days))), strict=True)) == {
        (c, i, age - days) for c, i, age in rows if age > days
    }
    came: dict[int, int] = {}
    for c, _, age in rows:
        if age <= days:
            came[c] = max(age, came.get(c, 0))
    customers, items = history.next_baskets(days)
    assert list(zip(customers.tolist(), items.tolist(), strict=True)) == sorted(
        (c, i) for c, i, age in rows if came.get(c) == age
    )


def _columns(history: History) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return history.customer, history.item, history.age_days


@settings(max_examples=50)
@given(entries)
def test_features_are_those_counted_by_hand(rows: set[tuple[int, int, int]]) -> None:
    history = put_together(rows)
    found = candidates_of(history, Trends.of(history))
    expected = {}
    for c, i in sorted({(c, i) for c, i, _ in rows}):
        ages = sorted(age for a, b, age in rows if (a, b) == (c, i))
        days = sorted({age for a, _, age in rows if a == c})
        ago = [days.index(age) for age in ages]
        buyers = len({a for a, b, _ in rows if b == i})
        expected[c, i] = {
            "habit": np.log(sum(0.97**n for n in ago) + 1e-3),
            "lately": np.log(sum(0.85**n for n in ago) + 1e-3),
            "this_week": np.log(sum(0.5 ** (age / 7) for age in ages) + 1e-3),
            "days_since": np.log(ages[0]),
            "visits_since": np.log1p(ago[0]),
            "days_bought": np.log(len(ages) + 1e-3),
            "only_once": float(len(ages) == 1),
            "item_this_month": np.log(sum(b == i and age <= 28 for _, b, age in rows) + 1e-3),
            "item_this_week": np.log1p(sum(b == i and age <= 7 for _, b, age in rows)),
            "item_buyers": np.log(buyers + 1e-3),
            "item_loyalty": np.log(sum(b == i for _, b, _ in rows) / buyers + 1e-3),
            "never": 0.0,
        }
    pairs = list(zip(found.customer.tolist(), found.item.tolist(), strict=True))
    assert pairs == list(expected)
    for row, values in zip(found.features, expected.values(), strict=True):
        assert {name: row[FEATURES.index(name)] for name in values} == pytest.approx(values)


def test_popular_items_are_candidates_for_every_customer_with_a_history() -> None:
    history = put_together({(0, 1, 3), (0, 1, 9), (1, 2, 3), (1, 1, 4), (2, 3, 59)})
    found = candidates_of(history, Trends.of(history), popular_count=2)
    pairs = set(zip(found.customer.tolist(), found.item.tolist(), strict=True))
    # Items 1 and 2 were bought in the last 28 days; customer 3 bought nothing ever.
    assert pairs == {(0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2), (2, 3)}
    never = {p for p, row in zip(sorted(pairs), found.features, strict=True) if row[FEATURES.index("never")]}
    assert never == {(0, 2), (2, 1), (2, 2)}


def test_a_choice_finds_the_weights_it_was_made_with() -> None:
    rng = np.random.default_rng(5)
    lists = np.repeat(np.arange(4000), 6)
    features = rng.normal(size=(len(lists), 2)) * [1.0, 3.0] + [0.0, 50.0]
    utility = features @ [1.0, -0.5] + rng.gumbel(size=len(lists))
    chosen = np.zeros(len(lists), bool)
    chosen[np.arange(4000) * 6 + utility.reshape(-1, 6).argmax(1)] = True
    choice = fit_choice(features, chosen, lists, penalty=1e-6)
    assert choice.weights / choice.scale == pytest.approx([1.0, -0.5], abs=0.05)
    gap = choice.score(features[:1])[0] - choice.score(features[1:2])[0]
    assert gap == pytest.approx(float((features[0] - features[1]) @ (choice.weights / choice.scale)))
    # Lists from which nothing was chosen say nothing.
    more = np.vstack([features, rng.normal(size=(50, 2)) * 1000])
    same = fit_choice(more, np.r_[chosen, np.zeros(50, bool)], np.r_[lists, np.full(50, 9999)], penalty=1e-6)
    assert same.weights == pytest.approx(choice.weights)
    with pytest.raises(ValueError, match="nothing was chosen"):
        fit_choice(features, np.zeros(len(lists), bool), lists, penalty=1.0)


def regulars(seed: int, customers: int = 300) -> History:
    """Customers who shop every fourth day and take each of a few favorites with a chance that is theirs; of items
    that they gave up half a year ago they had taken far more."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        kept, given_up = rng.choice(30, (2, 4), replace=False)
        for age in range(1, 360, 4):
            taken = given_up[rng.random(4) < 0.9] if age > 180 else kept[rng.random(4) < 0.5]
            rows += [(customer, int(item), age) for item in taken]
    return put_together(set(rows), customers, 30)


def test_what_is_learned_is_better_than_counting() -> None:
    history = regulars(seed=1)
    before, came = history.earlier(28), history.next_baskets(28)
    model = fit_next_basket(before)
    assert model.is_learned
    learned = evaluate(best(model.score(before, Trends.of(before)), 4), came).recall.mean()
    found = candidates_of(before, Trends.of(before))
    plain = Scored(found.customer, found.item, found.features[:, FEATURES.index("days_bought")])
    assert learned > evaluate(best(plain, 4), came).recall.mean() + 0.5


def test_too_little_to_learn_from_ranks_by_habit() -> None:
    rows = {(0, 0, age) for age in range(1, 100, 3)} | {(0, 1, 1), (1, 2, 50)}
    history = put_together(rows)
    assert len(rows) < LEAST_CHOSEN
    model = fit_next_basket(history)
    assert not model.is_learned
    ranked = best(model.score(history, Trends.of(history)), 10)
    assert list(zip(ranked.customer.tolist(), ranked.item.tolist(), ranked.rank.tolist(), strict=True)) == [
        (0, 0, 1),
        (0, 1, 2),
        (1, 2, 1),
    ]
    nothing = put_together(set())
    assert len(best(fit_next_basket(nothing).score(nothing, Trends.of(nothing)), 10)) == 0


@settings(max_examples=20)
@given(entries)
def test_some_customers_alone_have_the_features_that_they_have_among_all(rows: set[tuple[int, int, int]]) -> None:
    history = put_together(rows)
    whole = candidates_of(history, Trends.of(history), popular_count=2)
    some = np.array([3, 1])
    part = candidates_of(history.of_customers(some), Trends.of(history), popular_count=2)
    for number, customer in enumerate(some):
        assert part.item[part.customer == number].tolist() == whole.item[whole.customer == customer].tolist()
        assert part.features[part.customer == number] == pytest.approx(whole.features[whole.customer == customer])


def test_recall_and_gain_are_means_over_those_who_bought() -> None:
    ranked = Ranked(*map(np.array, ([0, 0, 0, 2], [7, 8, 9, 7], [1, 2, 3, 1], [0.3, 0.2, 0.1, 1.0])))
    # Customer 0 bought the second and two unranked items, customer 1 was offered nothing, customer 2 bought nothing.
    hits = evaluate(ranked, (np.array([0, 0, 0, 1]), np.array([8, 1, 2, 7])), top=2)
    assert hits.recall.tolist() == pytest.approx([1 / 3, 0])
    second, ideal = 1 / np.log2(3), 1 + 1 / np.log2(3)
    assert hits.ndcg.tolist() == pytest.approx([second / ideal, 0])
    assert hits.hit.tolist() == [1, 0]
    assert evaluate(ranked, (np.array([0]), np.array([9])), top=2).recall.tolist() == [0]
    assert hits.mean_and_error(hits.recall) == pytest.approx((1 / 6, 1 / 6))
