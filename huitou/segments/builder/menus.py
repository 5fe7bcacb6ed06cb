"""The builder's menus: what can be asked, and the controls of each question, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from huitou.accounts.queries import find_brand
from huitou.analytics.conditions.kinds.feature import family_of
from huitou.analytics.feature import FEATURES, Feature
from huitou.catalog.labels import category_labels
from huitou.catalog.models import Category
from huitou.customers.identifier_kind import IDENTIFIER_KINDS
from huitou.customers.milestone_kinds import MILESTONE_KINDS
from huitou.customers.portrait import consent_words
from huitou.orders.portrait import band_words, dormant_words, lifecycle_words
from huitou.segments.builder.asking import Properties, comparison, operator_words
from huitou.segments.builder.comparisons import LISTS
from huitou.segments.builder.controls import Choices, Control, Item, filled, flat, names_section
from huitou.segments.builder.event_controls import event_controls, event_rows, filter_rows
from huitou.segments.builder.fields import fields_of_names, listed, names_of
from huitou.segments.builder.goods_controls import orders_controls
from huitou.segments.builder.leaves import JSON_LEAF
from huitou.segments.builder.lists import AS_JSON, EVENTS, FILTERS
from huitou.segments.builder.tree import Node
from huitou.segments.layering import shown
from huitou.segments.models import Segment, Tag
from huitou.sources.tracking.queries import current_plan

_CHANNELS = ("sms", "phone", "email", "wecom", "wechat", "app", "push")
# What a new row holds until it has been drawn.
_MARK = re.compile(r"\dx$")
_PURPOSES = ("marketing", "service", "profiling")


@dataclass(frozen=True)
class Subjects:
    """What can be asked, in groups of the first menu, and what the other menus offer; read once a page."""

    groups: list[tuple[str, Choices]]
    tags: Choices
    segments: Choices
    categories: Choices
    events: Choices
    currency: str
    properties: Properties = field(default_factory=Properties)

    def words(self) -> dict[str, str]:
        return {code: word for _group, choices in self.groups for code, word in choices}


def read_subjects(*, without: str = "") -> Subjects:
    """The menus as the brand's own data make them; `without` is the segment that is being changed."""
    zh = (get_language() or "zh").startswith("zh")
    themes: dict[str, Choices] = {_("Purchases"): [], _("Money"): [], _("Layers and scores"): [], _("Interaction"): []}
    for feature in FEATURES:
        themes[_theme(feature)].append((f"feature:{feature.kind}", feature.term_zh if zh else _(feature.label)))
    plan = current_plan()
    events = [(e.name, (e.zh if zh else e.en) or e.name) for e in plan.events.values()]
    orders = [
        ("orders:count", _("Number of orders of some goods")),
        ("orders:sum", _("Spent on some goods")),
        ("orders:quantity", _("Pieces of some goods")),
        ("orders:avg", _("Average order of some goods")),
        ("orders:last", _("The last purchase of some goods")),
        ("orders:first", _("The first purchase of some goods")),
    ]
    dates = [(f"date:{k.kind}", str(k.label)) for k in MILESTONE_KINDS.values() if k.form == "date"]
    words = consent_words()
    known_by = [(f"identifier:{k.kind}", str(k.label)) for k in IDENTIFIER_KINDS]
    groups = [
        *themes.items(),
        (_("Orders by goods"), orders),
        (_("Tags and segments"), [("tag", _("Carries a tag")), ("segment", _("Is in a segment"))]),
        (
            _("Did something"),
            [*((f"event:{n}", word) for n, word in events), ("event:", _("Another event, or one of several"))],
        ),
        (_("Anniversaries"), dates),
        (_("Consent"), [(f"consent:{c}", words[c]) for c in _CHANNELS]),
        (_("Can be reached by"), [*known_by, ("identifier:", _("One of several of these"))]),
        (_("Others"), [("bucket", _("Random share")), (JSON_LEAF, _("Condition as JSON"))]),
    ]
    segments = Segment.objects.filter(archived_at=None).exclude(name=without).order_by("-group", "title")
    tags = Tag.objects.filter(archived_at=None).order_by("name").values_list("name", flat=True)
    return Subjects(
        groups=[(title, choices) for title, choices in groups if choices],
        tags=[(name, name) for name in tags],
        segments=[(s.name, shown(s)[0]) for s in segments],
        categories=sorted(category_labels(Category.objects.values_list("code", flat=True)[:500]).items()),
        events=events,
        currency=brand.currency if (brand := find_brand()) else "CNY",
        properties=Properties.of(plan),
    )


def _theme(feature: Feature) -> str:
    name = feature.kind
    if any(part in name for part in ("_layer", "_stage", "_band", "_score")):
        return _("Layers and scores")
    if "interaction" in name or name.startswith("active_days"):
        return _("Interaction")
    return _("Money") if feature.unit == "minor" or name.endswith(("_rate", "_share")) else _("Purchases")


