"""What is not counted is said in one sentence, without naming persons."""

from __future__ import annotations

from django.utils.translation import override

from huitou.accounts.exclusions import describe_exclusions
from huitou.analytics.rules import Exclusions


def test_every_rule_is_said() -> None:
    rules = Exclusions(
        min_amount_minor=100,
        order_types=("staff", "brushing"),
        channels=("internal",),
        skus=("POST", "GIFT"),
        person_ids=(17, 18),
    )
    with override("en"):
        assert describe_exclusions(rules, "CNY") == (
            "Excluded: orders below ¥1.00, brushing orders, staff orders, orders of the channels internal, "
            "orders of only the products GIFT, POST, orders of 2 persons."
        )


def test_no_rule_is_said_too() -> None:
    with override("en"):
        assert describe_exclusions(Exclusions(order_types=()), "CNY") == "Nothing is excluded."
