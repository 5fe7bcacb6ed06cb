"""What of a refused event is shown, and that hiding changes nothing of what is replayed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huitou.sources.masking import HIDDEN, MarkUnknownError, masked_payload, restored_payload, shown_detail
from huitou.sources.models import DeadLetter

pytestmark = pytest.mark.django_db
SECRETS = ("13912345678", "o6_bmasdasdsad6", "王小满", "xiaoman@example.com", "杭州西湖区", "zhangsan", "他说不好吃")


def test_nothing_that_names_somebody_is_shown() -> None:
    """Identifiers, traits, personal properties, free text, and numbers that are phones, wherever they stand."""
    phone, openid, name, mail, address, pinyin, words = SECRETS
    told = {
        "type": "track",
        "event": "Product Reviewed",
        "userId": openid,
        "anonymousId": pinyin,
        "timestamp": "2026-03-01T12:00:00Z",
        "properties": {
            "product_id": "p1",
            "rating": 4.5,
            "review_body": words,
            "receiver": {"a": pinyin},
            "codes": [phone, int(phone), mail],
            "note": words,
        },
        "traits": {"nick": pinyin, "level": 3, "city": address},
        "context": {"traits": {"x": name}},
    }
    shown = masked_payload(json.dumps(told).encode())
    assert shown is not None
    assert [secret for secret in SECRETS if secret in shown] == []
    read = json.loads(shown)
    assert (read["event"], read["timestamp"]) == ("Product Reviewed", "2026-03-01T12:00:00Z")
    assert (read["properties"]["product_id"], read["properties"]["rating"]) == ("p1", 4.5)


def test_identifiers_are_hidden_as_they_are_kept_out_of_the_lake() -> None:
    """Under their names, whoever's they are, and where a value is the event's own identifier under another name."""
    properties = {"memberNo": "ZQ-1", "inviter_id": "ZQ-2", "id_no": "ZQ-3", "ref": "ZQ-90017", "sku": "S1"}
    told = {"type": "track", "event": "Told", "userId": "ZQ-90017", "properties": properties}
    told["context"] = {"externalIds": [{"id": "ZQ-4", "type": "member_no", "collection": "users"}]}
    shown = masked_payload(json.dumps(told).encode())
    assert shown is not None
    assert "ZQ" not in shown
    assert '"S1"' in shown
    assert json.loads(restored_payload(shown.encode(), json.dumps(told).encode())) == told


@pytest.mark.parametrize("payload", [b"{broken 13912345678", b'["13912345678"]', b'{"13912345678": 1}', b"\xff"])
def test_what_cannot_be_shown_in_parts_is_not_shown(payload: bytes) -> None:
    assert masked_payload(payload) is None


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["comment", "sku", "traits"]), inner),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(told=st.dictionaries(st.sampled_from(["userId", "event", "properties", "traits", "x"]), values))
def test_a_text_that_nobody_edited_is_the_event_as_it_was(told: dict[str, Any]) -> None:
    payload = json.dumps(told).encode()
    shown = masked_payload(payload)
    if shown is not None:
        assert json.loads(restored_payload(shown.encode(), payload)) == told


def test_a_sender_cannot_pass_a_mark_off_as_somebody_elses_value() -> None:
    """A text that looks like a mark is hidden itself, so it comes back as the text that it was."""
    payload = json.dumps({"userId": "c1", "properties": {"sku": "[hidden 1]"}}).encode()
    shown = masked_payload(payload)
    assert shown is not None
    assert json.loads(restored_payload(shown.encode(), payload)) == json.loads(payload)


@pytest.mark.parametrize("mark", ["[hidden 9]", "[hidden]", "[Hidden 1]", "C-[hidden 1]", "[hidden 1"])
def test_a_mark_that_hides_nothing_becomes_nobody(mark: str) -> None:
    payload = json.dumps({"userId": "c1", "properties": {"comment": "他说不好吃"}}).encode()
    with pytest.raises(MarkUnknownError, match=r"\[hidden 1\], \[hidden 2\]"):
        restored_payload(json.dumps({"userId": mark}).encode(), payload)
    # A known mark may go to another place.
    assert json.loads(restored_payload(b'{"anonymousId": "[hidden 1]"}', payload)) == {"anonymousId": "c1"}


@pytest.mark.parametrize(
    ("reason", "detail", "shown"),
    [
        ("order_currency", "currency: USD", "currency: USD"),
        ("order_value", "price: ten", "price: ten"),
        ("order_value", "price: 找张三要", f"price: {HIDDEN}"),
        ("order_word", "status: 已飞走", "status: 已飞走"),
        ("order_value", "order_id: 13912345678", HIDDEN),
        ("name_personal", "Called Wang", HIDDEN),
        ("order_incomplete", "products", "products is missing"),
        ("order_incomplete", "price: p1", "product p1 has no price"),
        ("order_incomplete", "price: 找张三要", f"product {HIDDEN} has no price"),
    ],
)
def test_details_say_what_is_wrong_and_nobodys_words(reason: str, detail: str, shown: str) -> None:
    with translation.override("en"):
        assert shown_detail(DeadLetter(reason=reason, detail=detail)) == shown
