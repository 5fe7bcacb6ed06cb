"""The customer lists and the timeline in the console: whole, page by page, and as a file."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime, timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from huitou.accounts.models import AuditEntry, Brand, User
from huitou.accounts.roles import ADMIN, ANALYST
from huitou.analytics.engines import Lake
from huitou.console.channels import channel_label, channel_labels
from huitou.core.home import Home
from huitou.customers.models import Identifier, Person
from huitou.orders.pages import PAGE_SIZE, TIMELINE_SIZE
from huitou.orders.refresh import refresh
from huitou.orders.tests.conftest import Feed
from huitou.orders.tests.test_queries import line

pytestmark = pytest.mark.django_db
MANY = 2 * PAGE_SIZE + 7


def client_of(role: str) -> Client:
    cache.clear()
    client = Client()
    client.force_login(User.objects.create_user(f"{role}-person", password="a long enough secret", role=role))
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def many(home: Home, brand: Brand, feed: Feed) -> datetime:
    """More customers than a page holds, who buy every four days and are due tomorrow; and one who is late."""
    now = brand.now()
    rows = []
    for person in range(1, MANY + 1):
        Person.objects.create(pk=person, display_name="=cmd()", phone="13912345678", created_at=now)
        Identifier.objects.create(person_id=person, kind="customer_id", namespace="", value=f"1390000{person:04}")
        days = (11, 7, 3) if person < MANY else (12, 9, 6)
        rows += [line(f"{person}-{d}", now - timedelta(days=d), person, amount_minor=1000 + person) for d in days]
    feed(rows)
    refresh(home=home, brand=brand, clock=brand.clock)
    return now


def shown(client: Client, address: str) -> tuple[int, list[str]]:
    """How many the page counts, and the numbers of the customers on it."""
    text = client.get(address).content.decode()
    counted = re.search(r"([\d,]+) customers?</p>", text)
    assert counted is not None
    return int(counted[1].replace(",", "")), re.findall(r'href="/customers/(\d+)/"', text)


def test_lost_figures_are_no_zeros(many: datetime, home: Home) -> None:
    """A page that needs them says what to do instead."""
    Lake(home.lake_url).drop("feat_customers")
    client = client_of(ANALYST)
    for address in ("/", "/customers/", "/customers/1/"):
        response = client.get(address)
        assert (response.status_code, "huitou refresh" in response.content.decode()) == (409, True), address


def test_the_due_list_is_whole_over_its_pages(many: datetime) -> None:
    client = client_of(ANALYST)
    seen: list[str] = []
    for page in (1, 2, 3):
        total, people = shown(client, f"/customers/?due=week&page={page}")
        assert total == MANY - 1
        seen += people
    assert len(seen) == len(set(seen)) == MANY - 1
    # The biggest spenders first.
    assert seen[0] == str(MANY - 1)
    assert shown(client, "/customers/?due=late") == (1, [str(MANY)])


def read_file(client: Client, address: str) -> list[list[str]]:
    answer = client.get(address)
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_the_file_holds_the_whole_list_masked_as_the_page(many: datetime) -> None:
    """Without the right to export nobody's number or phone can be read from it, and no cell is a formula."""
    rows = read_file(client_of(ANALYST), "/customers/list.csv?due=week")
    assert len(rows) == MANY
    assert rows[0] == [
        "Customer", "Kind", "Last purchase", "Usual gap (days)", "Due", "Purchases", "Spent (CNY)",
        "Average order (CNY)", "Segments", "Tags",
    ]  # fmt: skip
    text = str(rows)
    assert "13912345678" not in text
    assert not re.search(r"1390000\d{4}", text)
    assert rows[1][2:7] == ["2024-04-06", "4", "2024-04-10", "3", f"{3 * (1000 + MANY - 1) / 100:.2f}"]
    assert not AuditEntry.objects.filter(action="customers.list_exported").exists()


def test_whole_numbers_are_for_those_who_may_export_and_leave_a_trace(many: datetime) -> None:
    rows = read_file(client_of(ADMIN), "/customers/list.csv?due=late")
    assert [row[1:3] for row in rows] == [["Customer number", "Phone"], [f"1390000{MANY:04}", "13912345678"]]
    entry = AuditEntry.objects.get(action="customers.list_exported")
    assert (entry.count, entry.detail) == (1, {"list": "late"})


