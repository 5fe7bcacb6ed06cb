"""Where customers buy: the sales channel of most of their orders, as of the last refresh."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from huitou.orders.snapshot import NotRefreshedError, get_last_refresh, open_engine_of

_DAYS = 365


def usual_sales_channels(members: Mapping[int, Sequence[int]], now: datetime) -> dict[int, str]:
    """By customer the code of the sales channel with most purchases of the last 365 days, of equal ones the latest.

    `members` gives all persons of each customer. Customers without such purchases are left out, and before the first
    refresh everybody.
    """
    try:
        run = get_last_refresh()
    except NotRefreshedError:
        return {}
    customer_by_person = {person: customer for customer, persons in members.items() for person in persons}
    with open_engine_of(run) as engine:
        orders = engine.table("int_orders")
        rows = engine.to_pyarrow(
            orders.filter(
                orders.person_id.isin(sorted(customer_by_person)),
                orders.is_purchase,
                orders.channel.notnull(),
                orders.paid_at >= now - timedelta(days=_DAYS),
            ).select("person_id", "channel", "paid_at")
        ).to_pylist()
    bought: dict[int, Counter[str]] = {}
    latest: dict[tuple[int, str], datetime] = {}
    for row in rows:
        customer, code = customer_by_person[row["person_id"]], row["channel"]
        bought.setdefault(customer, Counter())[code] += 1
        latest[customer, code] = max(row["paid_at"], latest.get((customer, code), row["paid_at"]))
    return {
        customer: max(counts, key=lambda code, c=customer, n=counts: (n[code], latest[c, code], code))  # type: ignore[misc]
        for customer, counts in bought.items()
    }
