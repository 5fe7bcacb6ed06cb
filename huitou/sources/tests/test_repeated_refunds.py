"""One refunded amount on several rows of an order: each row's own, or the order's, by the header and by evidence."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huitou.sources.tests.reading import Read, read, write

Row = tuple[str, str, str]


def bring(tmp_path: Path, header: str, *rows: Row) -> Read:
    lines = "".join(f"{order},2025-01-01,u1,{amount},{back},\n" for order, amount, back in rows)
    text = f"订单号,付款时间,会员号,金额,{header},退款状态\n{lines}"
    return read(write(tmp_path / "o.csv", text))


SIXTY_FORTY: tuple[Row, ...] = (("A", "60", "30"), ("A", "40", "30"))


@pytest.mark.parametrize(
    ("header", "rows", "back", "warning"),
    [
        ("退款总金额", SIXTY_FORTY, [1800, 1200], ""),
        ("订单退款金额", SIXTY_FORTY, [1800, 1200], ""),
        ("商品退款金额", SIXTY_FORTY, [3000, 3000], ""),
        ("退款金额", SIXTY_FORTY, [1800, 1200], "refund_taken_once"),
        # Another order whose rows differ shows that the column is one of rows.
        ("退款金额", (*SIXTY_FORTY, ("B", "9", "1"), ("B", "9", "")), [3000, 3000, 100, None], "refund_taken_each"),
        # More than a row is worth cannot be the row's own, whatever else the file says.
        (
            "退款金额",
            (("A", "60", "50"), ("A", "40", "50"), ("B", "9", "1"), ("B", "9", "")),
            [3000, 2000, 100, None],
            "",
        ),
        # All of each row.
        ("退款金额", (("A", "50", "50"), ("A", "50", "50")), [5000, 5000], ""),
        # On the first row only: under a header of orders it is the order's, else the row's, as far as that reaches.
        ("退款总金额", (("A", "60", "100"), ("A", "40", "")), [6000, 4000], ""),
        ("退款金额", (("A", "60", "100"), ("A", "40", "")), [6000, None], ""),
        ("退款金额", (("A", "100", "30"), ("A", "0", "30")), [3000, 0], ""),
        ("退款金额", (("A", "100", "1000"),), [10000], ""),
    ],
)
def test_whose_a_refunded_amount_is(
    tmp_path: Path, header: str, rows: tuple[Row, ...], back: list[int | None], warning: str
) -> None:
    found = bring(tmp_path, header, *rows)
    assert found.column("returned_minor") == back
    assert {code for code in found.warnings if code.startswith("refund_taken")} == ({warning} if warning else set())


def test_gifts_and_full_refunds_have_the_right_status(tmp_path: Path) -> None:
    found = bring(tmp_path, "退款金额", ("A", "100", "100"), ("A", "0", "100"))
    assert found.column("status") == ["refunded", "paid"]


def test_rows_that_gave_nothing_back_have_no_share(tmp_path: Path) -> None:
    """退款关闭 on one row: the order's amount is what the others gave back."""
    text = "订单号,付款时间,金额,退款总金额,退款状态\nA,2025-01-01,60,30,退款成功\nA,2025-01-01,40,30,退款关闭\n"
    found = read(write(tmp_path / "o.csv", text))
    assert found.column("status") == ["partly_refunded", "paid"]
    assert found.column("returned_minor")[0] == 3000


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(worths=st.lists(st.integers(0, 300), min_size=2, max_size=5), amount=st.integers(1, 900))
def test_an_orders_amount_is_shared_out_exactly(tmp_path: Path, worths: list[int], amount: int) -> None:
    """What goes back is the amount, or all there is; no row is further than one fen from its fair share."""
    rows = [("A", f"{worth / 100:.2f}", f"{amount / 100:.2f}") for worth in worths]
    back = bring(tmp_path, "退款总金额", *rows).column("returned_minor")
    whole = sum(worths)
    assert sum(back) == min(amount, whole)
    for worth, share in zip(worths, back, strict=True):
        assert abs(share - Fraction(min(amount, whole) * worth, whole or 1)) < 1
        assert share <= worth
