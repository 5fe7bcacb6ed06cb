"""The builder's menus: what can be asked, and the controls of each question, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from huitou.analytics.conditions.comparing import OPERATORS
from huitou.analytics.conditions.kinds.feature import family_of
from huitou.analytics.feature import FEATURES, Feature
from huitou.catalog.labels import category_labels
from huitou.catalog.models import Category
from huitou.customers.identifier_kind import IDENTIFIER_KINDS
from huitou.customers.milestone_kinds import MILESTONE_KINDS
from huitou.customers.portrait import consent_words
from huitou.orders.portrait import band_words, dormant_words, lifecycle_words
from huitou.segments.builder.leaves import JSON_LEAF
from huitou.segments.builder.tree import Node
from huitou.segments.layering import shown
from huitou.segments.models import Segment, Tag
from huitou.sources.tracking.queries import current_plan

Choices = list[tuple[str, str]]
_CHANNELS = ("sms", "phone", "email", "wecom", "wechat", "app", "push")
_PURPOSES = ("marketing", "service", "profiling")


@dataclass(frozen=True)
class Control:
    """One field of a condition. `form` is select, number, text, date or area; `after` stands behind it."""

    name: str
    label: str
    form: str
    value: str = ""
    choices: Choices = field(default_factory=list)
    after: str = ""


@dataclass(frozen=True)
class Subjects:
    """What can be asked, in groups of the first menu, and what the other menus offer; read once a page."""

    groups: list[tuple[str, Choices]]
    tags: Choices
    segments: Choices
    categories: Choices

    def words(self) -> dict[str, str]:
        return {code: word for _group, choices in self.groups for code, word in choices}


def read_subjects(*, without: str = "") -> Subjects:
    """The menus as the brand's own data make them; `without` is the segment that is being changed."""
    zh = (get_language() or "zh").startswith("zh")
    themes: dict[str, Choices] = {_("Purchases"): [], _("Money"): [], _("Layers and scores"): [], _("Interaction"): []}
    for feature in FEATURES:
        themes[_theme(feature)].append((f"feature:{feature.kind}", feature.term_zh if zh else _(feature.label)))
    events = [(f"event:{e.name}", (e.zh if zh else e.en) or e.name) for e in current_plan().events.values()]
    orders = [
        ("orders:count", _("Number of orders of some goods")),
        ("orders:sum", _("Spent on some goods")),
        ("orders:quantity", _("Pieces of some goods")),
        ("orders:avg", _("Average order of some goods")),
    ]
    dates = [(f"date:{k.kind}", str(k.label)) for k in MILESTONE_KINDS.values() if k.form == "date"]
    words = consent_words()
    groups = [
        *themes.items(),
        (_("Orders by goods"), orders),
        (_("Tags and segments"), [("tag", _("Carries a tag")), ("segment", _("Is in a segment"))]),
        (_("Did something"), [*events, ("event:", _("Another event, or one of several"))]),
        (_("Anniversaries"), dates),
        (_("Consent"), [(f"consent:{c}", words[c]) for c in _CHANNELS]),
        (_("Can be reached by"), [(f"identifier:{k.kind}", str(k.label)) for k in IDENTIFIER_KINDS]),
        (_("Others"), [("bucket", _("Random share")), (JSON_LEAF, _("Condition as JSON"))]),
    ]
    segments = Segment.objects.filter(archived_at=None).exclude(name=without).order_by("-group", "title")
    return Subjects(
        groups=[(title, choices) for title, choices in groups if choices],
        tags=[
            (name, name)
            for name in Tag.objects.filter(archived_at=None).order_by("name").values_list("name", flat=True)
        ],
        segments=[(s.name, shown(s)[0]) for s in segments],
        categories=sorted(category_labels(Category.objects.values_list("code", flat=True)[:500]).items()),
    )


