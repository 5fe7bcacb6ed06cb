"""Sentences call what they name as its reader does: layers, events, categories and amounts."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from huitou.accounts.models import Brand
from huitou.catalog.models import Category
from huitou.core.clock import FixedClock
from huitou.segments.models import Segment
from huitou.segments.queries import in_words
from huitou.segments.saving import change_segment
from huitou.segments.services import create_segment, install_layers
from huitou.segments.tests.conftest import NOW

pytestmark = pytest.mark.django_db
CLOCK = FixedClock(NOW)
SPEND = {"feature": "spend_minor", "is": ">=", "value": 5000}


def both(definition: object) -> tuple[str, str]:
    """In Chinese and in English, whatever language is active."""
    with override("en"):
        chinese = in_words(definition, "zh-hans")
    with override("zh-hans"):
        return chinese, in_words(definition, "en")


def test_a_ready_layer_has_a_name_in_each_language_until_somebody_gives_it_another() -> None:
    install_layers(clock=CLOCK)
    assert both({"segment": "rfm_champions"}) == ("属于分群“RFM 冠军客户”", "is in the segment “RFM champions”")
    change_segment(name="rfm_champions", title="老铁", clock=CLOCK)
    assert both({"segment": "rfm_champions"}) == ("属于分群“老铁”", "is in the segment “老铁”")


def test_a_segment_called_like_a_value_gives_its_title_to_segments_only() -> None:
    create_segment(name="growing", title="Our own", definition=SPEND, clock=CLOCK)
    told = {
        "all": [
            {"segment": "growing"},
            {"tag": "growing"},
            {"feature": "lifecycle_stage", "is": "=", "value": "growing"},
        ]
    }
    chinese, english = both(told)
    assert chinese == "属于分群“Our own”，并且有标签“growing”，并且生命周期阶段为“成长期”"
    assert english.endswith("has the tag “growing” and Lifecycle stage is “Growing”")


def test_events_and_their_properties_have_the_names_of_the_tracking_plan() -> None:
    told = {"event": "Product Viewed", "where": [{"property": "category", "is": "=", "value": "tea"}]}
    chinese, english = both(told)
    assert chinese == "做过“浏览商品”（分类为“tea”）"
    assert "Product Viewed" not in english
    assert "“Of our own”" in both({"event": "Of our own"})[0]


def test_goods_and_channels_have_their_names() -> None:
    Category.objects.create(code="tea", name_zh="茶", name_en="Tea")
    told = {"orders": {"where": {"category": "tea", "channel": "live"}, "is": ">=", "value": 1}}
    assert both(told) == (
        "购买次数（品类“茶”，渠道“直播间”）不少于 1",
        "purchases (category “Tea”, channel “Live room”) are at least 1",
    )


@pytest.mark.parametrize(("currency", "shown"), [("CNY", "50"), ("JPY", "5000"), ("KWD", "5")])
def test_amounts_stand_in_the_currencys_own_unit(currency: str, shown: str) -> None:
    Brand.objects.create(pk=1, name="Test", zone="Asia/Shanghai", currency=currency, clock_now=NOW)
    assert both(SPEND)[1] == f"Spend is at least {shown}"
    money = {
        "orders": {"take": "sum", "where": {"order_amount_minor": {"is": ">", "value": 5000}}, "is": ">", "value": 5000}
    }
    assert both(money)[1] == f"money spent (order amount is more than {shown}) is more than {shown}"


def test_a_plain_condition_asks_the_database_for_nothing(django_assert_num_queries: object) -> None:
    """Lists tell dozens of them."""
    assert not Segment.objects.exists()
    with django_assert_num_queries(0):  # type: ignore[operator]
        in_words({"all": [{"feature": "order_count", "is": ">=", "value": 2}, {"tag": "vip"}]}, "en")
