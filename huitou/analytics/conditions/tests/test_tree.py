"""Trees are read, refused with a path, said in words, and asked of customers; tables never written are empty."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from huitou.analytics.conditions import (
    Condition,
    ConditionError,
    History,
    Moment,
    Names,
    compile_members,
    describe,
    holds,
    parse_condition,
    read_facts,
)
from huitou.analytics.engines import DuckEngine, Lake
from huitou.analytics.tables import TABLES

NOW = Moment(datetime(2024, 4, 1, tzinfo=UTC), "Asia/Shanghai")
TWICE: dict[str, Any] = {"feature": "order_count", "is": ">=", "value": 2}


def members(folder: Path, condition: Condition, **tables: list[dict[str, Any]]) -> set[int]:
    """Members over a lake that holds nothing but the given rows; other columns are empty."""
    lake = Lake(str(folder / "lake"))
    for name, rows in tables.items():
        schema = TABLES[name].schema
        loose = pa.schema([field.with_nullable(True) for field in schema])
        whole = [dict.fromkeys(schema.names) | row for row in rows]
        for row in whole:
            for field in schema:
                if row[field.name] is None and not field.nullable:
                    row[field.name] = "" if pa.types.is_string(field.type) else pa.scalar(0).cast(field.type).as_py()
        lake.overwrite(name, pa.Table.from_pylist(whole, schema=loose).to_reader())
    with DuckEngine(lake, scratch=folder / "scratch") as engine:
        found = engine.to_pyarrow(compile_members(condition, read_facts(engine), NOW))
        return set(found["person_id"].to_pylist())


@pytest.mark.parametrize(
    ("data", "code", "path"),
    [
        ([], "not_an_object", "$"),
        ({}, "unknown_kind", "$"),
        ({"features": "order_count"}, "unknown_kind", "$"),
        ({"tag": "a", "feature": "order_count"}, "several_kinds", "$"),
        ({"any": []}, "empty_list", "$.any"),
        ({"all": [TWICE, {"not": {"tag": ""}}]}, "not_a_text", "$.all[1].not.tag"),
        ({"all": [TWICE | {"value": "2"}]}, "not_whole", "$.all[0].value"),
        ({"all": [TWICE | {"is": "contains"}]}, "not_a_choice", "$.all[0].is"),
        ({"any": [TWICE | {"feature": "order_counts"}]}, "unknown_feature", "$.any[0].feature"),
        (TWICE | {"window": {}}, "unknown_key", "$.window"),
        ({"feature": "order_count", "is": "between", "value": [3, 2]}, "not_a_range", "$.value"),
        ({"bucket": {"salt": "x", "from": 10, "to": 10}}, "not_a_range", "$.bucket.to"),
        *(
            ({"event": "X", "where": [{"property": name, "is": "=", "value": "1"}]}, "bad_name", "$.where[0].property")
            for name in ("*", "price\n", "a'b", "$x")
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(data: object, code: str, path: str) -> None:
    with pytest.raises(ConditionError) as told:
        parse_condition(data)
    assert (told.value.code, told.value.path) == (code, path)
    assert told.value.sentence("en").startswith(f"{path}: ")
    assert told.value.sentence("zh-hans").startswith(f"{path}：")


def test_depth_and_size_are_limited() -> None:
    deep: dict[str, Any] = TWICE
    for _ in range(7):
        deep = {"not": deep}
    parse_condition(deep)
    with pytest.raises(ConditionError, match="more than 8 deep"):
        parse_condition({"not": deep})
    parse_condition({"all": [{"any": [TWICE] * 50}] * 2})
    with pytest.raises(ConditionError, match="more than 100 conditions"):
        parse_condition({"all": [{"any": [TWICE] * 50}, {"any": [TWICE] * 51}]})


def test_members_of_a_lake_in_which_only_features_were_written(tmp_path: Path) -> None:
    people = [{"person_id": n, "order_count": n, "spend_minor": n * 100} for n in range(1, 5)]
    both = {"all": [TWICE, {"not": {"any": [{"tag": "vip"}, {"feature": "spend_minor", "is": ">", "value": 300}]}}]}
    assert members(tmp_path / "a", parse_condition(both), feat_customers=people) == {2, 3}
    assert members(tmp_path / "b", parse_condition({"all": []}), feat_customers=people) == {1, 2, 3, 4}
    assert members(tmp_path / "c", parse_condition({"segment": "x"}), feat_customers=people) == set()


def test_tags_count_from_when_they_were_given_until_they_expire(tmp_path: Path) -> None:
    people = [{"person_id": n} for n in range(1, 5)]
    early, late = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)
    tags = [
        {"person_id": 1, "tag": "vip", "since": early, "expires_at": None},
        {"person_id": 2, "tag": "vip", "since": early, "expires_at": NOW.as_of},
        {"person_id": 3, "tag": "vip", "since": late, "expires_at": None},
        {"person_id": 4, "tag": "other", "since": early, "expires_at": late},
    ]
    found = members(tmp_path, parse_condition({"tag": "vip"}), feat_customers=people, dim_person_tags=tags)
    assert found == {1}
    assert [n for n in range(4) if holds(parse_condition({"tag": "vip"}), History(1, tags=[tags[n]]), NOW)] == [0]


def test_a_condition_reads_as_a_sentence() -> None:
    condition = parse_condition({"all": [TWICE, {"any": [{"tag": "vip"}, {"not": {"identifier": "phone"}}]}]})
    assert describe(condition, "en") == "Purchases are at least 2 and (has the tag “vip” or not (is known by phone))"
    assert describe(condition, "zh-hans") == ("累计购买次数不少于 2，并且（有标签“vip”，或者并非（有手机号））")
    named = parse_condition({"all": [{"segment": "近45天"}, {"feature": "vip_layer", "is": "=", "value": True}]})
    assert describe(named, "zh-hans") == "属于分群“近45天”，并且属于 VIP 层"
    agreed = parse_condition({"consent": {"channel": "sms", "purpose": "marketing"}})
    assert describe(agreed, "zh-hans") == "已同意短信的营销触达"


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"feature": "order_count", "is": "between", "value": [1, 2]}, "Purchases are from 1 to 2"),
        ({"feature": "days_since_last_order", "is": "<", "value": 9}, "Days since last purchase are less than 9"),
        ({"feature": "repeat_orders_365d", "is": ">=", "value": 1}, "Repeat purchases in 365 days are at least 1"),
        ({"feature": "aov_minor", "is": ">", "value": 5050}, "Average order value is more than 50.5"),
        ({"feature": "last_order_at", "is": "in_last_days", "value": 1}, "Last purchase lies in the last 1 day"),
        ({"feature": "vip_layer", "is": "=", "value": False}, "is not in the VIP layer"),
        ({"orders": {"is": "=", "value": 1, "window": {"last_days": 1}}}, "purchases in the last 1 day are 1"),
        ({"event": "Page Viewed", "done": {"exactly": 1}}, "did “Page Viewed” exactly 1 time"),
        (
            {"event": "A", "then": [{"event": "1 days", "within_days": 1}, {"event": "B", "within_hours": 1}]},
            "did “A”, then “1 days” within 1 day, then “B” within 1 hour",
        ),
        ({"event": "A", "window": {"last_days": 21}, "stopped": {"at_least": 1}}, "did “A” at least 1 time before"),
        ({"date": "birthday", "is": "in_days", "value": 1}, "birthday is in exactly 1 day"),
    ],
)
def test_english_sentences_count_in_english(told: dict[str, Any], sentence: str) -> None:
    assert describe(parse_condition(told), "en").startswith(sentence)


def test_what_has_a_name_is_called_by_it() -> None:
    """In this sentence only: the next one has no names. What has none is called as it is known."""
    names = Names(
        events={"Product Viewed": "浏览商品"},
        properties={"category": "品类"},
        segments={"vips": "贵宾"},
        values={"lifecycle_stage": {"growing": "成长期"}, "channel": {"app": "自有应用"}, "category": {"tea": "茶"}},
        digits=0,
    )
    told = {
        "all": [
            {"event": "Product Viewed", "where": [{"property": "category", "is": "=", "value": "tea"}]},
            {"event": "Own", "where": [{"field": "channel", "is": "in", "value": ["app", "shop"]}]},
            {"segment": ["vips", "others"]},
            {"feature": "lifecycle_stage", "is": "=", "value": "growing"},
            {"feature": "spend_minor", "is": ">", "value": 5000},
            {"orders": {"take": "sum", "where": {"category": "tea", "channel": "app"}, "is": ">", "value": 700}},
        ]
    }
    sentence = describe(parse_condition(told), "zh-hans", names)
    for part in (
        "做过“浏览商品”（品类为“tea”）",
        "做过“Own”（渠道为“自有应用”、“shop”之一）",
        "属于分群“贵宾”或“others”",
        "生命周期阶段为“成长期”",
        "累计消费金额大于 5000",
        "消费金额（品类“茶”，渠道“自有应用”）大于 700",
    ):
        assert part in sentence, sentence
    assert "浏览商品" not in describe(parse_condition(told), "zh-hans")
    assert "大于 50" in describe(parse_condition(told), "zh-hans")
