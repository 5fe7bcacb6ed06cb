"""Any condition has the members that a pencil finds, over the lake and customer by customer in plain Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings

from huitou.analytics.conditions import (
    Moment,
    compile_members,
    condition_schema,
    describe,
    holds,
    parse_condition,
    read_facts,
)
from huitou.analytics.conditions.tests import condition_strategies as strategies
from huitou.analytics.conditions.tests.condition_oracle import World
from huitou.analytics.conditions.tests.condition_worlds import histories_of, load_world, make_world
from huitou.analytics.engines import DuckEngine, Engine, Lake

VALIDATOR = jsonschema.Draft202012Validator(condition_schema())
BRANDS = ((1, "Asia/Shanghai"), (2, "Europe/London"), (3, "America/St_Johns"))
MANY = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Brand:
    """A made-up brand in a lake of its own; no dataclass, since Hypothesis would print all of it."""

    def __init__(self, world: World, engine: Engine) -> None:
        self.world = world
        self.engine = engine
        self.facts = read_facts(engine)
        self.histories = histories_of(world)

    def check(self, data: dict[str, Any]) -> None:
        condition, moment = parse_condition(data), Moment(self.world.as_of, self.world.zone)
        expected = self.world.members(data)
        table = self.engine.to_pyarrow(compile_members(condition, self.facts, moment))
        found = table["person_id"].to_pylist()
        assert sorted(found) == sorted(expected), json.dumps(data, ensure_ascii=False)
        by_hand = {person for person, history in self.histories.items() if holds(condition, history, moment)}
        assert by_hand == expected, json.dumps(data, ensure_ascii=False)


@pytest.fixture(scope="module", params=BRANDS, ids=lambda brand: str(brand[1]))
def brand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brand]:
    seed, zone = request.param
    folder = tmp_path_factory.mktemp("conditions")
    world, tables = make_world(seed, zone)
    with DuckEngine(Lake(str(folder / "lake")), scratch=folder / "scratch") as engine:
        load_world(engine, world, tables)
        yield Brand(world, engine)


@given(data=strategies.events)
@MANY
def test_of_events(brand: Brand, data: dict[str, Any]) -> None:
    brand.check(data)


@given(data=strategies.orders)
@MANY
def test_of_orders(brand: Brand, data: dict[str, Any]) -> None:
    brand.check(data)


@given(data=strategies.features | strategies.others)
@MANY
def test_of_features_and_small_tables(brand: Brand, data: dict[str, Any]) -> None:
    brand.check(data)


@given(data=strategies.conditions)
@MANY
def test_of_trees(brand: Brand, data: dict[str, Any]) -> None:
    brand.check(data)


@given(data=strategies.conditions)
@settings(max_examples=100, deadline=None)
def test_what_is_read_fits_the_schema_and_reads_as_a_sentence(data: dict[str, Any]) -> None:
    assert list(VALIDATOR.iter_errors(data)) == []
    condition = parse_condition(json.loads(json.dumps(data)))
    assert describe(condition, "en")
    assert describe(condition, "zh-hans")
