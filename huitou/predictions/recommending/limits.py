"""What may be offered: availability, suitability, recent purchases and variety, as declared in a YAML file."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from django.utils.translation import gettext as _

from huitou.analytics.engines import Engine
from huitou.core.errors import DomainError
from huitou.predictions.recommending.purchases import Codes
from huitou.stats.baskets.choosing import NO_GROUP, at_most_of_a_group, not_bought_lately, suitable
from huitou.stats.baskets.history import History
from huitou.stats.baskets.ranking import Scored

Flags = npt.NDArray[np.bool_]
_LARGEST_BYTES = 1_000_000


class LimitsError(DomainError):
    """A file of rules that cannot be read, or a setting in it that cannot be."""

    code = "recommendation_rules_invalid"


@dataclass(frozen=True)
class Unsuitable:
    """For customers of whom every attribute has one of the values named, these products and categories are no offer."""

    where: dict[str, tuple[str, ...]]
    skus: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """What may be offered; without any setting, everything.

    Parameters
    ----------
    not_bought_for_days
        Nothing that the customer bought in so many days is offered; 0: no such rule.
    most_per_category
        At most so many products of one category for each customer; 0: no such rule.
    only_skus, only_categories
        What is available; where both are empty, everything is. A product is available if either names it.
    without_skus, without_categories
        What is never offered.
    unsuitable
        What does not suit customers with certain attributes.
    """

    not_bought_for_days: int = 0
    most_per_category: int = 0
    only_skus: tuple[str, ...] = ()
    only_categories: tuple[str, ...] = ()
    without_skus: tuple[str, ...] = ()
    without_categories: tuple[str, ...] = ()
    unsuitable: tuple[Unsuitable, ...] = ()

    @classmethod
    def from_file(cls, path: Path) -> Limits:
        """Raises LimitsError, which names the setting, where the file is none."""
        try:
            if path.stat().st_size > _LARGEST_BYTES:
                raise LimitsError(_("%(name)s is larger than a file of rules can be.") % {"name": path.name})
            told = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())
            raise LimitsError(_("%(name)s: %(reason)s") % {"name": path.name, "reason": reason}) from error
        return cls.from_json({} if told is None else told)

    @classmethod
    def from_json(cls, told: Any) -> Limits:
        """From plain values. Raises LimitsError for a setting that does not exist or cannot be."""
        known = {field.name for field in fields(cls)}
        values: dict[str, Any] = {}
        for name, value in _mapping("", told).items():
            if name not in known:
                raise LimitsError(
                    _("There is no setting %(name)s; there are %(known)s.")
                    % {"name": name, "known": ", ".join(sorted(known))}
                )
            if name == "unsuitable":
                values[name] = tuple(_unsuitable(one) for one in _listed(name, value))
            elif name.endswith(("_days", "_category")):
                values[name] = _whole(name, value)
            else:
                values[name] = _texts(name, value)
        return cls(**values)


def _unsuitable(told: Any) -> Unsuitable:
    told = _mapping("unsuitable", told)
    if told.keys() - {"where", "skus", "categories"} or not told.get("where"):
        raise LimitsError(_("unsuitable: each entry has where, and skus or categories."))
    where = {
        attribute: _texts(f"unsuitable.where.{attribute}", value)
        for attribute, value in _mapping("unsuitable.where", told["where"]).items()
    }
    return Unsuitable(
        where,
        _texts("unsuitable.skus", told.get("skus", [])),
        _texts("unsuitable.categories", told.get("categories", [])),
    )


def _mapping(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise LimitsError(_("%(name)s: write settings as name: value.") % {"name": name or _("The file")})
    return value


def _listed(name: str, value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _texts(name: str, value: Any) -> tuple[str, ...]:
    found = _listed(name, value)
    # A code such as 1001 is a number to YAML; what it stands for is its text.
    if not all(isinstance(one, str | int) and not isinstance(one, bool) and str(one).strip() for one in found):
        raise LimitsError(_("%(name)s is a text or a list of texts.") % {"name": name})
    return tuple(str(one) for one in found)


def _whole(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise LimitsError(_("%(name)s is a whole number from 0.") % {"name": name})
    return value


@dataclass(frozen=True)
class Gate:
    """Limits made ready for the items and customers of one history."""

    limits: Limits
    available: Flags
    group: Codes
    unsuitable: tuple[tuple[Flags, Flags], ...]

    @classmethod
    def of(cls, limits: Limits, engine: Engine, key: str, items: list[str], people: Codes) -> Gate:
        """Looks up categories and attributes, where a rule asks for them.

        Parameters
        ----------
        engine
            Of the tables that recommendations are made from.
        key
            What `items` are: sku or category.
        items, people
            The item of each item code, and the internal number of each customer code.
        """
        categories = _categories(engine, key, items, limits)
        skus = items if key == "sku" else [""] * len(items)

        def named(codes: tuple[str, ...], groups: tuple[str, ...]) -> Flags:
            found = np.isin(skus, codes) if codes else np.zeros(len(items), bool)
            return found | np.isin(categories, groups) if groups else found

        available = ~named(limits.without_skus, limits.without_categories)
        # Codes of products say nothing of categories, where those are asked for.
        if limits.only_categories or (limits.only_skus and key == "sku"):
            available &= named(limits.only_skus, limits.only_categories)
        names, group = np.unique(np.array(categories, dtype=str), return_inverse=True)
        group = np.where(names[group] == "", NO_GROUP, group) if len(items) else np.empty(0, np.int64)
        marked = tuple(
            (_customers(engine, one.where, people), named(one.skus, one.categories)) for one in limits.unsuitable
        )
        return cls(limits, available, group.astype(np.int64), marked)

    def let_through(self, scored: Scored, history: History, customers: Codes) -> Scored:
        """What of the scores may be offered; customers stand by their places in `customers`, as in `history`."""
        scored = scored.taken(np.flatnonzero(self.available[scored.item]))
        if self.limits.not_bought_for_days:
            scored = not_bought_lately(scored, history, self.limits.not_bought_for_days)
        for of_customer, of_item in self.unsuitable:
            scored = suitable(scored, of_customer[customers], of_item)
        if self.limits.most_per_category:
            scored = at_most_of_a_group(scored, self.group, self.limits.most_per_category)
        return scored


def _categories(engine: Engine, key: str, items: list[str], limits: Limits) -> list[str]:
    """The category of each item, empty where none is known; not looked up where no rule asks for it."""
    if key == "category":
        return items
    asked = limits.only_categories or limits.without_categories or limits.most_per_category
    if not asked and not any(one.categories for one in limits.unsuitable):
        return [""] * len(items)
    products = engine.table("dim_products")
    table = engine.to_pyarrow(products.filter(products.category.notnull()).select("sku", "category"))
    known = dict(zip(table["sku"].to_pylist(), table["category"].to_pylist(), strict=True))
    return [known.get(item, "") for item in items]


def _customers(engine: Engine, where: dict[str, tuple[str, ...]], people: Codes) -> Flags:
    """Who has, of every attribute, one of the values."""
    attributes = engine.table("dim_person_attributes")
    found = np.ones(len(people), bool)
    for attribute, values in where.items():
        rows = attributes.filter((attributes.attribute == attribute) & attributes.value.isin(values))
        found &= np.isin(people, engine.to_pyarrow(rows.select("person_id"))["person_id"].to_numpy())
    return found
