"""Who a customer is shows to nobody by itself; whoever may looks on purpose, and every look is on record."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from huitou.accounts.audit import describe
from huitou.accounts.models import AuditEntry, Brand, User
from huitou.accounts.roles import ADMIN, ANALYST, OPERATOR, SERVICE
from huitou.accounts.services import create_brand
from huitou.core.clock import SystemClock
from huitou.customers.models import Identifier, Person

pytestmark = pytest.mark.django_db
PERSONAL = (
    "张晓明",
    "13912345678",
    "xiaoming@example.com",
    "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
    "wmSALzCgAAuUdDhZ_0j4kQPXxkr7kHyA",
    "13700001234",
    "lilei_wx88",
    "110101199003071234",
    "西湖区文三路",
    "rather late, please",
)
ATTRIBUTES = {
    "hobby": f"call {PERSONAL[5]}",
    "wechatId": PERSONAL[6],
    "id_no": PERSONAL[7],
    "more": [{"x": PERSONAL[7]}, f"of {PERSONAL[7]}"],
    "address": PERSONAL[8],
    "note": PERSONAL[9],
    "code": PERSONAL[3],
    "member_level": "gold",
    "city": "杭州",
}


@pytest.fixture(autouse=True)
def customer() -> Person:
    create_brand(name="小满", clock=SystemClock())
    person = Person.objects.create(
        pk=7, display_name=PERSONAL[0], phone=PERSONAL[1], attributes=ATTRIBUTES, created_at=SystemClock().now()
    )
    for kind, namespace, value in (
        ("phone", "", "+8613912345678"),
        ("email", "", PERSONAL[2]),
        ("openid", "wx1", PERSONAL[3]),
        ("external_userid", "corp1", PERSONAL[4]),
    ):
        Identifier.objects.create(kind=kind, namespace=namespace, value=value, person=person)
    return person


def client_of(role: str) -> Client:
    cache.clear()
    client = Client()
    client.force_login(User.objects.create_user(f"{role}-person", password="a long enough secret", role=role))
    return client


def shown(text: str) -> set[str]:
    return {secret for secret in PERSONAL if secret in text}


@pytest.mark.parametrize("role", [ADMIN, OPERATOR, ANALYST, SERVICE])
def test_the_page_is_masked_for_everybody(role: str) -> None:
    for headers in ({}, {"HX-Request": "true"}):
        text = client_of_once(role).get("/customers/7/", headers=headers).content.decode()
        assert shown(text) == set()
        assert "139****5678" in text
        assert "张**" in text
        assert "gold" in text
        assert "杭州" in text
    assert AuditEntry.objects.filter(action="customer.unmasked").count() == 0


def client_of_once(role: str) -> Client:
    User.objects.filter(username=f"{role}-person").delete()
    return client_of(role)


@pytest.mark.parametrize("part", [False, True])
def test_one_click_shows_it_whole_and_says_who_saw_what_of_whom_and_why(part: bool) -> None:
    client = client_of(SERVICE)
    headers = {"HX-Request": "true"} if part else {}
    answer = client.post("/customers/7/whole/", {"reason": "order"}, headers=headers)
    text = answer.content.decode()
    assert shown(text) == set(PERSONAL)
    assert ("<html" in text) is not part
    assert "no-store" in answer.headers["Cache-Control"]
    title = text.partition("<title>")[2].partition("</title>")[0]
    assert shown(title) == set()
    entry = AuditEntry.objects.get(action="customer.unmasked")
    assert (entry.actor_label, entry.target) == ("service-person", "#7")
    assert entry.detail == {"seen": ["names", "phones", "identifiers", "attributes"], "reason": "order"}
    assert any("订单" in line for line in describe(entry))
    assert shown(str(AuditEntry.objects.values())) == set()
    # The next look is masked again.
    assert shown(client.get("/customers/7/").content.decode()) == set()


def test_where_nothing_is_masked_nothing_is_offered_or_said() -> None:
    """A number as the brand itself gives it, and attributes that are nobody's."""
    person = Person.objects.create(attributes={"age": "45-54"}, created_at=SystemClock().now())
    Identifier.objects.create(kind="customer_id", value="1024", person=person)
    text = client_of(ADMIN).get(f"/customers/{person.pk}/").content.decode()
    assert "1024" in text
    assert "whole/" not in text
    assert "脱敏" not in text
    assert "脱敏" in client_of_once(ADMIN).get("/customers/7/").content.decode()


@pytest.mark.parametrize(("is_example", "word"), [(False, "年龄"), (True, "年龄段")])
def test_an_age_is_called_what_it_is(is_example: bool, word: str) -> None:
    Brand.objects.update(is_example=is_example)
    person = Person.objects.create(attributes={"age": "45"}, created_at=SystemClock().now())
    assert f"<dt>{word}</dt>" in client_of(ADMIN).get(f"/customers/{person.pk}/").content.decode()


def test_free_text_does_not_come_into_the_log_that_is_for_ever() -> None:
    client_of(ADMIN).post("/customers/7/whole/", {"reason": "asked by 张晓明"})
    assert AuditEntry.objects.get(action="customer.unmasked").detail["reason"] == ""


def test_a_role_that_may_not_is_refused_and_sees_no_button() -> None:
    client = client_of(ANALYST)
    assert client.post("/customers/7/whole/").status_code == 403
    assert "whole/" not in client.get("/customers/7/").content.decode()
    assert client_of(SERVICE).get("/customers/7/whole/").status_code == 405
    assert client_of_once(SERVICE).post("/customers/99/whole/").status_code == 404


def test_what_is_searched_for_stands_in_no_address_and_no_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    monkeypatch.setattr("huitou.orders.queries.last_refresh", lambda: object())
    with caplog.at_level(logging.DEBUG):
        for text in PERSONAL[:5]:
            answer = client_of_once(OPERATOR).post("/customers/", {"q": text})
            assert answer.headers["Location"] == "/customers/7/", text
        assert client_of_once(OPERATOR).post("/customers/", {"q": "nobody"}).headers["Location"].endswith("people=0")
    assert shown("\n".join(record.getMessage() for record in caplog.records if "INSERT" not in record.getMessage()
                           and "SELECT" not in record.getMessage())) == set()  # fmt: skip
