"""From an order file with refunded amounts to the figures: what went back is taken off, whatever the order's status."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from huitou.accounts.models import Brand
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.orders.refresh import run_refresh
from huitou.reports.queries import show_metric
from huitou.sources.importing.options import ImportOptions
from huitou.sources.services import run_import, start_import

pytestmark = pytest.mark.django_db(transaction=True)
CLOCK = FixedClock(datetime(2025, 12, 1, tzinfo=UTC))
HEADER = "订单号,付款时间,会员号,商品名称,金额,订单状态,退款金额"


def figures(home: Home, tmp_path: Path, text: str) -> dict[str, float | None]:
    """Revenue in yuan and purchases of the year, after the file was imported and the store refreshed."""
    path = tmp_path / "o.csv"
    path.write_text(text, encoding="utf-8")
    run = start_import(path=path, kind="orders", options=ImportOptions(), clock=CLOCK)
    run_import(run.pk, home=home, clock=CLOCK)
    brand = Brand.objects.get()
    run_refresh(home=home, brand=brand, clock=CLOCK)
    told: dict[str, float | None] = {}
    for name in ("revenue", "orders", "repurchase_rate"):
        result = show_metric(name, from_date=date(2025, 1, 1), to_date=date(2025, 12, 31), by=("year",))
        told[name] = result.rows[0].value
    return told


def test_an_amount_beside_a_finished_order_went_back(home: Home, tmp_path: Path) -> None:
    """30 of 100 leaves a purchase of 70; 100 and more of 100 leaves none; a grouped number is read like any other."""
    rows = (
        "R1,2025-01-01 10:00,u1,面膜,100,交易成功,30\nR2,2025-02-01 10:00,u1,面霜,100,交易成功,\n"
        'R3,2025-01-05 10:00,u2,面膜,100,交易成功,100\nR4,2025-02-05 10:00,u2,面霜,100,卖家已发货,"￥1,000.00"\n'
        "R5,2025-03-05 10:00,u2,面霜,50,交易成功,0.00\n"
    )
    # u1: 70 + 100, two purchases; u2: 50, one.
    assert figures(home, tmp_path, f"{HEADER}\n{rows}") == {"revenue": 22000, "orders": 3, "repurchase_rate": 0.5}


def test_a_refund_that_was_refused_or_is_not_over_took_nothing(home: Home, tmp_path: Path) -> None:
    """With a refund status the amount is what was asked for: only a word of success, or none, takes it off."""
    rows = (
        "R1,2025-01-01 10:00,u1,面膜,100,交易成功,30,退款关闭\n"
        "R2,2025-02-01 10:00,u1,面霜,100,交易成功,100,卖家拒绝退款\n"
        "R3,2025-01-05 10:00,u2,面膜,100,交易成功,20,退款成功\nR4,2025-02-05 10:00,u2,面霜,100,卖家已发货,60,退款中\n"
        "R5,2025-03-05 10:00,u2,面霜,50,交易成功,10,\n"
    )
    found = figures(home, tmp_path, f"{HEADER},退款状态\n{rows}")
    assert found == {"revenue": 10000 + 10000 + 8000 + 10000 + 4000, "orders": 5, "repurchase_rate": 1.0}


def test_orders_that_never_counted_are_not_refunded(home: Home, tmp_path: Path) -> None:
    """A closed order that names what went back was never a sale, so nothing is taken off."""
    rows = "R1,2025-01-01 10:00,u1,面膜,100,交易关闭,100\nR2,2025-02-01 10:00,u1,面霜,100,交易成功,\n"
    assert figures(home, tmp_path, f"{HEADER}\n{rows}") == {"revenue": 10000, "orders": 1, "repurchase_rate": 0.0}


def taken_off(home: Home, tmp_path: Path, header: str, *rows: tuple[str, str, str]) -> int:
    """Revenue in fen of rows (order, amount, refunded amount) under that header of the refunded amount."""
    lines = "".join(f"{o},2025-01-01 10:00,u1,面膜{n},{a},交易成功,{r}\n" for n, (o, a, r) in enumerate(rows))
    told = figures(home, tmp_path, f"{HEADER.replace('退款金额', header)}\n{lines}")
    return int(told["revenue"] or 0)


@pytest.mark.parametrize("header", ["退款金额", "订单退款金额", "商品退款金额"])
def test_a_full_refund_of_an_order_with_a_gift_leaves_nothing(home: Home, tmp_path: Path, header: str) -> None:
    """The order's refund stands on the gift's row as well; a gift cannot give back what nobody paid for it."""
    assert taken_off(home, tmp_path, header, ("A", "100.00", "100.00"), ("A", "0.00", "100.00")) == 0


def test_an_orders_refund_on_each_row_is_taken_once(home: Home, tmp_path: Path) -> None:
    """60 + 40 with 30 back of the order; the odd fen goes to the largest remainder; all of it leaves nothing."""
    rows = [("A", "60", "30"), ("A", "40", "30"), ("B", "0.01", "0.02"), ("B", "0.02", "0.02"), ("B", "0.01", "0.02")]
    assert taken_off(home, tmp_path, "退款总金额", *rows, ("C", "60", "100"), ("C", "40", "100")) == 7000 + 2
