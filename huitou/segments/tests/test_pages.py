"""Pages of segments, tags and strategies: what an operator does, and every refusal beside its field."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest
from django.test import Client

from huitou.accounts.models import User
from huitou.accounts.roles import ADMIN, SERVICE
from huitou.core.clock import FixedClock
from huitou.customers.models import Person
from huitou.orders.tests.conftest import Feed
from huitou.segments.models import Segment, SegmentVersion, TagRule
from huitou.segments.queries import in_words, list_strategies, strategy_of, tags_of
from huitou.segments.services import (
    archive_segment,
    create_segment,
    create_tag,
    give_tags,
    install_layers,
    set_strategy,
    set_tag_rule,
)
from huitou.segments.strategies import StrategyRefusedError
from huitou.segments.tests.conftest import NOW, Refresh, buy, order, people

pytestmark = pytest.mark.django_db(transaction=True)
CLOCK = FixedClock(NOW)
TWICE = {"all": [{"feature": "order_count", "is": ">=", "value": 2}]}
LEAF = {"g-0": "all", "w-0-0": "feature:order_count", "is-0-0": ">=", "value-0-0": "2"}


def client(role: str = ADMIN) -> Client:
    user = User.objects.create_user(role, password="x", role=role, is_superuser=role == ADMIN)
    found = Client()
    found.force_login(user)
    return found


def test_a_segment_from_menus_to_its_page(feed: Feed, refreshed: Refresh) -> None:
    one, two = people(2)
    buy(feed, [order(one, NOW - timedelta(d)) for d in (9, 3)] + [order(two, NOW - timedelta(1))])
    refreshed()
    browser = client()
    assert 'id="tree-0"' in browser.get("/segments/new/").content.decode()
    page = browser.post("/segments/preview/", LEAF).content.decode()
    assert ">1</p>" in page.replace("\n", "")
    assert f"/customers/{one}/" in browser.post("/segments/preview/", LEAF | {"people": "1"}).content.decode()
    answer = browser.post("/segments/new/", LEAF | {"title": "买过两次"})
    segment = Segment.objects.get()
    assert answer.headers["Location"] == f"/segments/saved/{quote(segment.name)}/"
    assert segment.versions.get().definition == TWICE
    refreshed()
    for address in ("/segments/", f"/segments/saved/{segment.name}/", f"/segments/saved/{segment.name}/edit/"):
        assert "买过两次" in browser.get(address).content.decode(), address
    changed = LEAF | {"title": "买过三次", "value-0-0": "3", "version": "1"}
    assert browser.post(f"/segments/saved/{segment.name}/edit/", changed).status_code == 302
    late = browser.post(f"/segments/saved/{segment.name}/edit/", changed | {"value-0-0": "4"})
    assert late.status_code == 422, "somebody has changed it meanwhile"
    assert SegmentVersion.objects.count() == 2
    browser.post(f"/segments/saved/{segment.name}/archive/")
    assert "买过三次" in browser.get("/segments/?archived=1").content.decode()
    browser.post(f"/segments/saved/{segment.name}/archive/", {"restore": "1"})
    way = f"/plays/segment_message/?{urlencode({'segment': segment.name})}"
    assert f'href="{way}"' in browser.get(f"/segments/saved/{segment.name}/").content.decode()
    assert f'<option value="{segment.name}" selected>' in browser.get(way).content.decode()
    file = browser.get(f"/segments/saved/{segment.name}/members/")
    assert b"person_id" in b"".join(file.streaming_content)  # type: ignore[attr-defined]


def test_a_segment_names_who_uses_it_with_links_and_stays(refreshed: Refresh) -> None:
    """Another segment and a tag's rule would be left with a condition that nobody meets."""
    create_segment(name="twice", title="Twice", definition=TWICE, clock=CLOCK)
    create_segment(name="idle", title="Idle", definition={"not": {"segment": "twice"}}, clock=CLOCK)
    create_tag(name="vip", clock=CLOCK)
    set_tag_rule(tag="vip", definition={"segment": "twice"}, clock=CLOCK)
    browser = client()
    page = browser.get("/segments/saved/twice/").content.decode()
    assert '<a href="/tags/">#vip</a>, <a href="/segments/saved/idle/">Idle</a>' in page
    answer = browser.post("/segments/saved/twice/archive/", {"although_used": "yes"}, follow=True).content.decode()
    assert "#vip, Idle" in answer
    assert Segment.objects.get(name="twice").archived_at is None


