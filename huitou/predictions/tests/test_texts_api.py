"""Texts for programs: what they say, and what people say of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from huitou.accounts.models import AuditEntry, Brand
from huitou.predictions.models import CorrectedText
from tests.contract.calling import program


def _tell(method: str, path: str, body: Any) -> tuple[int, Any]:
    answer = program().raw(method, path, body)
    return answer.status_code, json.loads(answer.content or b"null")


@pytest.mark.django_db
def test_each_text_gets_its_answer_and_nothing_is_kept(brand: Brand) -> None:
    status, told = _tell("POST", "/texts/understanding", {"texts": ["味道不错，会回购", "送餐太慢，要求退款", ""]})
    assert status == 200
    assert [one["sentiment"] for one in told["items"]][:2] == ["positive", "negative"]
    assert "refund" in " ".join(told["items"][1]["intents"])
    assert not CorrectedText.objects.exists()


@pytest.mark.django_db
def test_a_correction_is_kept_once_and_few_of_them_teach_nothing(brand: Brand) -> None:
    for _time in range(2):
        status, told = _tell("POST", "/texts/corrections", {"text": "客服态度恶劣", "sentiment": "negative"})
        assert (status, told) == (201, {"sentiment": "negative"})
    assert CorrectedText.objects.get().text == "客服态度恶劣"
    assert AuditEntry.objects.filter(action__startswith="text.").count() == 1
    assert _tell("POST", "/texts/corrections", {"text": "好", "sentiment": "fine"})[0] == 422
    status, told = _tell("POST", "/texts/lessons", None)
    assert (status, told["code"]) == (409, "too_few_corrections")
    assert _tell("PUT", "/texts/lessons/current", {"lesson": 7})[0] == 422
    assert _tell("PUT", "/texts/lessons/current", {"lesson": None})[0] in (200, 204)
