"""From days of purchases to what to expect of every customer: the calendar, the model that did best, its answers."""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from huitou.stats.buy_till_you_die.backtest import CANDIDATES, LESSONS, TREES, Tested, backtest, best_of
from huitou.stats.buy_till_you_die.calendar import YEAR, Calendar, learn_calendar
from huitou.stats.buy_till_you_die.days import PurchaseDays, Spans
from huitou.stats.buy_till_you_die.histories import CannotFitError, Floats, Histories
from huitou.stats.buy_till_you_die.learned import Learned, Signals, columns_of, learn_from, log_pace_of
from huitou.stats.buy_till_you_die.model import Model
from huitou.stats.buy_till_you_die.pareto import fit_pareto
from huitou.stats.buy_till_you_die.spend import Spend, fit_spend
from huitou.stats.buy_till_you_die.steady import fit_steady, pooled
from huitou.stats.trees import can_grow

# Steps at which the chance of having bought by then is worked out; between them it is drawn as a line.
_STEPS = (0, 1, 3, 7, 14, 21, 28, 42, 56, 84, 112, 140, 182, 238, 301, 364)
_EVEN_CHANCE = 0.5
_BLOCK = 50_000


@dataclass(frozen=True)
class Scores:
    """One value per history.

    Attributes
    ----------
    expected : days with a purchase within the horizon
    p_any : probability of at least one
    p_alive : probability that the customer is still one: of at least one purchase within a year. The models' own
        probability of not having stopped cannot be held against anything that is ever seen, and a customer who buys
        once in ten years has not stopped either
    days_to_next : days until a purchase is as likely to have come as not; nan beyond a year
    signals : what the trees are told of each history; empty without trees
    """

    expected: Floats
    p_any: Floats
    p_alive: Floats
    days_to_next: Floats
    signals: Signals | None = None


@dataclass(frozen=True)
class Forecast:
    """What was learned of one brand's customers by the beginning of day `calendar.end`.

    Attributes
    ----------
    calendar : the brand's pace by day
    model : which customers come back, in the brand's time; what the trees build upon where they did best
    trees : what corrects the model within their own horizon; None where they did not do best
    steady : the model that nobody leaves, which the trees are told of too
    spend : what a day with a purchase is worth; None where no amounts are known
    tested : the back-test that the model was chosen by; empty where the file is too short
    cautions : codes of what makes these figures less sure: "too_little" (no model can be fitted: everybody is near
        the mean), "untested" (too short for a back-test), "no_season" (less than a year is known), "one_season"
        (less than two: season and growth cannot be told apart), "no_trees" (LightGBM cannot be loaded here)
    """

    calendar: Calendar
    model: Model
    spend: Spend | None
    tested: tuple[Tested, ...]
    cautions: tuple[str, ...]
    trees: Learned | None = None
    steady: Model | None = None

    @property
    def name(self) -> str:
        """The model that the figures within the horizon come from."""
        return TREES if self.trees else self.model.name

    def score(self, spans: Spans, horizon: int) -> Scores:
        """What the model expects of each history within `horizon` days; histories lie within the calendar.

        Where there are trees, `corrected` takes the result further, by customer.
        """
        ahead = self.calendar.ahead(max(horizon, _STEPS[-1]))
        told = self.calendar.histories(spans)
        # In blocks: quadratures hold dozens of numbers for each history.
        starts = range(0, max(len(told), 1), _BLOCK)
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            parts = (told.part(start, start + _BLOCK) for start in starts)
            blocks = list(pool.map(lambda part: self._score(part, ahead, horizon), parts))
        scores = Scores(
            expected=np.concatenate([one.expected for one in blocks]),
            p_any=np.concatenate([one.p_any for one in blocks]),
            p_alive=np.concatenate([one.p_alive for one in blocks]),
            days_to_next=np.concatenate([one.days_to_next for one in blocks]),
        )
        said = [one.signals for one in blocks if one.signals]
        if not said:
            return scores
        names = ("expected", "any_", "alive", "steady")
        return replace(scores, signals=Signals(*(np.concatenate([getattr(one, n) for one in said]) for n in names)))

    def corrected(self, spans: Spans, recent: Floats, signals: Signals) -> tuple[Floats, Floats]:
        """Expected purchase days and the probability of any within the trees' horizon, by customer.

        Parameters
        ----------
        recent : purchase days in each of the trees' windows before the calendar's end, one column each
        signals : of `score`
        """
        assert self.trees is not None, "only trees correct"
        columns = columns_of(spans, self.calendar.end, recent, signals)
        return self.trees.apply(columns, log_pace_of(self.calendar, self.trees.horizon))

    def _score(self, told: Histories, ahead: Floats, horizon: int) -> Scores:
        within, alive = float(ahead[horizon]), self.model.p_alive(told)
        return Scores(
            expected=self.model.expected(told, within),
            p_any=np.clip(alive * self.model.reach(told, within), 0.0, 1.0),
            p_alive=np.clip(alive * self.model.reach(told, float(ahead[YEAR])), 0.0, 1.0),
            days_to_next=self._days_to_next(told, alive, ahead),
            signals=Signals.of(told, horizon, self.model, self.steady) if self.trees and self.steady else None,
        )

    def worth(self, count: ArrayLike, mean: ArrayLike) -> Floats:
        """Expected amount of a day with a purchase, from the number of earlier ones and their mean; 0 if unknown."""
        if self.spend is None:
            return np.zeros(np.asarray(count).shape)
        return self.spend.expected(count, mean)

    def _days_to_next(self, told: Histories, alive: Floats, ahead: Floats) -> Floats:
        days, before = np.full(len(told), np.nan), np.zeros(len(told))
        waiting = alive >= _EVEN_CHANCE
        for earlier, later in itertools.pairwise(_STEPS):
            if not waiting.any():
                break
            reached = np.zeros(len(told))
            reached[waiting] = alive[waiting] * self.model.reach(told.where(waiting), float(ahead[later]))
            crossed = reached >= _EVEN_CHANCE
            share = (_EVEN_CHANCE - before[crossed]) / np.maximum(reached[crossed] - before[crossed], 1e-12)
            days[crossed] = earlier + share * (later - earlier)
            before, waiting = reached, waiting & ~crossed
        return days


