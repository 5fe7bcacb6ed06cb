"""Random conditions in their JSON form, whose numbers and days lie on the borders of the made-up brands."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from huitou.analytics.conditions.tests.condition_worlds import BORDER_DATES, NAMES, SPANS_DAYS

Row = dict[str, Any]
_days = st.sampled_from(SPANS_DAYS)
_dates = st.sampled_from(BORDER_DATES)
_ranges = st.tuples(_days, _days).filter(lambda pair: pair[0] < pair[1]).map(list)
_numbers = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
_empties = st.sampled_from(["empty", "not_empty"])
_begun = st.one_of(
    st.builds(lambda n: {"last_days": n}, _days),
    st.builds(lambda pair: {"from_days_ago": pair[1], "to_days_ago": pair[0]}, _ranges),
    st.builds(lambda day: {"from_date": day}, _dates),
    st.builds(lambda a, b: {"from_date": min(a, b), "to_date": max(a, b)}, _dates, _dates),
)
_windows = st.one_of(st.just({}), _begun, st.builds(lambda day: {"to_date": day}, _dates))


def _windowed(windows: st.SearchStrategy[Row]) -> st.SearchStrategy[Row]:
    return windows.map(lambda window: {"window": window} if window else {})


def _compared(numbers: list[Any], *, empties: bool = True) -> st.SearchStrategy[Row]:
    values = st.sampled_from(numbers)
    shapes = [
        st.builds(lambda op, value: {"is": op, "value": value}, _numbers, values),
        st.builds(lambda a, b: {"is": "between", "value": sorted([a, b])}, values, values),
    ]
    return st.one_of(*shapes, *([st.builds(lambda op: {"is": op}, _empties)] if empties else []))


def _texts(values: list[str]) -> st.SearchStrategy[Row]:
    lists = st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)
    return st.one_of(
        st.builds(
            lambda op, value: {"is": op, "value": value},
            st.sampled_from(["=", "!=", "contains", "starts_with"]),
            st.sampled_from(values),
        ),
        st.builds(lambda op, value: {"is": op, "value": value}, st.sampled_from(["in", "not_in"]), lists),
        st.builds(lambda op: {"is": op}, _empties),
    )


_instants = st.one_of(
    st.builds(
        lambda op, value: {"is": op, "value": value},
        st.sampled_from(["since", "before"]),
        st.sampled_from([*BORDER_DATES, "2024-06-01T08:00:00+08:00"]),
    ),
    st.builds(
        lambda op, value: {"is": op, "value": value},
        st.sampled_from(["in_last_days", "not_in_last_days", "in_next_days"]),
        _days,
    ),
    st.builds(lambda pair: {"is": "between_days_ago", "value": pair}, _ranges),
    st.builds(lambda op: {"is": op}, _empties),
)


def _feature(names: list[str], compared: st.SearchStrategy[Row]) -> st.SearchStrategy[Row]:
    return st.builds(lambda name, one: {"feature": name} | one, st.sampled_from(names), compared)


features = st.one_of(
    _feature(["order_count", "orders_90d", "rfm_recency_score", "interactions_30d"], _compared([0, 1, 2, 3, 5])),
    _feature(["spend_minor", "aov_minor", "net_spend_minor"], _compared([0, 1, 99, 100, 1000, 3333])),
    _feature(["days_since_last_order", "days_since_last_interaction"], _compared([0, 1, 30, 60, 90])),
    _feature(["refund_rate", "interpurchase_days_mean"], _compared([0, 0.5, 1, 10.041667])),
    _feature(["lifecycle_stage", "top_category"], _texts(["new", "growing", "k1", "k"])),
    _feature(["vip_layer", "traffic_layer"], st.builds(lambda flag: {"is": "=", "value": flag}, st.booleans())),
    _feature(["last_order_at", "first_order_at", "last_interaction_at", "next_order_due_at"], _instants),
)
_prices = [0, 1, 1.5, 2, 3, 19.9, 0.3, -3]
_subject_price, _subject_category = {"property": "price"}, {"property": "category"}
_filters = st.one_of(
    _compared(_prices, empties=False).map(lambda one: _subject_price | one),
    _texts(["2", "abc", "true", "a"]).map(lambda one: _subject_price | one),
    _texts(["a", "b", "ab"]).map(lambda one: _subject_category | one),
    st.booleans().map(lambda flag: {"property": "中 文.x", "is": "=", "value": flag}),
    _texts(["app", "store"]).map(lambda one: {"field": "channel"} | one),
    _texts(["p1", "p2"]).map(lambda one: {"field": "object_id"} | one),
)
_where = st.lists(_filters, max_size=2).map(lambda filters: {"where": filters} if filters else {})
_names = st.one_of(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
_what = st.builds(lambda name, where: {"event": name} | where, _names, _where)
_times = st.integers(1, 4)
_dones: st.SearchStrategy[Row] = st.one_of(
    st.just({}),
    _times.map(lambda n: {"done": {"at_least": n}}),
    st.integers(0, 3).map(lambda n: {"done": {"at_most": n}}),
    st.integers(0, 3).map(lambda n: {"done": {"exactly": n}}),
    st.tuples(_times, _times).map(lambda pair: {"done": {"at_least": min(pair), "at_most": max(pair)}}),
)
_regular = st.builds(
    lambda pair, unit: {"regularly": {"in": min(pair), "of": max(pair), "unit": unit}},
    st.tuples(_times, _times),
    st.sampled_from(["day", "week", "month"]),
)
_limits: st.SearchStrategy[Row] = st.one_of(
    st.just({}),
    st.sampled_from([1, 24, 25]).map(lambda hours: {"within_hours": hours}),
    _days.map(lambda days: {"within_days": days}),
)
_steps = st.lists(st.builds(lambda what, limit: what | limit, _what, _limits), min_size=1, max_size=2)
_values = st.one_of(
    st.builds(
        lambda take, one: {"take": take, "property": "price"} | one,
        st.sampled_from(["sum", "min", "max"]),
        _compared(_prices),
    ),
    st.builds(lambda one: {"take": "distinct", "property": "category"} | one, _compared([0, 1, 2])),
    st.builds(lambda one: {"take": "distinct", "field": "object_id"} | one, _compared([0, 1, 2])),
    st.builds(lambda take, one: {"take": take} | one, st.sampled_from(["first", "last"]), _filters),
)
events = st.one_of(
    st.builds(lambda *parts: _merged(*parts), _what, _windowed(_windows), _dones),
    st.builds(lambda *parts: _merged(*parts, {"first_time": True}), _what, _windowed(_begun)),
    st.builds(lambda *parts: _merged(*parts), _what, _regular),
    st.builds(
        lambda *parts: _merged(*parts), _what, _windowed(_begun), _times.map(lambda n: {"stopped": {"at_least": n}})
    ),
    st.builds(
        lambda *parts: _merged(*parts),
        _what,
        _windowed(_windows),
        _days.map(lambda n: {"restarted": {"gap_days": n}}),
    ),
    st.builds(lambda *parts: _merged(*parts), _what, _windowed(_windows), _steps.map(lambda steps: {"then": steps})),
    st.builds(lambda *parts: _merged(*parts), _what, _windowed(_windows), _values.map(lambda value: {"value": value})),
)


def _merged(*parts: Row) -> Row:
    whole: Row = {}
    for part in parts:
        whole |= part
    return whole


_amounts = [0, 1, 99, 100, 1000, 3333]
_where_orders = st.fixed_dictionaries(
    {},
    optional={
        "category": st.sampled_from(["k1", ["k2", "unknown"]]),
        "brand": st.just("b1"),
        "sku": st.sampled_from(["x", ["x", "y"]]),
        "channel": st.sampled_from(["app", ["app", "store"]]),
        "store": st.just("s1"),
        "line_amount_minor": _compared(_amounts),
        "list_price_minor": _compared([100, 1000]),
        "order_amount_minor": _compared(_amounts),
    },
)
_taken = st.one_of(
    _compared([0, 1, 2, 3]),
    _compared([0, 1, 2, 3]).map(lambda one: {"take": "count"} | one),
    st.builds(lambda take, one: {"take": take} | one, st.sampled_from(["sum", "avg"]), _compared(_amounts)),
    _compared([0, 0.5, 1, 1.2345, 3]).map(lambda one: {"take": "quantity"} | one),
    st.builds(
        lambda take, of, one: {"take": take, "of": of} | one,
        st.sampled_from(["first", "last"]),
        st.sampled_from(["channel", "store", "sku", "category", "brand"]),
        _texts(["app", "store", "s1", "x", "k1", "b1"]),
    ),
    st.builds(lambda take, one: {"take": take, "of": "at"} | one, st.sampled_from(["first", "last"]), _instants),
)
orders = st.builds(
    lambda taken, where, window: {"orders": taken | ({"where": where} if where else {}) | window},
    _taken,
    st.one_of(st.just({}), _where_orders),
    _windowed(_windows),
)
_points = st.sampled_from([0, 1, 2500, 5000, 9999, 10_000])
others = st.one_of(
    st.sampled_from(["vip", ["new", "old"]]).map(lambda tag: {"tag": tag}),
    st.builds(
        lambda name, more: {"segment": name} | more,
        st.sampled_from(["one", ["one", "two"]]),
        st.sampled_from([{}, {"entered_last_days": 7}]),
    ),
    st.tuples(_points, _points)
    .filter(lambda pair: pair[0] < pair[1])
    .map(lambda pair: {"bucket": {"salt": "s", "from": pair[0], "to": pair[1]}}),
    st.builds(
        lambda channel, more: {"consent": {"channel": channel, "purpose": "marketing"} | more},
        st.sampled_from(["sms", "email"]),
        st.sampled_from([{}, {"granted": False}]),
    ),
    st.sampled_from(["phone", ["phone", "email"]]).map(lambda kind: {"identifier": kind}),
    st.one_of(
        st.sampled_from([1, 2, 7, 8, 366]).map(lambda n: {"is": "in_next_days", "value": n}),
        st.sampled_from([0, 1, 7, 242]).map(lambda n: {"is": "in_days", "value": n}),
        st.just({"is": "this_month"}),
    ).map(lambda when: {"date": "birthday"} | when),
)
leaves = st.one_of(events, events, orders, features, others)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=4,
)
