"""Questions that cannot be answered are refused with what can be; the others are read as they were meant."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils.translation import override

from huitou.reports.questions import Question, QuestionError, check_attributes, read_question

FIRST, LAST = date(2020, 1, 1), date(2020, 3, 31)


def ask(name: str = "repurchase_rate", *by: str, first: date = FIRST, last: date = LAST, **more: str) -> Question:
    with override("en"):
        return read_question(name, first, last, by, None, more.get("occasion", "order"))


@pytest.mark.parametrize(
    ("by", "grain", "dims"),
    [
        ((), "month", ()),
        (("quarter",), "quarter", ()),
        (("channel",), "total", ("channel",)),
        (("channel", "week", "attribute.city", "channel"), "week", ("channel", "attribute.city")),
    ],
)
def test_by_is_one_time_grain_and_dimensions(by: tuple[str, ...], grain: str, dims: tuple[str, ...]) -> None:
    question = ask("repurchase_rate", *by)
    assert (question.grain, question.dims) == (grain, dims)


def test_a_metric_without_a_total_is_shown_by_month_where_only_dimensions_are_named() -> None:
    assert ask("rebuy_rate", "channel").grain == "month"


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (("repurchase_rat",), "unknown_metric", "repurchase_rate"),
        (("xyzzy",), "unknown_metric", "huitou metrics list"),
        (("revenue", "region"), "unknown_dimension", "channel, store, category, attribute.<name>"),
        (("revenue", "attribute."), "unknown_dimension", "attribute.<name>"),
        (("revenue", "attribute"), "unknown_dimension", "attribute.<name>"),
        (("revenue", "month", "week"), "two_time_grains", "month, week"),
        (("rebuy_rate", "total"), "unknown_time_grain", "day, week, month, quarter, year"),
    ],
)
def test_refusals_name_what_is_possible(arguments: tuple[str, ...], code: str, hint: str) -> None:
    with pytest.raises(QuestionError) as refused:
        ask(*arguments)
    assert refused.value.code == code
    assert hint in str(refused.value)


@pytest.mark.parametrize(
    ("first", "last", "by", "code"),
    [
        (LAST, FIRST, "month", "empty_range"),
        (date(1, 1, 1), LAST, "total", "range_too_long"),
        (FIRST, date(9999, 12, 31), "year", "range_too_long"),
        (date(1990, 1, 1), LAST, "day", "range_too_long"),
    ],
)
def test_ranges_that_cannot_be(first: date, last: date, by: str, code: str) -> None:
    with pytest.raises(QuestionError) as refused:
        ask("revenue", by, first=first, last=last)
    assert refused.value.code == code


def test_unknown_occasion_is_refused() -> None:
    with pytest.raises(QuestionError, match="order, day"):
        ask("revenue", occasion="week")


def test_unknown_attribute_is_refused_with_the_known_ones() -> None:
    check_attributes(("channel", "attribute.city"), ["age_band", "city"])
    with override("en"), pytest.raises(QuestionError, match=r"attribute\.age_band, attribute\.city"):
        check_attributes(("attribute.town",), ["age_band", "city"])