def test_events_in_a_sentence_have_the_names_of_the_tracking_plan(refreshed: Refresh) -> None:
    seen = {"event": "Product Viewed", "done": {"at_least": 3}}
    assert "“浏览商品”" in in_words(seen, "zh-hans")
    assert "“Of our own”" in in_words({"event": "Of our own"}, "zh-hans")


def test_what_is_wrong_stands_beside_its_field(refreshed: Refresh) -> None:
    people(1)
    refreshed()
    browser = client()
    wrong = LEAF | {"value-0-0": "many", "title": "x"}
    answer = browser.post("/segments/new/", wrong)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "many" in text.split('id="e-0-0"')[1][:300]
    assert not Segment.objects.exists()
    preview = browser.post("/segments/preview/", wrong).content.decode()
    assert 'id="e-0-0"' in preview
    assert 'id="size"' not in preview
    assert browser.post("/segments/new/", LEAF | {"title": "x", "pasted": "{"}).status_code == 422
    assert browser.post("/segments/new/", {"g-0": "all", "g-0-0": "any", "title": "x"}).status_code == 422


def test_buttons_change_the_tree(refreshed: Refresh) -> None:
    browser = client()

    def pressed(act: str, data: dict[str, str]) -> str:
        return browser.post("/segments/builder/", data | {"act": act}).content.decode()

    text = pressed("add:0", LEAF)
    assert 'name="w-0-1"' in text
    assert 'name="g-0-1"' in pressed("group:0", LEAF)
    assert 'name="w-0-0"' not in pressed("remove:0-0", LEAF)
    # Another question brings its own controls.
    text = pressed("", LEAF | {"w-0-0": "feature:lifecycle_stage"})
    assert 'value="declining"' in text


def test_tags_and_the_customer_page(feed: Feed, refreshed: Refresh) -> None:
    one, two = people(2)
    buy(feed, [order(one, NOW - timedelta(1))])
    create_segment(
        name="buyers", title="买家", definition={"feature": "order_count", "is": ">=", "value": 1}, clock=CLOCK
    )
    refreshed()
    browser = client()
    browser.post("/tags/", {"act": "create", "name": "高潜", "group": "意向"})
    browser.post("/tags/", {"act": "give", "tag": "高潜", "segment": "buyers"})
    browser.post("/tags/", {"act": "give", "tag": "高潜", "people": f"#{two}\nnobody"})
    assert [t.tag for t in tags_of([one], NOW)[one]] == ["高潜"]
    assert "高潜" in browser.get("/tags/").content.decode()
    assert browser.post("/tags/高潜/rule/", LEAF).status_code == 302
    assert TagRule.objects.get().definition == TWICE
    text = browser.get(f"/customers/{one}/").content.decode()
    assert "高潜" in text
    assert "买家" in text
    browser.post(f"/customers/{one}/tags/", {"tag": "高潜", "take": "1"})
    assert tags_of([one], NOW)[one] == []
    browser.post(f"/customers/{one}/tags/", {"tag": "高潜", "until": "2024-04-30"})
    assert tags_of([one], NOW)[one][0].expires_at is not None
    browser.post("/tags/", {"act": "stop", "tag": "高潜"})
    browser.post("/tags/", {"act": "archive", "tag": "高潜"})
    assert browser.get("/tags/").status_code == 200


