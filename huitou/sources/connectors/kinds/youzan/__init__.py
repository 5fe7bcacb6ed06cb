"""有赞 cloud: orders by what changed since the last pull. See docs/guide/connections.md for what it was built on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.core.errors import DomainError
from huitou.sources.connectors.connector import DAY, Connector, Document, Page, Pull, Setting
from huitou.sources.connectors.kinds.youzan.calling import MOST_PAGES, PAGE_SIZE, ZONE, Shop
from huitou.sources.connectors.kinds.youzan.reading import COLUMNS, read_order
from huitou.sources.connectors.trouble import PullError
from huitou.sources.importing.options import ImportOptions

# The list is late by some seconds, so a window ends before now, and the next pull looks a little further back.
_SETTLED = timedelta(seconds=60)
_OVERLAP = timedelta(minutes=10)
_WIDEST, _NARROWEST = timedelta(days=7), timedelta(seconds=1)
_READINGS = 4
_FIRST_DAY = "2020-01-01"


class SinceInvalidError(DomainError):
    """The first day cannot be read, or lies before what the interface holds."""

    code = "since_invalid"
    status = 422


def _since(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=ZONE)
    except ValueError as error:
        raise SinceInvalidError(_("Write the first day like 2025-03-31.")) from error


def check(settings: Mapping[str, str]) -> None:
    """Raises SinceInvalidError."""
    _since(settings["since"])
    if settings["since"] < _FIRST_DAY:
        raise SinceInvalidError(_("Orders before 2020 are not in this interface; import them as a file."))


def pull(asked: Pull) -> Iterator[Page]:
    """Windows of what changed, oldest first, each no wider than can be read whole."""
    told = asked.cursor.get("until")
    reached = datetime.fromisoformat(told) if told else _since(asked.settings["since"]).astimezone(UTC)
    start = reached - _OVERLAP if told else reached
    last = (asked.clock.now() - _SETTLED).replace(microsecond=0)
    shop, width, first = Shop(asked), _WIDEST, start
    if start >= last:
        yield Page(cursor={"until": reached.isoformat()})
    while start < last:
        end = min(start + width, last)
        found = _read_window(shop, start, end)
        if found is None:
            if end - start <= _NARROWEST:
                raise PullError("changes_too_fast", start.isoformat())
            width = max((end - start) / 2, _NARROWEST)
            continue
        reached = max(reached, end)
        seconds = int((end - first).total_seconds()), int((last - first).total_seconds())
        yield Page(tuple(found.values()), cursor={"until": reached.isoformat()}, done=seconds[0], total=seconds[1])
        start = end
        width = min(width * 2, _WIDEST)


def _read_window(shop: Shop, start: datetime, end: datetime) -> dict[str, Document] | None:
    """Every order that changed between the two; None where there are too many, or they change while they are read.

    Whoever changes while the pages are read leaves the window and lets others slip to a page that was read already. So
    several pages count as whole only if their number agrees with what was told on each page, or if a second reading
    finds the same.
    """
    before: dict[str, str] | None = None
    for _reading in range(_READINGS):
        orders: dict[str, dict[str, Any]] = {}
        totals: set[int | None] = set()
        for number in range(1, MOST_PAGES + 1):
            listed = shop.list_orders(start, end, number)
            totals.add(listed.total)
            for order in listed.orders:
                known = orders.get(order.tid)
                if known is None or known["version"] <= order.version:
                    orders[order.tid] = {"version": order.version, "entry": order.entry}
            # A page may be short because something on it is kept back: where the whole number is told, it decides.
            if len(listed.orders) < PAGE_SIZE if listed.total is None else number * PAGE_SIZE >= listed.total:
                break
        else:
            return None
        versions = {tid: order["version"] for tid, order in orders.items()}
        is_one_page = number == 1 and totals == {None}
        if is_one_page or totals == {len(orders)} or versions == before:
            return {tid: read_order(shop, order["entry"]) for tid, order in orders.items()}
        before = versions
    return None


CONNECTOR = Connector(
    kind="youzan",
    label=gettext_lazy("Youzan"),
    doc=gettext_lazy(
        "Orders of one shop by the open interface, with payments and refunds. Needs an application of your own there,"
        " authorized for the shop."
    ),
    settings=(
        Setting("client_id", gettext_lazy("Client ID"), gettext_lazy("Of your application in the Youzan console.")),
        Setting("client_secret", gettext_lazy("Client secret"), is_secret=True),
        Setting(
            "grant_id",
            gettext_lazy("Shop ID (kdt_id)"),
            gettext_lazy("Of the shop that authorized the application."),
        ),
        Setting(
            "since",
            gettext_lazy("From which day on"),
            gettext_lazy("Orders that changed since then are fetched first; 2020-01-01 at the earliest."),
            form=DAY,
        ),
    ),
    pull=pull,
    reads=lambda _settings: (
        "orders",
        ImportOptions(
            platform="youzan",
            columns={name: (name if name != "refund_amount" else "line_refund_amount",) for name in COLUMNS},
            constants={"channel": "youzan"},
            zone="Asia/Shanghai",
            encoding="utf-8",
            separator="comma",
        ),
    ),
    place=lambda settings: f"open.youzanyun.com · {settings.get('grant_id', '')}",
    restart=lambda at: {"until": (at + _OVERLAP).isoformat()},
    columns=tuple(name if name != "refund_amount" else "line_refund_amount" for name in COLUMNS),
    check=check,
)