def learn(days: PurchaseDays, end: int, horizon: int, amounts: ArrayLike | None = None) -> Forecast:
    """Everything that a brand's purchases before day `end` say of those to come.

    Parameters
    ----------
    days : of all customers or of a fair sample; nothing from `end` on may be in them
    end : the first day to forecast
    horizon : days ahead that the model is chosen for
    amounts : what each row of `days` came to; None where amounts are not known

    Raises
    ------
    ValueError : no purchases, or some from `end` on
    """
    if not len(days):
        raise ValueError("there are no purchases to learn from")
    if int(days.day.max()) >= end:
        raise ValueError("purchases from the first day to forecast on would give away what is to be forecast")
    start, spans = int(days.day.min()), days.spans()
    cautions = []
    tested: tuple[Tested, ...] = ()
    trees, steady = None, None
    try:
        calendar = learn_calendar(days, end, fit_pareto)
        past = backtest(days, end, horizon)
        tested, name = past.tested, best_of(past.tested) or "Pareto/NBD"
        told = calendar.histories(spans).grouped()
        if name == TREES:
            trees = learn_from(past.examples[:LESSONS], horizon)
            name = "Pareto/NBD" if trees else best_of([one for one in tested if one.model != TREES]) or "Pareto/NBD"
            steady = fit_steady(told) if trees else None
        model = CANDIDATES[name](told)
    except CannotFitError:
        calendar = Calendar.even(start, end)
        model = pooled(calendar.histories(spans))
        cautions.append("too_little")
    if not tested:
        cautions.append("untested")
    if not can_grow():
        cautions.append("no_trees")
    if end - start < YEAR:
        cautions.append("no_season")
    elif end - start < 2 * YEAR:
        cautions.append("one_season")
    return Forecast(calendar, model, _spend(days, amounts), tested, tuple(cautions), trees, steady)


def _spend(days: PurchaseDays, amounts: ArrayLike | None) -> Spend | None:
    if amounts is None:
        return None
    amount = np.asarray(amounts, dtype=np.float64)
    paid = amount > 0
    if not paid.any():
        return None
    _who, at = np.unique(days.customer[paid], return_inverse=True)
    count = np.bincount(at).astype(np.float64)
    mean = np.bincount(at, amount[paid]) / count
    try:
        return fit_spend(count, mean)
    except CannotFitError:
        overall = float(amount[paid].mean())
        return Spend(p=float("inf"), q=float("inf"), gamma=float("inf"), mean=overall)