def _theme(feature: Feature) -> str:
    name = feature.kind
    if any(part in name for part in ("_layer", "_stage", "_band", "_score")):
        return _("Layers and scores")
    if "interaction" in name or name.startswith("active_days"):
        return _("Interaction")
    return _("Money") if feature.unit == "minor" or name.endswith(("_rate", "_share")) else _("Purchases")


def operator_words() -> dict[str, str]:
    """Comparisons by code."""
    return {
        "=": _("is"),
        "!=": _("is not"),
        "<": _("less than"),
        "<=": _("at most"),
        ">": _("more than"),
        ">=": _("at least"),
        "between": _("between"),
        "in": _("one of"),
        "not_in": _("none of"),
        "contains": _("contains"),
        "starts_with": _("begins with"),
        "empty": _("has no value"),
        "not_empty": _("has a value"),
        "since": _("on or after"),
        "before": _("before"),
        "in_last_days": _("in the last days"),
        "not_in_last_days": _("more than days ago"),
        "in_next_days": _("in the next days"),
        "between_days_ago": _("between days ago"),
        "in_days": _("in exactly days"),
        "this_month": _("this month"),
    }


def settled(node: Node, subjects: Subjects) -> Node:
    """The tree with a valid choice in every menu, as the page shows it."""
    if node.is_group:
        return replace(node, children=tuple(settled(child, subjects) for child in node.children))
    fields = dict(node.fields)
    # A control may bring others with it, so that the second look settles those.
    for _look in range(2):
        for control in controls_of(replace(node, fields=fields), subjects):
            codes = [code for code, _word in control.choices]
            if codes and fields.get(control.name) not in codes:
                fields[control.name] = codes[0]
    return replace(node, fields=fields)


def controls_of(node: Node, subjects: Subjects) -> list[Control]:
    """The controls of a leaf, filled with what it holds."""
    kind, _colon, subject = node.what.partition(":")
    made = _CONTROLS.get(kind)
    controls = made(subject, node.fields, subjects) if made else []
    return [replace(control, value=node.fields.get(control.name, control.value)) for control in controls]


def _operator(codes: Sequence[str]) -> Control:
    words = operator_words()
    return Control("is", _("Comparison"), "select", choices=[(code, words[code]) for code in codes])


def _values(operator: str, form: str, after: str = "") -> list[Control]:
    if operator in ("empty", "not_empty", "this_month"):
        return []
    value = Control("value", _("Value"), form, after=after)
    if operator not in ("between", "between_days_ago"):
        return [value]
    return [replace(value, label=_("From"), after=""), Control("upper", _("To"), form, after=after)]


def _feature(name: str, fields: Mapping[str, str], subjects: Subjects) -> list[Control]:
    if name not in FEATURES:
        return []
    feature = FEATURES[name]
    family = family_of(feature)
    operator = fields.get("is", "")
    codes = OPERATORS[family]
    operator = operator if operator in codes else codes[0]
    if family == "flag":
        choices = [("yes", _("Yes")), ("no", _("No"))]
        value = [Control("value", _("Value"), "select", choices=choices)] if operator == "=" else []
        return [_operator(codes), *value]
    if family == "text" and operator in ("=", "!=") and (known := _known_texts(name, subjects)):
        return [_operator(codes), Control("value", _("Value"), "select", choices=known)]
    if family == "text":
        hint = _("separated by commas") if operator in ("in", "not_in") else ""
        return [_operator(codes), *_values(operator, "text", hint)]
    if family == "instant":
        form = "date" if operator in ("since", "before") else "number"
        return [_operator(codes), *_values(operator, form, "" if form == "date" else _("days"))]
    after = {"minor": _currency(), "days": _("days"), "rate": _("from 0 to 1")}.get(feature.unit, "")
    return [_operator(codes), *_values(operator, "number", after)]


def _known_texts(name: str, subjects: Subjects) -> Choices:
    words = {
        "lifecycle_stage": lifecycle_words,
        "repurchase_band": band_words,
        "dormant_layer": dormant_words,
    }
    if name == "top_category":
        return subjects.categories
    return [(code, str(word)) for code, word in words[name]().items()] if name in words else []


