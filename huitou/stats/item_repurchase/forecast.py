"""Which items every customer buys again, how likely and how much: the form that did best on the brand's own past.

Three forms are held against what came after an earlier instant: the closed form, its adjusted form, and trees. A form
that needs learning is used only where it was better than the simpler one by more than chance.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import expit, logit

from huitou.stats.item_repurchase.adjusting import Logistic, adjusting_columns, fit_logistic
from huitou.stats.item_repurchase.closed_form import Rates, rates_of
from huitou.stats.item_repurchase.features import ItemFacts, Matrix, features_of, learn_facts
from huitou.stats.item_repurchase.learned import ROUNDS, Trees, fit_trees
from huitou.stats.item_repurchase.pairs import Pairs, days_to_next, pairs_at
from huitou.stats.item_repurchase.purchases import Codes, Flags, ItemPurchases, Reals
from huitou.stats.item_repurchase.timing import Timing, Waits, Windows, fit_timing
from huitou.stats.ranks import rank_area
from huitou.stats.trees import can_grow

CLOSED_FORM, ADJUSTED, TREES = "closed_form", "adjusted", "trees"
FORMS = (CLOSED_FORM, ADJUSTED, TREES)
# Instants that are learned from, the latest a horizon before the end; each so many horizons before the next.
CUTS, STEP = 3, 0.5
# Days that must be known before an instant, and hits and pairs without which there is nothing to learn.
LEAST_KNOWN = 56
LEAST_HITS, LEAST_TREE_HITS = 50, 1000
# Pairs silent for longer are neither learned from nor tested on; they get their probabilities like all others.
LOOK_BACK = 182
_GROUPS = 10
_ROUNDS_TRIED = (20, 40, 80, ROUNDS)
_LEAST, _MOST = 1e-6, 1 - 1e-6


@dataclass(frozen=True)
class Group:
    """A tenth of the pairs by probability: how many, the mean of what was said, and the share that came."""

    pairs: int
    expected: float
    happened: float


@dataclass(frozen=True)
class Tested:
    """One form at one earlier instant.

    Attributes
    ----------
    form : one of FORMS
    origin, horizon : the first day that was not known, and the days from there on
    pairs, hits : pairs bought in the 182 days before, and those bought again within the horizon
    auc : how often a pair bought again was rated above one that was not; nan where all or none was
    log_loss, calibration_error : of the probabilities; less is better
    gain, error : by how much the log-loss is lower than that of the simpler form before it, and the standard error of
        that over customers; 0 for the closed form
    groups : ten groups by probability, the lowest first
    """

    form: str
    origin: int
    horizon: int
    pairs: int
    hits: int
    auc: float
    log_loss: float
    gain: float
    error: float
    calibration_error: float
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class ItemScores:
    """What to expect of each pair: arrays of shape (pairs,).

    `p_buy` is of any purchase within the horizon, `quantity` the units expected within it, `windows` the days to the
    next purchase where the pair's own rhythm bears a date.
    """

    p_buy: Reals
    quantity: Reals
    windows: Windows


@dataclass(frozen=True)
class ItemForecast:
    """What was learned by an instant, and how good it was before. `cautions` are codes of what makes it less sure."""

    end: int
    horizon: int
    form: str
    facts: ItemFacts
    tested: tuple[Tested, ...]
    cautions: tuple[str, ...]
    timing: Timing | None
    logistic: Logistic | None = field(default=None, repr=False)
    trees: Trees | None = field(default=None, repr=False)
    slope: float = 1.0

    def score(self, pairs: Pairs) -> ItemScores:
        """Pairs as of this forecast's end, of all or of some customers: each customer's pairs stand together."""
        assert pairs.end == self.end, "pairs are of another instant"
        rates = rates_of(pairs, self.facts.priors)
        if self.form == CLOSED_FORM:
            p_buy = rates.p_any(self.horizon)
            windows = Windows.none(len(pairs))
        else:
            names, features = features_of(pairs, self.facts)
            p_buy = self._learned(names, features)
            windows = self.timing.windows(names, features, p_buy) if self.timing else Windows.none(len(pairs))
        p_buy = np.clip(p_buy, _LEAST, _MOST)
        return ItemScores(p_buy, expected_days(p_buy, rates, self.horizon) * usual_quantity(pairs), windows)

    def _learned(self, names: list[str], features: Matrix) -> Reals:
        assert self.logistic is not None
        adjusted = self.logistic.p_any(adjusting_columns(names, features))
        said = adjusted if self.trees is None else self.trees.p_any(features, adjusted)
        # What was too sure of itself at the instant of the test is drawn towards the odds of a usual pair.
        usual = self.logistic.intercept
        odds = usual + self.slope * (logit(np.clip(said, _LEAST, _MOST)) - usual)
        found: Reals = expit(odds)
        return found


def expected_days(p_buy: Reals, rates: Rates, horizon: int) -> Reals:
    """Days with a purchase within the horizon: those of the rates, as many times as `p_buy` is what they say."""
    days = rates.mean * horizon * p_buy / np.maximum(rates.p_any(horizon), _LEAST)
    found: Reals = np.clip(days, p_buy, float(horizon))
    return found


def usual_quantity(pairs: Pairs) -> Reals:
    """Units that a pair's purchase day has: the mean of its days, those of late counting more."""
    weight = np.exp(-(pairs.end - pairs.known.day) / 180.0) + 1e-9
    found: Reals = pairs.total(weight * pairs.known.quantity) / pairs.total(weight)
    return found


