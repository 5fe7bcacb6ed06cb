"""The corpus once more with a pencil: the product's independent oracles, put together for whole tables and metrics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from huitou.analytics.metrics.tests.oracle import Money, Purchase, Question, View, joined_by_day, periods, told
from huitou.analytics.rules import Exclusions, Thresholds
from huitou.analytics.tests.feature_oracle import features_of
from huitou.analytics.tests.interaction_oracle import days_of, did, interactions_of
from huitou.analytics.tests.order_oracle import Answer, answer
from tests.parity import corpus
from tests.parity.corpus import Row, Setting, customer

# Told here once more: what counts as a visit.
_VISITS = ("Page Viewed", "Screen Viewed", "Application Opened", "Product List Viewed", "Product Viewed")
_NO_INTERACTION = ("Order Completed", "Order Refunded", "Campaign Received", "Email Delivered")
Place = tuple[str, ...]


@dataclass(frozen=True)
class Account:
    """What one brand's setting makes of the corpus."""

    setting: Setting

    @cached_property
    def lines(self) -> list[Row]:
        rows = [] if self.setting.empty else corpus.all_lines()
        return [row | {"person_id": customer(row["person_id"])} for row in rows]

    @cached_property
    def events(self) -> list[Row]:
        rows = [] if self.setting.empty else corpus.all_events()
        return [row | {"customer": customer(row["person_id"])} for row in rows]

    @cached_property
    def orders(self) -> Answer:
        rules = Exclusions.from_json(self.setting.rules)
        people = tuple(sorted({customer(p) or p for p in rules.person_ids}))
        rules = Exclusions.from_json(self.setting.rules | {"person_ids": people})
        categories = {sku: name for sku, name in corpus.PRODUCTS.items() if name}
        return answer(self.lines, categories, as_of=self.setting.as_of, zone=self.setting.zone, exclusions=rules)

    @cached_property
    def days(self) -> dict[tuple[int, date, str], Row]:
        """int_person_days: by the person as recorded, whenever it happened."""
        return days_of(self.events, self.setting.zone)

    @cached_property
    def features(self) -> dict[int, Row]:
        known = {
            customer(row["person_id"])
            for row in ([] if self.setting.empty else corpus.tables()["dim_persons"].to_pylist())
            if row["known_since"] is not None and row["known_since"] < self.setting.as_of
        }
        people = self.orders.buyers | {person for person in known if person is not None}
        found = features_of(self.orders, people, self.setting.as_of, Thresholds.from_json(self.setting.cuts))
        for person, own in interactions_of(self.events, people, self.setting.as_of, self.setting.zone).items():
            found[person] |= own
        return found

    @cached_property
    def attributes(self) -> dict[tuple[int, str], str]:
        rows = [] if self.setting.empty else corpus.tables()["dim_person_attributes"].to_pylist()
        return {(row["person_id"], row["attribute"]): row["value"] for row in rows}

    def day(self, instant: datetime) -> date:
        return instant.astimezone(ZoneInfo(self.setting.zone)).date()

    def views(self, dims: tuple[str, ...], occasion: str) -> dict[Place, View]:
        """The facts cut into one view per combination of the values of `dims`."""
        cut: dict[Place, View] = defaultdict(View)
        if not dims:
            cut[()] = View()
        self._add_orders(cut, dims)
        self._add_refunds(cut, dims)
        of_persons = all(dim.startswith("attribute.") for dim in dims)
        for event in self.events if of_persons else ():
            if did(event) and event["occurred_at"] < self.setting.as_of:
                view = cut[self._place(dims, event["customer"], {}, "")]
                seen = event["customer"], self.day(event["occurred_at"])
                if event["name"] in _VISITS:
                    view.visits.append(seen)
                if event["name"] not in _NO_INTERACTION:
                    view.interactions.append(seen)
        self._add_messages(cut, dims)
        everything = [
            Purchase(order["person_id"], order["paid_at"], order["day"])
            for order in self.orders.orders.values()
            if order["is_purchase"]
        ]
        for view in cut.values():
            view.every_purchase = joined_by_day(everything) if occasion == "day" else everything
            if occasion == "day":
                view.purchases = joined_by_day(view.purchases)
        return cut

    def _add_messages(self, cut: dict[Place, View], dims: tuple[str, ...]) -> None:
        for row in [] if self.setting.empty else corpus.touches():
            if row["version"] < 2 or row["planned_at"] >= self.setting.as_of:
                continue
            times = [name for name in row if name.endswith("_at") and name != "planned_at"]
            known = {n: row[n] if row[n] is not None and row[n] < self.setting.as_of else None for n in times}
            person = customer(row["person_id"])
            assert person is not None, "messages go to somebody"
            seen = told(person, self.day(row["planned_at"]), row | known)
            if seen is not None:
                places = {"message_channel": row["channel"], "source": row["source"]}
                cut[self._place(dims, person, places, "")].messages.append(seen)

    def _place(self, dims: tuple[str, ...], person: int | None, row: Row, category: str) -> Place:
        def value(dim: str) -> str:
            if dim.startswith("attribute."):
                return self.attributes.get((person or 0, dim.removeprefix("attribute.")), "unknown")
            return category if dim == "category" else row.get(dim) or "unknown"

        return tuple(value(dim) for dim in dims)

    def _add_orders(self, cut: dict[Place, View], dims: tuple[str, ...]) -> None:
        parts: dict[Any, dict[Place, int]] = defaultdict(lambda: defaultdict(int))
        for (source, order_id, category), row in self.orders.categories.items():
            order = self.orders.orders[source, order_id]
            place = self._place(dims, order["person_id"], order, category)
            parts[source, order_id][place] += row["amount_minor"]
        for key, order in self.orders.orders.items():
            for place, amount in parts[key].items():
                person, paid_at, day = order["person_id"], order["paid_at"], order["day"]
                if order["is_purchase"]:
                    cut[place].purchases.append(Purchase(person, paid_at, day))
                if not order["is_excluded"]:
                    cut[place].money.append(Money(day, amount, person, paid_at))

    def _add_refunds(self, cut: dict[Place, View], dims: tuple[str, ...]) -> None:
        for row in self.orders.refunds:
            if row["is_excluded"]:
                continue
            sale = self.orders.orders.get((row["sale_source"], row["sale_order_id"]))
            person = sale["person_id"] if sale else row["person_id"]
            place = self._place(dims, person, row, row["category"])
            cut[place].money.append(Money(row["day"], -row["amount_minor"], person, sale["paid_at"] if sale else None))

    def questions(
        self, grain: str, span: tuple[date, date], dims: tuple[str, ...], occasion: str
    ) -> dict[tuple[str | None, Place], Question]:
        """One question per period and combination, for the oracles of metrics."""
        zone_day: Callable[[datetime], date] = self.day
        return {
            (name, place): Question(view, first, last, grain, occasion, zone_day, self.day(self.setting.as_of))
            for place, view in self.views(dims, occasion).items()
            for name, first, last, _clipped in periods(grain, *span)
        }
