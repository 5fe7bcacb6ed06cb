"""The sample of 2,357 CDNOW customers (weeks 1 to 39, time in weeks) as its authors printed it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from huitou.stats.buy_till_you_die import geometric, pareto
from huitou.stats.buy_till_you_die.geometric import fit_geometric
from huitou.stats.buy_till_you_die.histories import Histories
from huitou.stats.buy_till_you_die.pareto import fit_pareto
from huitou.stats.buy_till_you_die.spend import Spend, fit_spend

_FILE = Path(__file__).parent / "data" / "cdnow_sample.csv"


@pytest.fixture(scope="module")
def cdnow() -> Histories:
    x, last, age, customers = np.loadtxt(_FILE, delimiter=",", skiprows=1).T
    return Histories.of(x, last / 7, age / 7, customers)


def test_bg_nbd(cdnow: Histories) -> None:
    """Fader, Hardie and Lee 2005, table 2; P(alive) and expectations of customer 0001 as in their notes."""
    found = fit_geometric(cdnow, modified=False)
    assert found.parameters == pytest.approx({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, rel=0.005)
    assert found.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    one = Histories.of([2], [30.43], [38.86])
    assert found.expected(one, 39.0)[0] == pytest.approx(1.226, abs=0.005)
    assert found.p_alive(Histories.of([0], [0], [30.0])) == pytest.approx([1.0])


def test_pareto_nbd(cdnow: Histories) -> None:
    """Fader, Hardie and Lee 2005, table 2."""
    found = fit_pareto(cdnow)
    assert found.parameters == pytest.approx({"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}, rel=0.005)
    assert found.log_likelihood == pytest.approx(-9595.0, abs=0.05)


def test_mbg_nbd(cdnow: Histories) -> None:
    """No table of the authors' is on this sample: parameters to four digits as two public packages print them."""
    found = fit_geometric(cdnow)
    assert found.parameters == pytest.approx({"r": 0.5249, "alpha": 6.1832, "a": 0.8911, "b": 1.6148}, rel=0.005)


@pytest.mark.parametrize("seed", range(5))
def test_any_start_and_any_order_lead_to_the_same_digits(
    cdnow: Histories, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    starts = (tuple(draw.uniform(-2, 2, 4)),)
    told = [fit_geometric(cdnow).parameters, fit_geometric(cdnow, modified=False).parameters]
    told.append(fit_pareto(cdnow).parameters)
    monkeypatch.setattr(geometric, "_STARTS", starts)
    monkeypatch.setattr(pareto, "_STARTS", starts)
    order = draw.permutation(len(cdnow))
    mixed = Histories.of(cdnow.frequency[order], cdnow.recency[order], cdnow.age[order], cdnow.weight[order])
    again = [fit_geometric(mixed).parameters, fit_geometric(mixed, modified=False).parameters]
    again.append(fit_pareto(mixed).parameters)
    for first, second in zip(told, again, strict=True):
        assert second == pytest.approx(first, rel=5e-5)


def test_gamma_gamma() -> None:
    """Fader and Hardie 2013: the parameters of the same sample give customer 0001, two repeat purchases of 22.35 on
    average, 24.66, and one without any the mean of all, p gamma / (q - 1)."""
    found = Spend(p=6.25, q=3.74, gamma=15.44, mean=0.0)
    assert found.expected([2, 0], [22.35, 0.0]) == pytest.approx([24.66, 6.25 * 15.44 / 2.74], abs=0.005)


def test_gamma_gamma_finds_the_parameters_that_customers_were_drawn_with() -> None:
    draw = np.random.default_rng(9)
    count = draw.integers(1, 8, 20_000)
    scale = draw.gamma(3.74, 1 / 15.44, 20_000)
    found = fit_spend(count, draw.gamma(6.25 * count, 1 / scale) / count)
    assert found.parameters == pytest.approx({"p": 6.25, "q": 3.74, "gamma": 15.44}, rel=0.1)