@dataclass(frozen=True)
class _Table:
    """Pairs at one instant with what came after, within the horizon: arrays of shape (pairs,)."""

    customer: Codes
    names: list[str]
    features: Matrix
    wait: Codes
    hit: Flags

    def waits(self) -> Waits:
        return Waits(self.names, self.features, self.wait, self.hit)


@dataclass(frozen=True)
class _Said:
    """What each form said at the test, the slope of what came in it, and how many trees were worth growing."""

    p_any: dict[str, Reals]
    slopes: dict[str, float]
    rounds: int


def learn_items(purchases: ItemPurchases, end: int, horizon: int, item_count: int) -> ItemForecast:
    """Learn from purchases before day `end` what is bought again within `horizon` days from it.

    Parameters
    ----------
    purchases
        Of all customers or a sample of them; what is of day `end` or later is not looked at.
    item_count
        Items of all customers; codes are below it.

    Raises
    ------
    ValueError : no purchase before `end`, or a horizon below 1
    """
    known = purchases.before(end)
    if not len(known) or horizon < 1:
        raise ValueError("nothing was bought before the end, or the horizon is below a day")
    facts = learn_facts(known, end, horizon, item_count)
    cuts = _cuts(int(known.day.min()), end, horizon)
    tables = {cut: _table(known, cut, horizon, item_count) for cut in cuts}
    origin = end - horizon
    earlier = [tables[cut] for cut in cuts if cut + horizon <= origin]
    said = _say(tables[origin], earlier[:CUTS]) if origin in tables else _Said({}, {}, 0)
    tested = _judge(said.p_any, tables[origin], origin, horizon) if said.p_any and tables[origin].hit.any() else ()
    form = _best(tested)
    cautions: tuple[str, ...] = ("untested",) if not tested else ("too_little",) if len(tested) == 1 else ()
    cautions += () if can_grow() else ("no_trees",)
    if form == CLOSED_FORM:
        return ItemForecast(end, horizon, form, facts, tested, cautions, None)
    latest = [tables[cut] for cut in cuts[:CUTS]]
    curve, trees = _fit(latest, said.rounds if form == TREES else 0)
    timing = fit_timing([one.waits() for one in earlier[:CUTS]], tables[origin].waits(), said.p_any[form], horizon)
    return ItemForecast(end, horizon, form, facts, tested, cautions, timing, curve, trees, said.slopes[form])


def _cuts(start: int, end: int, horizon: int) -> list[int]:
    """Instants to learn from, the latest first: those for the end, and those for the test of what is learned."""
    step = max(int(horizon * STEP), 1)
    wanted = {origin - step * number for origin in (end - horizon, end - 2 * horizon) for number in range(CUTS)}
    return sorted((cut for cut in wanted if cut - start >= LEAST_KNOWN), reverse=True)


