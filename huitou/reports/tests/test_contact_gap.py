"""Buyers out of contact: the list is the figure's numerator by a plain account, and becomes a segment and a file."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from typer.testing import CliRunner

from config.cli import build
from huitou.accounts.keys import create_key
from huitou.accounts.models import AuditEntry, Brand, User
from huitou.accounts.roles import ADMIN, SERVICE
from huitou.analytics.metrics.tests.history import History
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.reports.contact_gap import contact_gap, read_month, silent_ids, silent_page
from huitou.reports.questions import QuestionError
from huitou.reports.services import make_gap_segment
from huitou.reports.tests.store import ZONE, before, fill, random_history, shop_time
from huitou.segments.queries import tags_of

pytestmark = pytest.mark.django_db(transaction=True)
NOW = shop_time("2020-11-01 00:00")
MONTHS = [date(2020, month, 1) for month in (7, 8, 9, 10)]


def day_of(at: datetime) -> date:
    return at.astimezone(ZoneInfo(ZONE)).date()


def silent_by_hand(history: History, month: date) -> dict[int, date]:
    """Each buyer of the month with the first day, and nothing known on the 30 days after it, all of them over."""
    bought: dict[int, date] = {}
    for order in history.orders:
        day = day_of(order.at)
        if order.person is not None and order.counts and (day.year, day.month) == (month.year, month.month):
            bought[order.person] = min(day, bought.get(order.person, day))
    done = {(person, day_of(at)) for person, at in history.interactions}
    over = day_of(NOW) - timedelta(days=30)
    return {
        person: day
        for person, day in bought.items()
        if day < over and not any((person, day + timedelta(days=n)) in done for n in range(1, 31))
    }


def test_the_list_is_who_the_figure_counts(home: Home, tmp_path: Path) -> None:
    brand = Brand.objects.create(pk=1, name="Test", zone=ZONE, clock_now=NOW)
    history = before(random_history(11, orders=500), NOW)
    fill(home, brand, history)
    for month in MONTHS:
        wanted = silent_by_hand(history, month)
        found, total = silent_page(month, limit=100)
        assert {one.person_id: one.bought_on for one in found} == wanted, month
        assert silent_ids(month) == sorted(wanted)
        gap = contact_gap(month)
        assert gap.row is not None
        if month < MONTHS[-2]:
            assert (total, gap.row.complete) == (gap.row.numerator, True), month
    assert silent_page(MONTHS[0], after=found[0].person_id if found else 0, limit=1)[0][:1] != found[:1]
    assert read_month("", brand) == date(2020, 9, 1), "October's thirty days are not over"
    with pytest.raises(QuestionError):
        read_month("2020-13", brand)
    _pages(brand, MONTHS[0], silent_ids(MONTHS[0]))
    _segment_and_file(tmp_path, MONTHS[1], silent_ids(MONTHS[1]))
    _operations(brand, MONTHS[2], silent_ids(MONTHS[2]))


def _pages(brand: Brand, month: date, people: list[int]) -> None:
    name = f"contact_gap_{month:%Y_%m}"
    browser = Client()
    browser.force_login(User.objects.create_user("boss", password="x", role=ADMIN, is_superuser=True))
    address = f"/contact-gap/?month={month:%Y-%m}"
    page = browser.get(address).content.decode()
    assert all(f"/customers/{person}/" in page for person in people)
    assert browser.post(address).headers["Location"] == f"/segments/saved/{name}/"
    assert f"/plays/segment_message/?segment={name}" in browser.get(address).content.decode()
    assert [len(tags) for tags in tags_of(people, NOW).values()] == [1] * len(people)
    again = make_gap_segment(month=month, clock=brand.clock)
    assert (again.customers, again.added) == (len(people), 0)
    file = b"".join(browser.get(f"/contact-gap/buyers.csv?month={month:%Y-%m}").streaming_content)  # type: ignore[attr-defined]
    assert [int(line.split(b",")[0]) for line in file.splitlines()[1:]] == people
    assert AuditEntry.objects.filter(action="contact_gap.exported").count() == 1
    assert browser.get("/contact-gap/?month=never").status_code == 400
    other = Client()
    other.force_login(User.objects.create_user("service", password="x", role=SERVICE))
    assert other.post(address).status_code == 403
    assert other.get("/contact-gap/buyers.csv").status_code == 403


def _segment_and_file(tmp_path: Path, month: date, people: list[int]) -> None:
    out = tmp_path / "gap.csv"
    asked = ["metrics", "gap", "--month", f"{month:%Y-%m}", "--segment", "--out", str(out), "--json"]
    told = CliRunner().invoke(build(), asked, catch_exceptions=False)
    found = json.loads(told.stdout)
    assert (found["segment"], found["rows"], found["added"]) == (f"contact_gap_{month:%Y_%m}", len(people), len(people))
    assert found["silent"] >= len(people)
    assert found["target"] == 0.68
    assert len(out.read_text().splitlines()) == len(people) + 1
    assert make_gap_segment(month=month, clock=FixedClock(NOW)).added == 0


def _operations(brand: Brand, month: date, people: list[int]) -> None:
    """Pages of the list by cursor hold everybody once, and one call makes the segment."""
    scopes = ["metrics.view", "segments.write"]
    key = create_key(name="till", kind="api", scopes=scopes, clock=brand.clock).secret
    browser = Client(headers={"Authorization": f"Bearer {key}"})
    seen: list[int] = []
    address: str | None = f"/api/v1/contact-gap?month={month:%Y-%m}&limit=1"
    while address and len(seen) <= len(people):
        told = browser.get(address).json()
        seen += [one["person_id"] for one in told["items"]]
        address = told["next"]
    assert (seen, told["total"]) == (people, len(people))
    gap = contact_gap(month).row
    assert gap is not None
    assert (told["silent"], told["buyers"], told["final"]) == (gap.numerator, gap.denominator, gap.complete)
    made = browser.post(f"/api/v1/contact-gap/{month:%Y-%m}/segment", headers={"Idempotency-Key": "once"})
    assert made.json() == {
        "segment": f"contact_gap_{month:%Y_%m}",
        "customers": len(people),
        "added": len(people),
    }
    assert browser.get("/api/v1/contact-gap?month=2020-13").status_code == 400
