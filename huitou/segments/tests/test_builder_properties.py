"""The builder's form says whatever a condition can say: every tree comes back as it went in, by menus alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huitou.accounts.models import Brand
from huitou.analytics.conditions import Condition, parse_condition
from huitou.analytics.conditions.leaf import KINDS
from huitou.analytics.conditions.tests.condition_strategies import conditions, events, leaves, orders
from huitou.analytics.conditions.tree import All, AnyOf, Not
from huitou.segments.builder.controls import flat
from huitou.segments.builder.drawing import Shown, drawn
from huitou.segments.builder.fields import joined, listed
from huitou.segments.builder.leaves import JSON_LEAF
from huitou.segments.builder.menus import Subjects, read_subjects, settled
from huitou.segments.builder.tree import Node, acted, checked, from_json, nodes_in, numbered, read_form

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def subjects(django_db_setup: None, django_db_blocker: Any) -> Subjects:
    """The menus of a brand without data of its own: whatever is asked about is unknown to it."""
    with django_db_blocker.unblock():
        return read_subjects()


def meaning(condition: Condition) -> Condition:
    """The tree without groups of a single part, which mean their part."""
    if isinstance(condition, Not):
        return Not(meaning(condition.part))
    if isinstance(condition, All | AnyOf):
        parts = tuple(meaning(part) for part in condition.parts)
        return parts[0] if len(parts) == 1 else type(condition)(parts)
    return condition


def posted(root: Node, subjects: Subjects) -> dict[str, str]:
    """What a browser sends of the page that draws this tree."""
    found: dict[str, str] = {}

    def send(shown: Shown) -> None:
        path = shown.node.path
        if shown.node.is_group:
            found[f"g-{path}"] = shown.node.join
        else:
            found[f"w-{path}"] = found[f"was-{path}"] = shown.node.what
            offered = [code for _group, choices in shown.groups for code, _word in choices]
            assert shown.node.what in offered, "the first menu offers what is asked"
            for control in flat(shown.items):
                assert not control.codes or control.value in control.codes, (shown.node.what, control)
                assert "\n" not in control.value or control.form == "area"
                found[f"{control.name}-{path}"] = control.value
            found.update({f"{name}-{path}": value for name, value in shown.kept})
        for part in shown.parts:
            send(part)

    send(drawn(settled(root, subjects), subjects)["tree"])
    return found


def round_trip(where: Any, subjects: Subjects) -> tuple[Node, Any]:
    root = from_json(where)
    return root, read_form(posted(root, subjects)).to_json()


_SETTINGS = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@_SETTINGS
@given(where=st.one_of(leaves, events, orders, conditions))
def test_every_tree_comes_back_from_its_form(subjects: Subjects, where: Any) -> None:
    root, back = round_trip(where, subjects)
    assert meaning(parse_condition(back)) == meaning(parse_condition(where))
    assert all(node.what != JSON_LEAF for node in nodes_in(root)), "said by menus, not as JSON"


@pytest.mark.parametrize("kind", [kind.kind for kind in KINDS if kind.kind != "trigger"])
def test_every_kind_of_leaf_is_built_of_menus(subjects: Subjects, kind: str) -> None:
    for example in KINDS[kind].examples:
        root, back = round_trip(example, subjects)
        assert meaning(parse_condition(back)) == parse_condition(example)
        assert all(node.what != JSON_LEAF for node in nodes_in(root)), example


@pytest.mark.parametrize(
    "where",
    [
        {"trigger": {"event": "Order Completed"}},
        {"tag": "two\nlines"},
        {"event": "A", "done": {}},
        {"nobody": "knows"},
        {"all": "wrong"},
        ["a list"],
        "text",
        None,
    ],
)
def test_what_the_menus_have_no_words_for_stays_as_json(subjects: Subjects, where: Any) -> None:
    assert round_trip(where, subjects)[1] == {"all": [where]}


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1)))
def test_lists_are_typed_and_read_alike(values: list[str]) -> None:
    assert listed(joined(values)) == values


def test_a_deep_and_wide_tree_is_built_to_the_end(subjects: Subjects) -> None:
    deep: Any = {"tag": "a"}
    for level in range(7):
        deep = {("all", "any")[level % 2]: [deep, {"tag": f"t{level}"}]} if level else {"not": deep}
    assert round_trip(deep, subjects)[1] == deep
    wide = {"all": [{"event": f"E{n}", "done": {"at_least": 1}} for n in range(100)]}
    assert round_trip(wide, subjects)[1] == wide
    filters = [{"property": f"p{n}", "is": "between", "value": [1, 2]} for n in range(10)]
    huge = {"all": [{"event": f"E{n}", "where": filters, "done": {"at_least": 1}} for n in range(40)]}
    root, back = round_trip(huge, subjects)
    assert len(posted(root, subjects)) < 1_900, "a form that is larger is not read at all"
    assert meaning(parse_condition(back)) == parse_condition(huge)


def test_buttons_that_were_pressed_on_one_drawing_all_hold(subjects: Subjects) -> None:
    where = {"all": [{"tag": "a"}, {"event": "E", "done": {"at_least": 1}}, {"tag": "c"}]}
    root, focus = acted(from_json(where), "remove:0-0 more:0-1:f add:0 remove:0-2")
    kept = settled(root, subjects).to_json()["all"]
    assert [next(iter(leaf)) for leaf in kept] == ["event", "feature"]
    assert len(kept[0]["where"]) == 1
    assert focus.path == "0"
    nested, focus = acted(numbered(root), "group:0")
    assert (focus.path, nested.children[2].join) == ("0-2-0", "any")
    less, _focus = acted(numbered(settled(root, subjects)), "less:0-0:f0")
    assert "where" not in less.to_json()["all"][0]
    assert acted(root, "remove:0 more:0-9:f less:0-0:[ nonsense more:0-0:")[0] == root


def test_turning_a_menu_and_back_loses_nothing_that_was_typed(subjects: Subjects) -> None:
    typed = {"g-0": "all", "w-0-0": "feature:spend_minor", "was-0-0": "feature:spend_minor", "is-0-0": ">="}
    typed |= {"value-0-0": "12.50"}
    sent = typed
    for operator in ("between", "empty", "between", "empty", "!="):
        sent = posted(read_form(sent | {"is-0-0": operator}), subjects)
    assert read_form(sent).to_json()["all"] == [{"feature": "spend_minor", "is": "!=", "value": 1250}]
    event = {"g-0": "all", "w-0-0": "event:A", "how-0-0": "then", "s0n0v-0-0": "B", "f0of-0-0": "p:x"}
    event |= {"f0is-0-0": "number >=", "f0value-0-0": "3", "times-0-0": "4"}
    sent = event
    for how in ("never", "stopped", "value", "then"):
        sent = posted(read_form(sent | {"how-0-0": how}), subjects)
    (leaf,) = read_form(sent).to_json()["all"]
    assert leaf["then"] == [{"event": "B"}]
    assert leaf["where"] == [{"property": "x", "is": ">=", "value": 3}]


def test_another_question_does_not_inherit_what_was_not_asked(subjects: Subjects) -> None:
    sent = posted(from_json({"feature": "lifecycle_stage", "is": "in", "value": ["new", "growing"]}), subjects)
    sent = posted(read_form(sent | {"w-0-0": "tag"}), subjects)
    assert not any(value in ("new", "growing") for value in sent.values())
    sent = posted(from_json({"feature": "order_count", "is": ">=", "value": 3}), subjects)
    sent = posted(read_form(sent | {"w-0-0": "feature:orders_90d"}), subjects)
    assert read_form(sent).to_json()["all"] == [{"feature": "orders_90d", "is": ">=", "value": 3}]


@pytest.mark.parametrize("row", ["f0", "s0f0", "v"])
def test_a_text_where_a_number_belongs_is_named(subjects: Subjects, row: str) -> None:
    sent = {"g-0": "all", "w-0-0": "event:A", "how-0-0": "value" if row == "v" else "then", "s0n0v-0-0": "B"}
    sent |= {"take-0-0": "last", f"{row}of-0-0": "p:x", f"{row}is-0-0": "number >", f"{row}value-0-0": "many"}
    assert "many" in checked(read_form(sent)).children[0].error
    assert checked(read_form(sent | {f"{row}value-0-0": "7"})).children[0].error == ""


@pytest.mark.parametrize(
    "what", ["feature:days_since_last_order", "feature:refund_rate", "event:A", "tag", "date:birthday"]
)
def test_what_is_still_empty_is_asked_for(subjects: Subjects, what: str) -> None:
    """Somebody who has just added a condition did nothing wrong: no talk of ranges, quotes and JSON."""
    sent = {
        "g-0": "all",
        "w-0-0": what,
        "how-0-0": "value",
        "take-0-0": "last",
        "vof-0-0": "p:x",
        "vis-0-0": "number >",
    }
    assert checked(read_form(sent)).children[0].error == "请填写这里的空白项。"


def test_amounts_are_in_the_brands_currency(subjects: Subjects) -> None:
    Brand.objects.create(pk=1, name="東京", zone="Asia/Tokyo", currency="JPY")
    where = {"orders": {"take": "sum", "where": {"line_amount_minor": {"is": "<", "value": 5}}, "is": ">", "value": 7}}
    sent = posted(from_json(where), subjects)
    assert (sent["value-0-0"], sent["w0value-0-0"]) == ("7", "5")
    assert read_form(sent).to_json()["all"] == [where]
