"""The customer page and the merge review: what they show, masked, and what their buttons do."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.core.cache import cache
from django.test import Client

from huitou.accounts.models import AuditEntry, User
from huitou.accounts.services import create_brand, create_first_admin
from huitou.core.clock import FixedClock, SystemClock
from huitou.customers.groups import customers_of
from huitou.customers.models import Barrier, Identifier, Merge, ReviewCase
from huitou.customers.queries import may_contact
from huitou.customers.services import (
    AcquisitionReport,
    ConsentDecision,
    Sighting,
    TraitReport,
    record_acquisitions,
    record_consents,
    record_traits,
    resolve_sightings,
)

NOW = datetime(2024, 5, 1, 2, tzinfo=UTC)
CLOCK = FixedClock(NOW)
PHONE = ("phone", "", "13912345670")
pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    cache.clear()
    create_first_admin(clock=SystemClock(), password="a long enough secret")
    create_brand(name="小满", clock=SystemClock())
    client = Client(headers={"accept-language": "en"})
    assert client.login(username="admin", password="a long enough secret")
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def persons(admin: Client) -> list[int]:
    """Two accounts of two shops joined by their phone, and a second account of the first shop with the same phone."""
    accounts = [
        ("buyer_id", "taobao:shop", "one"),
        ("buyer_id", "douyin:shop", "two"),
        ("buyer_id", "taobao:shop", "three"),
    ]
    sightings = [Sighting(n, (account, PHONE), NOW) for n, account in enumerate(accounts)]
    found = resolve_sightings(sightings=sightings, source="events", clock=CLOCK)
    record_traits(
        traits=[TraitReport(found[0], NOW, "李雷", "13912345670", {"birthday": "1990-05-17"})],
        source="app",
        clock=CLOCK,
    )
    record_consents(decisions=[ConsentDecision(found[1], "sms", "marketing", True, NOW, "form", "v3")], clock=CLOCK)
    record_acquisitions(reports=[AcquisitionReport(found[1], NOW, "card", "c-618", "summer")], clock=CLOCK)
    return [found[n] for n in range(3)]


def test_the_page_shows_the_whole_customer_masked(admin: Client, persons: list[int]) -> None:
    """Every person's identifiers with where each was first seen, the join in a sentence, consent, milestones."""
    customer = customers_of(persons)[persons[1]]
    other = next(p for p in persons[:2] if p != customer)
    assert admin.get(f"/customers/{other}/").headers["Location"] == f"/customers/{customer}/"
    text = admin.get(f"/customers/{customer}/").content.decode()
    for told in (
        "139****5670",
        "taobao:shop",
        "douyin:shop",
        "李*",
        "1990-05",
        "v3",
        "c-618",
        "summer",
    ):
        assert told in text, told
    assert f"#{min(persons[:2])} and #{max(persons[:2])} share Phone 139****5670 (events, 2024-05-01 10:00)" in text
    assert "13912345670" not in text
    assert "李雷" not in text
    assert "1990-05-17" not in text
    assert admin.get("/customers/999999/").status_code == 404


def test_every_look_at_the_whole_is_logged(admin: Client, persons: list[int]) -> None:
    """Roles that may, one page at a time; others are refused, and nothing whole is shown to them."""
    url = f"/customers/{persons[0]}/whole/"
    text = admin.post(url).content.decode()
    assert "+8613912345670" in text
    assert "李雷" in text
    assert AuditEntry.objects.filter(action="customer.unmasked").count() == 1
    User.objects.create_user("ana", password="a long enough secret", role="analyst")
    analyst = Client()
    analyst.login(username="ana", password="a long enough secret")
    assert analyst.post(url).status_code == 403
    assert analyst.post(f"/customers/{persons[0]}/merges/1/undo/").status_code == 403
    assert analyst.post("/review/decision/", {"decision": "merge"}).status_code == 403
    assert AuditEntry.objects.filter(action="customer.unmasked").count() == 1


def test_a_join_is_undone_with_a_button(admin: Client, persons: list[int]) -> None:
    merge = Merge.objects.get()
    url = f"/customers/{persons[0]}/merges/{merge.pk}/undo/"
    assert "Undone." in admin.post(url, follow=True).content.decode()
    assert len(set(customers_of(persons).values())) == 3
    assert "There is no merge" in admin.post(url, follow=True).content.decode()
    assert AuditEntry.objects.get(action="customer.unmerged").actor == User.objects.get()


def test_a_withdrawal_outlives_the_undoing_of_a_join(admin: Client, persons: list[int]) -> None:
    """Told through the API about one person of a joined customer, shown on both pages after the join was undone."""
    body = {"channel": "*", "purpose": "*", "granted": False, "source": "hotline"}
    for who in persons[:2]:
        page = admin.get(f"/customers/{who}/", follow=True).content.decode()
        assert ("Given" in page, "Withdrawn" in page) == (True, False)
    url = f"/api/v1/customers/{persons[0]}/consents"
    told = admin.post(url, body, content_type="application/json")
    assert told.status_code == 200, told.content
    assert {row["granted"] for row in told.json()["items"]} == {False}, "the grant on the list is shown as withdrawn"
    admin.post(f"/customers/{persons[0]}/merges/{Merge.objects.get().pk}/undo/")
    for who in persons[:2]:
        page = admin.get(f"/customers/{who}/").content.decode()
        assert ("Given" in page, "Withdrawn" in page) == (False, True)
    grant = {**body, "channel": "sms", "purpose": "marketing", "granted": True}
    assert (
        admin.post(f"/api/v1/customers/{persons[1]}/consents", grant, content_type="application/json").status_code
        == 200
    )
    assert "Given" in admin.get(f"/customers/{persons[1]}/").content.decode()
    assert "Given" not in admin.get(f"/customers/{persons[0]}/").content.decode()