def test_cells_that_look_like_formulas_are_text(many: datetime) -> None:
    Identifier.objects.all().delete()
    Identifier.objects.create(person_id=MANY, kind="customer_id", namespace="", value="=1+1")
    rows = read_file(client_of(ADMIN), "/customers/list.csv?due=late")
    assert rows[1][1] == "'=1+1"


def test_a_list_that_is_too_long_is_refused_in_a_sentence(many: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huitou.orders.lists.LONGEST", MANY - 2)
    answer = client_of(ANALYST).get("/customers/list.csv?due=week", follow=True)
    assert "Narrow it by a filter" in answer.content.decode()


def test_of_history_the_week_after_its_end_is_due(many: datetime, brand: Brand) -> None:
    """Half a year later nobody is due by the calendar; the list stands as of the start of the last day with orders,
    so that the one who is late today was due in that week.
    """
    brand.clock_now = many + timedelta(days=180)
    brand.save()
    assert shown(client_of(ANALYST), "/customers/?due=week")[0] == MANY


def test_a_long_timeline_goes_on_page_by_page(home: Home, brand: Brand, feed: Feed) -> None:
    now = brand.now()
    count = 2 * TIMELINE_SIZE + 3
    Person.objects.create(pk=1, created_at=now)
    feed([line(f"o{n:03}", now - timedelta(hours=n + 1), 1, channel="live") for n in range(count)])
    refresh(home=home, brand=brand, clock=brand.clock)
    client = client_of(ANALYST)
    text = client.get("/customers/1/").content.decode()
    found: list[str] = []
    for _page in range(3):
        found += re.findall(r"\bo\d{3}\b", text)
        assert "Live room" in text
        following = re.search(r'hx-get="(/customers/1/timeline/\?page=\d)"', text)
        if following is None:
            break
        text = client.get(following[1]).content.decode()
    assert found == [f"o{n:03}" for n in range(count)]


def test_a_search_finds_who_has_not_bought(many: datetime) -> None:
    """Alone, such a customer opens; among others, it is listed below those who bought. The API answers the same."""
    for person, number in ((9001, "1390000x"), (9002, "new-2")):
        Person.objects.create(pk=person, created_at=many)
        Identifier.objects.create(person_id=person, kind="customer_id", namespace="", value=number)
    client = client_of(ANALYST)
    assert client.post("/customers/", {"q": "new-2"})["Location"] == "/customers/9002/"
    assert client.post("/customers/", {"q": "13900000001"})["Location"] == "/customers/1/"
    address = client.post("/customers/", {"q": "1390000"})["Location"]
    total, people = shown(client, address)
    assert (total, people[-1]) == (MANY + 1, "9001")
    assert "Have not bought yet" in client.get(address).content.decode()
    assert "Have not bought yet" not in client.get(f"{address}&vip_layer=true").content.decode()

    def search(text: str) -> list[tuple[int, bool]]:
        asked = {"text": text, "limit": 200}
        answer = client.post("/api/v1/customers/search", asked, content_type="application/json").json()
        return [(found["person_id"], bool(found["features"])) for found in answer["items"]]

    assert search("new-2") == [(9002, False)]
    assert search("1390000")[-1] == (9001, False)
    assert len(search("1390000")) == MANY + 1


def test_who_is_known_is_found_before_anybody_bought(brand: Brand) -> None:
    """A shop that sends events and has no orders yet."""
    for person in (1, 2):
        Person.objects.create(pk=person, display_name="李雷", created_at=brand.now())
    client = client_of(ANALYST)
    assert 'name="q"' in client.get("/customers/").content.decode()
    assert shown(client, client.post("/customers/", {"q": "李雷"})["Location"]) == (2, ["1", "2"])


def test_a_search_without_a_find_says_that_nobody_fits(many: datetime) -> None:
    assert "Nobody fits" in client_of(ANALYST).get("/customers/?people=0").content.decode()


def test_anonymous_sales_make_no_customers_and_the_page_says_so(home: Home, brand: Brand, feed: Feed) -> None:
    feed([line("a", brand.now() - timedelta(days=1), None)])
    refresh(home=home, brand=brand, clock=brand.clock)
    text = client_of(ANALYST).get("/customers/").content.decode()
    assert "There are no customers yet" in text
    assert "Nobody fits" not in text


def test_channels_have_names_and_two_never_share_one() -> None:
    assert [channel_label(code) for code in ("live", "mini_program", "我的渠道")] == ["直播间", "小程序", "我的渠道"]
    labels = channel_labels(["community", "group", "live"])
    assert len(set(labels.values())) == 3
