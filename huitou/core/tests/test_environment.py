"""Settings that cannot be understood are refused by name, with what they may be, and never by a traceback."""

from __future__ import annotations

import pytest
from django.utils import translation

from huitou.core.environment import Environment, SettingsError

LEVELS = ("DEBUG", "INFO")


def read(environment: Environment) -> tuple[object, ...]:
    environment.need_folder("HUITOU_F")
    return (
        environment.whole("HUITOU_N", 7, most=9),
        environment.whole("HUITOU_M", 5),
        environment.switch("HUITOU_S"),
        environment.choice("HUITOU_C", LEVELS, "INFO"),
        [str(network) for network in environment.networks("HUITOU_P")],
    )


def test_what_can_be_understood_is_taken() -> None:
    given = {
        "HUITOU_N": " 9 ",
        "HUITOU_M": "1",
        "HUITOU_S": "1",
        "HUITOU_C": "debug",
        "HUITOU_P": "10.0.0.5",
        "HUITOU_F": "/mnt/lake",
    }
    environment = Environment(given)
    assert read(environment) == (9, 1, True, "DEBUG", ["10.0.0.5/32"])
    environment.refuse_problems()


@pytest.mark.parametrize("given", [{}, {"HUITOU_N": "", "HUITOU_S": "0", "HUITOU_C": " "}])
def test_what_is_not_given_has_its_default(given: dict[str, str]) -> None:
    environment = Environment(given)
    assert read(environment) == (7, 5, False, "INFO", [])
    environment.refuse_problems()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("HUITOU_N", "zzz", "from 1 to 9"),
        ("HUITOU_N", "10", "from 1 to 9"),
        ("HUITOU_N", "-1", "from 1 to 9"),
        ("HUITOU_N", "²", "from 1 to 9"),
        ("HUITOU_M", "0", "1 or more"),
        ("HUITOU_S", "zzz", "1 (on) or 0 (off)"),
        ("HUITOU_C", "BAD", "DEBUG, INFO"),
        ("HUITOU_F", "s3://b/x", "must be a folder"),
    ],
)
def test_a_refusal_names_the_setting_what_was_given_and_what_it_may_be(name: str, value: str, told: str) -> None:
    environment = Environment({name: value})
    assert read(environment) == (7, 5, False, "INFO", [])
    with translation.override("en"), pytest.raises(SettingsError) as caught:
        environment.refuse_problems()
    for part in (name, value, told):
        assert part in str(caught.value)


def test_all_problems_are_told_at_once() -> None:
    environment = Environment({"HUITOU_N": "x", "HUITOU_P": "zzz"})
    read(environment)
    with translation.override("zh-hans"), pytest.raises(SettingsError) as caught:
        environment.refuse_problems()
    assert len(str(caught.value).splitlines()) == len(environment.problems) == 2