@pytest.mark.parametrize("decision", ["merge", "keep"])
def test_a_case_is_decided(admin: Client, persons: list[int], decision: str) -> None:
    """Evidence and both sides are shown masked; either answer closes the case."""
    case = ReviewCase.objects.get()
    text = admin.get("/review/").content.decode()
    assert "Both were seen with Phone 139****5670 (events, 2024-05-01 10:00)." in text
    assert "Each has a value of its own: Buyer account (taobao:shop)." in text
    assert "13912345670" not in text
    answer = {"decision": decision, "person_a": case.person_a_id, "person_b": case.person_b_id, "case": case.pk}
    assert "Nothing to decide" in admin.post("/review/decision/", answer, follow=True).content.decode()
    case.refresh_from_db()
    assert case.resolution == {"merge": "merged", "keep": "kept"}[decision]
    assert case.resolved_by == User.objects.get()
    assert case.person_b_id is not None
    customers = customers_of(persons)
    together = customers[case.person_a_id] == customers[case.person_b_id]
    assert together is (decision == "merge")
    assert Barrier.objects.filter(lifted_at=None).exists() is (decision == "keep")


def test_a_shared_phone_is_taken_note_of(admin: Client, persons: list[int]) -> None:
    """It lists whom it was seen with, and goes once somebody has seen it."""
    more = [(("buyer_id", "taobao:shop", f"more{n}"), PHONE) for n in range(3)]
    sightings = [Sighting(n, identifiers, NOW) for n, identifiers in enumerate(more)]
    resolve_sightings(sightings=sightings, source="events", clock=CLOCK)
    text = admin.get("/review/").content.decode()
    assert "joins nobody any more" in text
    assert "more2" in text
    case = ReviewCase.objects.get(reason="shared")
    admin.post("/review/decision/", {"decision": "seen", "case": case.pk})
    case.refresh_from_db()
    assert case.resolution == "seen"
    assert admin.post("/review/decision/", {"decision": "merge", "person_a": "x"}, follow=True).status_code == 200


def test_the_review_says_when_there_is_nothing(admin: Client) -> None:
    assert "Nothing to decide" in admin.get("/review/").content.decode()


def test_the_page_joins_records_hands_over_and_erases(admin: Client, persons: list[int]) -> None:
    """Each with its entry by who did it; what is refused says why and changes nothing."""
    person, other = persons[0], persons[2]
    told = admin.post(f"/customers/{person}/join/", {"other": "VIP-7"}, follow=True).content.decode()
    assert "no internal number" in told
    sent = {"other": f"#{other}", "note": "same card"}
    assert "Joined." in admin.post(f"/customers/{person}/join/", sent, follow=True).content.decode()
    assert customers_of([other])[other] == customers_of([person])[person]

    decision = {"granted": "yes", "channel": "phone", "purpose": "service", "source": "store"}
    told = admin.post(f"/customers/{person}/consents/", {**decision, "channel": "?"}, follow=True).content.decode()
    assert "Channel: " in told
    assert "Recorded." in admin.post(f"/customers/{person}/consents/", decision, follow=True).content.decode()
    assert may_contact(person, "phone", "service", SystemClock().now())

    file = admin.post(f"/customers/{person}/export/")
    assert "attachment" in file.headers["Content-Disposition"]
    assert "+8613912345670" in file.content.decode()

    customer = customers_of([person])[person]
    told = admin.post(f"/customers/{customer}/erase/", {"confirm": str(customer + 1)}, follow=True).content.decode()
    assert "Nothing was erased" in told
    told = admin.post(f"/customers/{customer}/erase/", {"confirm": f"#{customer}"}, follow=True).content.decode()
    assert "Erased." in told
    assert 'id="do-erase"' not in told
    assert (
        "erased already"
        in admin.post(f"/customers/{customer}/erase/", {"confirm": customer}, follow=True).content.decode()
    )
    assert not Identifier.objects.filter(person_id__in=persons).exists()
    actions = AuditEntry.objects.filter(actor=User.objects.get()).order_by("pk").values_list("action", flat=True)
    assert list(actions) == [
        "customer.merged",
        "customer.consent_recorded",
        "customer.exported",
        "customer.erased",
    ]
    for name in ("join", "consents", "export", "erase"):
        assert (
            admin.post(f"/customers/999999/{name}/", {**decision, "other": "1", "confirm": "999999"}).status_code == 404
        )


@pytest.mark.parametrize(
    ("role", "parts"),
    [("admin", {"join", "consent", "export", "erase"}), ("service", {"join", "consent"}), ("analyst", set())],
)
def test_who_may_not_is_offered_nothing(persons: list[int], role: str, parts: set[str]) -> None:
    client = Client()
    client.force_login(User.objects.create_user("somebody", password="a long enough secret", role=role))
    text = client.get(f"/customers/{persons[0]}/", follow=True).content.decode()
    assert set(re.findall(r'id="do-(\w+)"', text)) == parts