def test_the_list_of_customers_as_a_file_has_their_segments_and_tags(feed: Feed, refreshed: Refresh) -> None:
    """Masked for those who may not export; a title that begins a formula is text."""
    one, two = people(2)
    buy(feed, [order(person, NOW - timedelta(1)) for person in (one, two)])
    Person.objects.filter(pk=one).update(display_name="王小明", phone="+8613912345678")
    create_segment(
        name="buyers", title="=买家", definition={"feature": "order_count", "is": ">=", "value": 1}, clock=CLOCK
    )
    for tag in ("高潜", "会员"):
        create_tag(name=tag, clock=CLOCK)
        give_tags(customer_ids=[one], tag=tag, clock=CLOCK)
    refreshed()
    found: dict[str, list[list[str]]] = {}
    for role in (ADMIN, SERVICE):
        text = client(role).get("/customers/list.csv").content.decode("utf-8-sig")
        found[role] = list(csv.reader(io.StringIO(text)))
    head, *rows = found[ADMIN]
    assert head[-2:] == ["分群", "标签"]
    assert {tuple(row[-2:]) for row in rows} == {("'=买家", "会员; 高潜"), ("'=买家", "")}
    assert any("13912345678" in row[2] for row in rows)
    assert "13912345678" not in str(found[SERVICE])
    assert {tuple(row[-2:]) for row in found[SERVICE][1:]} == {tuple(row[-2:]) for row in rows}


def test_strategies_go_by_priority(feed: Feed, refreshed: Refresh) -> None:
    one, two, three = people(3)
    buy(feed, [order(one, NOW - timedelta(d)) for d in (1, 2)] + [order(two, NOW - timedelta(1))])
    create_segment(name="all_buyers", definition={"feature": "order_count", "is": ">=", "value": 1}, clock=CLOCK)
    create_segment(name="twice", definition=TWICE, clock=CLOCK)
    refreshed()
    browser = client()
    browser.post("/strategies/", {"segment": "all_buyers", "offers": "包邮"})
    browser.post(
        "/strategies/", {"segment": "twice", "offers": "新品试用", "service_level": "专属顾问", "priority": "1"}
    )
    assert [s.segment.name for s in list_strategies()] == ["twice", "all_buyers"]
    found = strategy_of([one, two, three])
    assert [s and s.offers for s in (found[one], found[two], found[three])] == ["新品试用", "包邮", None]
    set_strategy(segment="all_buyers", offers="包邮", priority=1, clock=CLOCK)
    again = strategy_of([one])[one]
    assert again is not None
    assert again.segment == "all_buyers"
    assert "专属顾问" in browser.get("/strategies/").content.decode()
    browser.post("/strategies/", {"segment": "all_buyers", "remove": "1"})
    assert [(s.segment.name, s.priority) for s in list_strategies()] == [("twice", 1)]


def test_strategies_of_the_archive_take_no_place_from_others(refreshed: Refresh) -> None:
    """What nobody sees stands behind what is numbered on the page, whatever its place was."""
    for name in ("old", "first", "second"):
        create_segment(name=name, definition=TWICE, clock=CLOCK)
        set_strategy(segment=name, offers=name, clock=CLOCK)
    archive_segment(name="old", clock=CLOCK)
    set_strategy(segment="second", offers="second", priority=1, clock=CLOCK)
    assert [(s.segment.name, s.priority) for s in list_strategies()] == [("second", 1), ("first", 2)]
    create_segment(name="third", definition=TWICE, clock=CLOCK)
    set_strategy(segment="third", offers="third", clock=CLOCK)
    assert [(s.segment.name, s.priority) for s in list_strategies()][-1] == ("third", 3)
    with pytest.raises(StrategyRefusedError):
        set_strategy(segment="old", offers="again", clock=CLOCK)


def test_who_may_only_look_sees_no_forms(refreshed: Refresh) -> None:
    person = Person.objects.create(created_at=NOW).pk
    create_tag(name="vip", clock=CLOCK)
    give_tags(customer_ids=[person], tag="vip", clock=CLOCK)
    install_layers(clock=CLOCK)
    browser = client(SERVICE)
    for address in ("/segments/", "/tags/", "/strategies/", "/segments/saved/vip/", f"/customers/{person}/"):
        answer = browser.get(address)
        assert answer.status_code == 200, address
    assert browser.get("/segments/new/").status_code == 403
    assert browser.post("/tags/", {"act": "create", "name": "x"}).status_code == 403