def _currency() -> str:
    from huitou.accounts.queries import find_brand

    brand = find_brand()
    return brand.currency if brand else "CNY"


def _days(label: str) -> Control:
    return Control("days", label, "number", after=_("days; empty: ever"))


def _event(name: str, fields: Mapping[str, str], subjects: Subjects) -> list[Control]:
    how = {
        "at_least": _("at least so many times"),
        "at_most": _("at most so many times"),
        "exactly": _("exactly so many times"),
        "never": _("never"),
        "first_time": _("for the first time"),
        "stopped": _("no more, after so many times before"),
        "restarted": _("again, after so many days without"),
    }
    controls = [] if name else [Control("name", _("Events"), "text", after=_("separated by commas"))]
    controls.append(Control("how", _("How often"), "select", choices=list(how.items())))
    if fields.get("how", "at_least") not in ("never", "first_time"):
        unit = _("days") if fields.get("how") == "restarted" else _("times")
        controls.append(Control("times", _("Number"), "number", value="1", after=unit))
    return [*controls, _days(_("In the last"))]


def _orders(take: str, fields: Mapping[str, str], subjects: Subjects) -> list[Control]:
    codes = ("=", "<", "<=", ">", ">=", "between")
    operator = fields.get("is", "=")
    category: list[Control] = []
    if subjects.categories:
        choices = [("", _("Any category")), *subjects.categories]
        own = fields.get("category", "")
        # Several categories were written by hand: the menu offers them as they are.
        choices += [(own, own)] if own and own not in dict(choices) else []
        category = [Control("category", _("Category"), "select", choices=choices)]
    else:
        category = [Control("category", _("Category"), "text", after=_("empty: any"))]
    after = _currency() if take in ("sum", "avg") else ""
    return [
        *category,
        Control("brand", _("Brand of the goods"), "text", after=_("empty: any")),
        Control("sku", _("Product code"), "text", after=_("empty: any")),
        _days(_("In the last")),
        _operator(codes),
        *_values(operator if operator in codes else "=", "number", after),
    ]


def _named(choices: Choices, fields: Mapping[str, str], label: str) -> Control:
    own = fields.get("name", "")
    extra = [(own, own)] if own and own not in dict(choices) else []
    return (
        Control("name", label, "select", choices=[*choices, *extra])
        if choices or extra
        else Control("name", label, "text")
    )


def _date(_kind: str, fields: Mapping[str, str], _subjects: Subjects) -> list[Control]:
    codes = ("in_next_days", "in_days", "this_month")
    operator = fields.get("is", codes[0])
    return [_operator(codes), *_values(operator if operator in codes else codes[0], "number", _("days"))]


def _consent(_channel: str, _fields: Mapping[str, str], _subjects: Subjects) -> list[Control]:
    words = consent_words()
    return [
        Control("purpose", _("Purpose"), "select", choices=[(p, words[p]) for p in _PURPOSES]),
        Control("is", _("Decision"), "select", choices=[("granted", _("Agreed")), ("refused", _("Withdrew"))]),
    ]


_CONTROLS: dict[str, Callable[[str, Mapping[str, str], Subjects], list[Control]]] = {
    "feature": _feature,
    "event": _event,
    "orders": _orders,
    "tag": lambda _s, fields, subjects: [_named(subjects.tags, fields, _("Tag"))],
    "segment": lambda _s, fields, subjects: [
        _named(subjects.segments, fields, _("Segment")),
        Control("days", _("Came in within the last"), "number", after=_("days; empty: ever")),
    ],
    "date": _date,
    "consent": _consent,
    "identifier": lambda _s, _f, _subjects: [],
    "bucket": lambda _s, _f, _subjects: [
        Control("value", _("Share"), "number", value="10", after="%"),
        Control("name", _("Name of the draw"), "text", value="sample"),
    ],
    JSON_LEAF: lambda _s, _f, _subjects: [Control("json", "JSON", "area")],
}
