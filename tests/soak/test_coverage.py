"""Thousands of simulated launches through the product's own assignment, lake and readout: do its intervals tell the
truth as often as they say, and does it find effects where there are none no more often than it says?

Customers differ: some buy often and some hardly ever, as their year before shows. A launch treats them with an effect
that the simulation knows. Everything after the draw of their purchases is the product: people and assignments in
PostgreSQL, order lines in the lake, a refresh, and the readout at the end date.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.db import connection

from huitou.accounts.models import Brand
from huitou.analytics.tables import TABLES
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.core.lake import claim_batch, commit_batch, reserve_batch_id
from huitou.experiments.models import CONTROL, Experiment
from huitou.experiments.queries import readouts
from huitou.experiments.readout import Readout
from huitou.experiments.services import assign, open_experiment
from huitou.orders.refresh import refresh
from tests.soak.outcome import write_result

SEED = 20261002
EFFECTIVE, NULL = 600, 2000
# One refresh and one readout of everything for so many launches.
ROUND = 650
START = datetime(2026, 3, 1, 16, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW = 30
END = START + 45 * DAY
CLOCK = FixedClock(START)
# Customers of a launch and the control's share of them in basis points: at least 100 in an arm.
SIZES = ((320, 5000), (400, 5000), (1000, 5000), (1500, 1000), (1000, 2000))
MEAN_AMOUNT = 5000


@dataclass
class Count:
    """How often the truth lay inside, and how often no difference lay outside."""

    launches: int = 0
    covered: int = 0
    significant: int = 0

    def add(self, low: float, high: float, truth: float) -> None:
        self.launches += 1
        self.covered += low <= truth <= high
        self.significant += low > 0 or high < 0

    def told(self) -> dict[str, float | int]:
        return {
            "launches": self.launches,
            "covered_rate": round(self.covered / self.launches, 4),
            "significant_rate": round(self.significant / self.launches, 4),
        }


@dataclass
class Launch:
    """One simulated launch, and what is true of it."""

    experiment: Experiment
    customers: np.ndarray
    effect: float
    rows: list[tuple[int, datetime, int]] = field(default_factory=list)


def new_people(count: int) -> np.ndarray:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO customers_person (display_name, phone, attributes, told_at, created_at)"
            " SELECT '', '', '{}', '{}', %s FROM generate_series(1, %s) RETURNING id",
            [START, count],
        )
        return np.array([row[0] for row in cursor.fetchall()])


def launch_one(number: int, effect: float, random: np.random.Generator) -> Launch:
    """Open, assign, and draw what everybody buys: the product decides who is treated, the simulation what they do."""
    size, control_bp = SIZES[number % len(SIZES)]
    experiment = open_experiment(
        key=f"launch:{number}",
        arms={CONTROL: control_bp, "treatment": 10_000 - control_bp},
        window_days=WINDOW,
        starts_at=START,
        ends_at=END,
        clock=CLOCK,
    )
    people = new_people(size)
    arms = assign(experiment, people.tolist(), CLOCK)
    treated = np.array([arms[int(person)] != CONTROL for person in people])
    habit = random.choice([0.05, 0.15, 0.4], size=size, p=[0.4, 0.4, 0.2])
    launch = Launch(experiment, people, effect)
    before = random.poisson(habit * 6)
    for person, times in zip(people.tolist(), before.tolist(), strict=True):
        for days in random.uniform(1, 300, times):
            launch.rows.append((person, START - timedelta(days=float(days)), amount(random)))
    bought = random.random(size) < habit + effect * treated
    for person in people[bought].tolist():
        launch.rows.append((person, START + timedelta(days=float(random.uniform(0.01, WINDOW - 0.01))), amount(random)))
    return launch


def amount(random: np.random.Generator) -> int:
    return int(random.gamma(2, MEAN_AMOUNT / 2)) + 1


def load(launches: list[Launch], home: Home) -> None:
    """The order lines of all launches as one batch of the lake."""
    batch = reserve_batch_id()
    rows = [row for launch in launches for row in launch.rows]
    spec = TABLES["fct_order_lines"]
    count = len(rows)
    same = {
        "batch_id": batch, "source": "shop", "line_no": 1, "kind": "sale", "sku": "x", "category": None,
        "quantity": Decimal(1), "discount_minor": 0, "status": "completed", "order_type": "normal", "refund_of": None,
        "channel": None, "store": None,
    }  # fmt: skip
    columns = {name: [value] * count for name, value in same.items()} | {
        "order_id": [f"{batch}-{n}" for n in range(count)],
        "person_id": [person for person, _at, _amount in rows],
        "occurred_at": [at for _person, at, _amount in rows],
        "amount_minor": [amount for _person, _at, amount in rows],
        "month": [f"{at:%Y-%m}" for _person, at, _amount in rows],
    }
    staged = home.staging / f"batch-{batch}"
    staged.mkdir(parents=True)
    pq.write_table(
        pa.table({name: columns[name] for name in spec.schema.names}).cast(spec.schema), staged / "rows.parquet"
    )
    claim_batch(batch_id=batch, key=str(batch), table=spec.name, staged_path=staged.name, row_count=count, clock=CLOCK)
    commit_batch(batch, home=home, clock=CLOCK)


def simulate(home: Home, brand: Brand) -> Iterator[tuple[Launch, Readout]]:
    """Every launch with its readout, round by round; most of them without any effect."""
    random = np.random.default_rng(SEED)
    effects = np.concatenate([random.uniform(0.005, 0.12, EFFECTIVE), np.zeros(NULL)])
    random.shuffle(effects)
    for first in range(0, len(effects), ROUND):
        numbers = range(first, min(first + ROUND, len(effects)))
        launches = [launch_one(number, float(effects[number]), random) for number in numbers]
        load(launches, home)
        refresh(home=home, brand=brand, clock=brand.clock)
        found = readouts([launch.experiment for launch in launches])
        yield from zip(launches, found, strict=True)


@pytest.mark.soak
@pytest.mark.django_db
def test_intervals_tell_the_truth_as_often_as_they_say(home: Home) -> None:
    brand = Brand.objects.create(pk=1, name="Soak", zone="Asia/Shanghai", currency="CNY", clock_now=END)
    started = time.monotonic()
    rates, null, adjusted, adjusted_null, revenue = Count(), Count(), Count(), Count(), Count()
    verdicts: Counter[str] = Counter()
    kept, alarms, smallest = [], 0, 10**9
    for launch, readout in simulate(home, brand):
        alarms += readout.balance.is_broken
        compared = readout.comparisons[0]
        verdicts[compared.verdict] += 1
        smallest = min(smallest, *(figures.customers for figures in readout.arms))
        assert compared.rate is not None
        assert compared.adjusted is not None
        assert compared.money is not None
        sharper = compared.adjusted.difference
        rates.add(compared.rate.low, compared.rate.high, launch.effect)
        adjusted.add(sharper.low, sharper.high, launch.effect)
        treated = next(figures.customers for figures in readout.arms if figures.arm != CONTROL)
        truth = launch.effect * treated * (MEAN_AMOUNT + 0.5)
        revenue.add(compared.money.revenue.low, compared.money.revenue.high, truth)
        if launch.effect == 0:
            null.add(compared.rate.low, compared.rate.high, 0)
            adjusted_null.add(sharper.low, sharper.high, 0)
        kept.append(compared.adjusted.variance_kept)
    told = {
        "seed": SEED,
        "rates": rates.told(),
        "rates_without_effect": null.told(),
        "rates_adjusted": adjusted.told(),
        "rates_adjusted_without_effect": adjusted_null.told(),
        "revenue": revenue.told(),
        "variance_kept": round(float(np.mean(kept)), 3),
        "sample_ratio_alarms": alarms,
        "smallest_arm": smallest,
        "verdicts": dict(verdicts),
        "seconds": round(time.monotonic() - started),
    }
    write_result("coverage", told)
    assert smallest >= 100
    assert 0.935 <= told["rates"]["covered_rate"] <= 0.965, told  # type: ignore[index]
    assert 0.035 <= told["rates_without_effect"]["significant_rate"] <= 0.065, told  # type: ignore[index]
    assert 0.935 <= told["rates_adjusted"]["covered_rate"] <= 0.965, told  # type: ignore[index]
    assert 0.93 <= told["revenue"]["covered_rate"] <= 0.97, told  # type: ignore[index]
    assert alarms <= 0.005 * rates.launches