def settled(node: Node, subjects: Subjects) -> Node:
    """The tree with a valid choice in every menu, as the page shows it."""
    if node.is_group:
        return replace(node, children=tuple(settled(child, subjects) for child in node.children))
    fields = _spread(node, subjects)
    # A control may bring others with it, so that further looks settle those.
    for _look in range(4):
        before = dict(fields)
        for control in flat(_items(replace(node, fields=fields), subjects)):
            codes = control.codes
            if codes and fields.get(control.name) not in codes and not (control.open and fields.get(control.name)):
                fields[control.name] = control.value if control.value in codes else codes[0]
            fields.setdefault(control.name, control.value)
        if fields == before:
            break
    return replace(node, fields={name: value for name, value in fields.items() if not _MARK.search(name)})


def _spread(node: Node, subjects: Subjects) -> dict[str, str]:
    """The fields, with a list of codes as rows of menus, and a single one out of such rows."""
    fields = dict(node.fields)
    kind, _colon, name = node.what.partition(":")
    is_category = kind == "orders" and fields.get("of") == "category" and bool(subjects.categories)
    if not is_category and not (kind == "feature" and _known_texts(name, subjects)):
        return fields
    names = names_of(fields)
    if fields.get("is") in LISTS:
        value = fields.pop("value", "")
        return fields if names else fields | fields_of_names(listed(value))
    return fields | ({"value": names[0]} if names and not fields.get("value") else {})


def controls_of(node: Node, subjects: Subjects) -> list[Item]:
    """The controls of a leaf, filled with what it holds."""
    return filled(_items(node, subjects), node.fields)


def left_over(node: Node, items: list[Item]) -> Choices:
    """Fields that are not asked for now, but may be again when a menu is turned back: what was typed is kept."""
    asked = {control.name for control in flat(items)}
    return [(name, value) for name, value in node.fields.items() if name not in asked and value and name != "was"]


def _items(node: Node, subjects: Subjects) -> list[Item]:
    kind, _colon, subject = node.what.partition(":")
    made = _CONTROLS.get(kind)
    return made(subject, node.fields, subjects) if made else []


def _feature(name: str, fields: Mapping[str, str], subjects: Subjects) -> list[Item]:
    if name not in FEATURES:
        return []
    feature = FEATURES[name]
    after = {"minor": subjects.currency, "days": _("days"), "rate": _("from 0 to 1")}.get(feature.unit, "")
    return comparison(fields, family_of(feature), after=after, known=_known_texts(name, subjects))


def _known_texts(name: str, subjects: Subjects) -> Choices:
    words = {
        "lifecycle_stage": lifecycle_words,
        "repurchase_band": band_words,
        "dormant_layer": dormant_words,
    }
    if name == "top_category":
        return subjects.categories
    return [(code, str(word)) for code, word in words[name]().items()] if name in words else []


def _segment(_subject: str, fields: Mapping[str, str], subjects: Subjects) -> list[Item]:
    return [
        names_section(fields, "", _("Segment"), subjects.segments),
        Control("days", _("Came in within the last"), "number", after=_("days; empty: ever")),
    ]


def _date(_kind: str, fields: Mapping[str, str], _subjects: Subjects) -> list[Item]:
    words = operator_words()
    codes = ("in_next_days", "in_days", "this_month")
    operator = Control("is", _("Comparison"), "select", choices=[(c, words[c]) for c in codes], redraws=True)
    value = Control("value", _("Value"), "number", after=_("days"))
    return [operator] if fields.get("is") == "this_month" else [operator, value]


def _consent(_channel: str, _fields: Mapping[str, str], _subjects: Subjects) -> list[Item]:
    words = consent_words()
    return [
        Control("purpose", _("Purpose"), "select", choices=[(p, words[p]) for p in _PURPOSES], open=True),
        Control("is", _("Decision"), "select", choices=[("granted", _("Agreed")), ("refused", _("Withdrew"))]),
    ]


def _identifier(kind: str, fields: Mapping[str, str], _subjects: Subjects) -> list[Item]:
    if kind:
        return []
    return [names_section(fields, "", _("Kind of identifier"), [(k.kind, str(k.label)) for k in IDENTIFIER_KINDS])]


def _bucket(_subject: str, _fields: Mapping[str, str], _subjects: Subjects) -> list[Item]:
    return [
        Control("low", _("Lower limit"), "number", value="0", after="%"),
        Control("high", _("Upper limit"), "number", value="10", after="%"),
        Control("name", _("Name of the draw"), "text", value="sample"),
    ]


_CONTROLS: dict[str, Callable[[str, Mapping[str, str], Subjects], list[Item]]] = {
    "feature": _feature,
    "event": lambda name, fields, s: event_controls(name, fields, s.events, s.properties),
    "orders": lambda take, fields, s: orders_controls(take, fields, s.categories, s.currency),
    "tag": lambda _s, fields, subjects: [names_section(fields, "", _("Tag"), subjects.tags)],
    "segment": _segment,
    "date": _date,
    "consent": _consent,
    "identifier": _identifier,
    "bucket": _bucket,
    JSON_LEAF: lambda _s, _f, _subjects: [Control("json", "JSON", "area")],
    AS_JSON: lambda _s, _f, _subjects: [Control("json", "JSON", "area")],
    FILTERS: lambda _s, fields, s: [
        filter_rows(fields, "", s.properties.offered([fields.get("about", "")]), told=True)
    ],
    EVENTS: lambda _s, fields, s: [event_rows(fields, s.events, s.properties)],
}