def _table(known: ItemPurchases, cut: int, horizon: int, item_count: int) -> _Table:
    facts = learn_facts(known, cut, horizon, item_count)
    pairs = pairs_at(known, cut)
    names, features = features_of(pairs, facts)
    recent = pairs.elapsed <= LOOK_BACK
    wait = days_to_next(pairs, known, horizon)[recent]
    return _Table(pairs.customer[recent], names, features[recent], wait, wait < horizon)


def _fit(tables: list[_Table], rounds: int) -> tuple[Logistic, Trees | None]:
    names = tables[0].names
    features = np.concatenate([one.features for one in tables])
    hit = np.concatenate([one.hit for one in tables])
    columns = adjusting_columns(names, features)
    curve = fit_logistic(columns, hit)
    return curve, fit_trees(names, features, hit, curve.p_any(columns), rounds) if rounds else None


def _say(table: _Table, earlier: list[_Table]) -> _Said:
    """Let each form, learned from earlier instants, say what comes at this one."""
    said = {CLOSED_FORM: table.features[:, table.names.index("closed_form")].astype(np.float64)}
    if not earlier or min(int(one.hit.sum()) for one in (table, *earlier)) < LEAST_HITS:
        return _Said(said, {}, 0)
    enough = min(int(one.hit.sum()) for one in earlier) >= LEAST_TREE_HITS and can_grow()
    curve, trees = _fit(earlier, ROUNDS if enough else 0)
    said[ADJUSTED] = curve.p_any(adjusting_columns(table.names, table.features))
    rounds = 0
    if trees is not None:
        tried = {many: replace(trees, rounds=many).p_any(table.features, said[ADJUSTED]) for many in _ROUNDS_TRIED}
        rounds = min(tried, key=lambda many: float(_loss(tried[many], table.hit).mean()))
        said[TREES] = tried[rounds]
    slopes = {form: _slope(p, table.hit) for form, p in said.items()}
    return _Said(said, slopes, rounds)


def _loss(p: Reals, hit: Flags) -> Reals:
    """Logarithmic loss of each probability."""
    bounded = np.clip(p, _LEAST, _MOST)
    found: Reals = -np.where(hit, np.log(bounded), np.log1p(-bounded))
    return found


def _slope(p: Reals, hit: Flags) -> float:
    """How much of what the odds differ by came true: below 1 where a form was too sure of itself."""
    odds = logit(np.clip(p, _LEAST, _MOST))[:, None]
    curve = fit_logistic(odds, hit)
    return float(np.clip(curve.weights[0] / curve.scale[0], 0.5, 1.1))


def _judge(said: dict[str, Reals], table: _Table, origin: int, horizon: int) -> tuple[Tested, ...]:
    """Each form against what came, each next to the simpler one before it."""
    found: list[Tested] = []
    before: Reals | None = None
    for form, values in said.items():
        p = np.clip(values, _LEAST, _MOST)
        loss = _loss(p, table.hit)
        gain, error = (0.0, 0.0) if before is None else _gain(before - loss, table.customer)
        before = loss
        groups = groups_of(p, table.hit)
        off = sum(one.pairs * abs(one.expected - one.happened) for one in groups) / len(p)
        found.append(
            Tested(
                form=form,
                origin=origin,
                horizon=horizon,
                pairs=len(p),
                hits=int(table.hit.sum()),
                auc=rank_area(p, table.hit),
                log_loss=float(loss.mean()),
                gain=gain,
                error=error,
                calibration_error=off,
                groups=groups,
            )
        )
    return tuple(found)


def groups_of(p: Reals, hit: Flags) -> tuple[Group, ...]:
    """Ten groups of like size by probability, the lowest first."""
    order = np.argsort(p, kind="stable")
    parts = (rows for rows in np.array_split(order, _GROUPS) if len(rows))
    return tuple(Group(len(rows), float(p[rows].mean()), float(hit[rows].mean())) for rows in parts)


def _gain(gains: Reals, customer: Codes) -> tuple[float, float]:
    """Mean, and its standard error where the pairs of one customer go together."""
    mean = float(gains.mean())
    sums = np.bincount(customer, gains - mean)
    return mean, float(np.sqrt((sums**2).sum()) / len(gains))


def _best(tested: tuple[Tested, ...]) -> str:
    """The last form that was better than the one before it by more than a standard error."""
    best = CLOSED_FORM
    for one in tested[1:]:
        if one.gain <= one.error:
            break
        best = one.form
    return best
