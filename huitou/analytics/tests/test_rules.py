"""Brand settings survive a round trip through JSON, and refuse what cannot be."""

import json

import pytest

from huitou.analytics.rules import Exclusions, Part, RuleError, Thresholds


def test_exclusions_survive_json() -> None:
    given = Exclusions(min_amount_minor=100, channels=("store",), skus=("b", "a", "a"), person_ids=(2, 1))
    assert Exclusions.from_json(json.loads(json.dumps(given.to_json()))) == given
    assert given.skus == ("a", "b")
    assert given.parts() == [
        Part("min_amount_minor", (100,)),
        Part("order_types", ("brushing", "sample", "staff")),
        Part("channels", ("store",)),
        Part("skus", ("a", "b")),
        Part("person_ids", (1, 2)),
    ]


def test_nothing_excluded_says_nothing() -> None:
    assert Exclusions(order_types=()).parts() == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"min_amount_minor": 0}, "too_small"),
        ({"min_amount_minor": "5"}, "not_a_whole_number"),
        ({"order_types": ["gift"]}, "unknown_order_type"),
        ({"order_types": ["normal"]}, "unknown_order_type"),
        ({"channels": "store"}, "not_a_list_of_texts"),
        ({"skus": [""]}, "not_a_list_of_texts"),
        ({"person_ids": [True]}, "not_a_whole_number"),
        ({"colour": 1}, "unknown_setting"),
    ],
)
def test_impossible_exclusions_are_refused(data: dict[str, object], code: str) -> None:
    with pytest.raises(RuleError) as caught:
        Exclusions.from_json(data)
    assert caught.value.code == code


def test_thresholds_survive_json() -> None:
    given = Thresholds(rfm_spend_minor=(1, 2, 3, 4), vip_monthly_count=2)
    assert Thresholds.from_json(json.loads(json.dumps(given.to_json()))) == given


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"rfm_order_count": [1, 1, 2, 3]}, "not_ascending"),
        ({"rfm_order_count": [1, 2, 3]}, "not_four_numbers"),
        ({"vip_aov_percent": 101}, "over_one_hundred_percent"),
        ({"band_high_percent": 60, "band_medium_percent": 60}, "over_one_hundred_percent"),
        ({"dormant_days": 60}, "not_ascending"),
        ({"new_days": 0}, "too_small"),
    ],
)
def test_impossible_thresholds_are_refused(data: dict[str, object], code: str) -> None:
    with pytest.raises(RuleError) as caught:
        Thresholds.from_json(data)
    assert caught.value.code == code
