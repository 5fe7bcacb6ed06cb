"""Every feature of every customer equals a plain Python account of the same lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from random import Random

import pyarrow as pa
import pytest

from huitou.analytics.engines import DuckEngine, Engine, Lake
from huitou.analytics.feature import FEATURES
from huitou.analytics.orders import Terms, build_orders
from huitou.analytics.rebuild import features_at
from huitou.analytics.rules import Exclusions, Thresholds
from huitou.analytics.tables import TABLES
from huitou.analytics.tests.feature_oracle import features_of
from huitou.analytics.tests.happenings import random_events
from huitou.analytics.tests.histories import START, order_lines
from huitou.analytics.tests.interaction_oracle import interactions_of
from huitou.analytics.tests.order_oracle import answer

# Low enough that random histories of a dozen orders reach every layer.
LOW = Thresholds(
    rfm_order_count=(2, 3, 4, 6),
    rfm_spend_minor=(100, 1000, 3000, 9000),
    band_high_repeat_count=3,
    band_medium_repeat_count=1,
    vip_monthly_count=1,
    vip_aov_percent=60,
    nurture_gap_days=10,
    new_days=5,
    declining_days=20,
)


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("features")
    engine = DuckEngine(Lake(str(folder / "lake")), scratch=folder / "scratch")
    yield engine
    engine.close()


@pytest.mark.parametrize(("seed", "step_hours", "cuts"), [(1, 24 * 5, LOW), (2, 24 * 12, Thresholds()), (3, 5, LOW)])
def test_features_equal_a_plain_account(engine: Engine, seed: int, step_hours: int, cuts: Thresholds) -> None:
    random = Random(seed)
    lines = [x for case in range(150) for x in order_lines(random, case=case, orders=25, step_hours=step_hours)]
    as_of = START + timedelta(hours=9 * step_hours, minutes=1)
    rules = Exclusions()
    terms = Terms(as_of, "Asia/Shanghai", rules, (START, as_of), batches=2)
    engine.provide("fct_order_lines", pa.Table.from_pylist(lines, TABLES["fct_order_lines"].schema))
    built = build_orders(engine.table("fct_order_lines"), engine.table("dim_products"), terms, engine)
    stranger, later = 999_998, 999_999
    known = pa.table({"person_id": [stranger, later], "known_since": [START, as_of]})
    engine.provide("dim_persons", known)
    people = {line["person_id"] for line in lines if line["person_id"] is not None}
    events = random_events(random, 3000, [*people, stranger], as_of, "Asia/Shanghai")
    engine.provide("fct_events", pa.Table.from_pylist(events, TABLES["fct_events"].schema))
    table = features_at(engine, built, as_of=as_of, zone="Asia/Shanghai", thresholds=cuts)
    rows = engine.to_pyarrow(table).to_pylist()
    got = {row.pop("person_id"): row for row in rows}
    account = answer(lines, {}, as_of=as_of, zone="Asia/Shanghai", exclusions=rules)
    expected = features_of(account, account.buyers | {stranger}, as_of, cuts)
    for person, own in interactions_of(events, expected, as_of, "Asia/Shanghai").items():
        expected[person] |= own

    assert got.keys() == expected.keys()
    for person, row in got.items():
        for name, value in row.items():
            wanted = expected[person][name]
            if isinstance(wanted, float):
                wanted = pytest.approx(wanted, rel=1e-12)
            elif name == "next_order_due_at" and wanted is not None:
                assert abs(value - wanted) <= timedelta(seconds=1), person
                continue
            assert value == wanted, (person, name)
    stages = Counter(row["lifecycle_stage"] for row in got.values())
    if seed == 1:
        assert set(stages) == {"new", "growing", "mature", "declining"}
        assert {row["repurchase_band"] for row in got.values()} == {"high", "medium", "low", None}
        layers = ("vip_layer", "nurture_layer", "traffic_layer")
        assert {layer for layer in layers if any(row[layer] for row in got.values())} == set(layers)


def test_every_feature_is_declared_in_words() -> None:
    for feature in FEATURES:
        assert feature.definition.endswith("."), feature.kind
        assert feature.label, feature.kind
        assert any("一" <= c <= "鿿" for c in feature.term_zh), feature.kind
        if feature.unit in ("minor", "rate", "score"):
            assert feature.kind.endswith(("_minor", "_rate", "_share", "_score", "_band")), feature.kind
