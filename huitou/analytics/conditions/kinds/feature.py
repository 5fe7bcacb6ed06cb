"""A feature of the customer compared with a value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from huitou.analytics.conditions.comparing import Comparison, comparison_schemas, read_comparison, show
from huitou.analytics.conditions.facts import History
from huitou.analytics.conditions.json_shapes import closed
from huitou.analytics.conditions.leaf import Columns, Leaf, LeafKind, told
from huitou.analytics.conditions.moment import Moment
from huitou.analytics.conditions.naming import names
from huitou.analytics.conditions.reading import Reader
from huitou.analytics.feature import FEATURES, Feature


@dataclass(frozen=True)
class FeatureLeaf(Leaf):
    """The value of one column of feat_customers."""

    feature: Feature
    comparison: Comparison

    def asks(self, moment: Moment) -> Columns:
        return Columns((self.feature.kind,))

    def met(self, values: Mapping[str, ibis.Value], moment: Moment) -> ibis.Value:
        return self.comparison.over(values[self.feature.kind], moment)

    def holds(self, history: History, moment: Moment) -> bool:
        return self.comparison.holds(history.features.get(self.feature.kind), moment)

    def words(self, language: str) -> str:
        def shown(value: Any) -> str:
            if isinstance(value, str):
                return show(names().value(self.feature.kind, value), language)
            return show(names().amount(value) if self.feature.unit == "minor" else value, language)

        name = told(language, self.feature.label, self.feature.term_zh)
        if self.feature.unit == "flag" and self.comparison.operator == "=":
            negated = told(language, "not ", "不") if not self.comparison.value else ""
            return told(language, f"is {negated}in the {name}", f"{negated}属于{name}")
        compared = self.comparison.words(language, shown, of_many=_is_plural(self.feature.label))
        return f"{name}{told(language, ' ', '')}{compared}"


def _is_plural(label: str) -> bool:
    """Whether an English name stands for several: its last word before `in`, `since` and the like ends as such do."""
    return _AFTER_NOUN.split(label)[0].endswith("s")


_AFTER_NOUN = re.compile(r" (?:in|since|between|of|after|per|bought)\b")


def family_of(feature: Feature) -> str:
    """What can be asked of a feature's values."""
    if feature.unit in ("text", "flag", "instant"):
        return feature.unit
    whole = feature.unit in ("count", "minor", "score") or feature.whole_days
    return "whole" if whole else "number"


def _read(data: Mapping[str, Any], path: str) -> FeatureLeaf:
    reader = Reader(data, path, ("feature", "is", "value"))
    name = reader.text("feature")
    if name not in FEATURES:
        near = difflib.get_close_matches(name, FEATURES.kinds(), n=3, cutoff=0.4)
        reader.fail("unknown_feature", "feature", given=name, near=near)
    return FeatureLeaf(FEATURES[name], read_comparison(reader, family_of(FEATURES[name])))


def _schema() -> dict[str, Any]:
    names: dict[str, list[str]] = {}
    for feature in FEATURES:
        names.setdefault(family_of(feature), []).append(feature.kind)
    shapes = [
        {
            "properties": {"feature": {"enum": sorted(kinds)}} | shape["properties"],
            "required": ["feature", *shape["required"]],
        }
        for family, kinds in names.items()
        for shape in comparison_schemas(family)
    ]
    return closed({}, [], shapes)


KIND = LeafKind(
    kind="feature",
    label="Feature",
    term_zh="客户特征",
    definition=(
        "A feature of the customer compared with a value. Money is in minor units. "
        "An empty value meets no comparison but `empty`."
    ),
    read=_read,
    schema=_schema,
    needs="features",
    examples=(
        {"feature": "orders_90d", "is": ">=", "value": 2},
        {"feature": "last_order_at", "is": "not_in_last_days", "value": 45},
        {"feature": "lifecycle_stage", "is": "in", "value": ["growing", "mature"]},
        {"feature": "vip_layer", "is": "=", "value": True},
        {"feature": "top_category", "is": "empty"},
    ),
)
