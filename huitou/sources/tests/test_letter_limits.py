"""Dead letters are bounded: large events are cut, a feed's letters have a limit, settled ones are forgotten."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client as Browser

from huitou.accounts.models import Brand, User
from huitou.core.clock import SystemClock
from huitou.core.doctor import FAIL, OK, WARN
from huitou.core.home import Home
from huitou.sources.checks import check_dead_letters, check_inbox
from huitou.sources.consuming.consumer import drain
from huitou.sources.consuming.letters import forget_letters
from huitou.sources.consuming.loop import keep_up
from huitou.sources.dead_letters import LetterInvalidError, discard_letters, replay_edited, replay_letters
from huitou.sources.feeds.queries import find_feed
from huitou.sources.models import DeadLetter, FeedDay, InboxEvent
from huitou.sources.tests.eventing import NOW, Client, consume, facts, make_client, track

AHEAD = (NOW + timedelta(days=2)).isoformat()
KB = 1024


def order(number: int) -> dict[str, Any]:
    """An order event that the door takes and the consumer refuses."""
    return track(f"o{number}", "Order Completed", properties={"order_id": f"A{number}"})


@pytest.fixture
def brand(transactional_db: None) -> Brand:
    return Brand.objects.create(pk=1, name="Test", zone="Asia/Shanghai", currency="CNY")


@pytest.fixture
def browser(transactional_db: None) -> Browser:
    made = Browser()
    made.force_login(User.objects.create_user("lin", password="long enough", role="operator"))
    return made


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The door counts letters each time."""
    monkeypatch.setattr("huitou.sources.intake.storing._FULL_SECONDS", 0.0)


def test_of_a_large_event_the_beginning_is_kept(client: Client, home: Home) -> None:
    events = [track(f"m{n}", properties={"note": "x" * 100 * KB, "last": n}) for n in range(2)]
    sizes = [len(json.dumps(event)) for event in events]
    assert client.batch(*events).status == 413
    first, second = DeadLetter.objects.order_by("message_id")
    for letter, event, size in zip((first, second), events, sizes, strict=True):
        whole = json.dumps(event).encode()
        assert (bytes(letter.payload), letter.size, letter.is_cut) == (whole[: 32 * KB], size, True)
        assert (letter.name, letter.message_id) == (event["event"], event["messageId"])
        assert bytes(letter.digest) == hashlib.blake2b(b"shop\0" + whole, digest_size=16).digest()
    # The same again is the same letter, though only its end tells it from the other.
    client.batch(events[1])
    assert [letter.count for letter in DeadLetter.objects.order_by("message_id")] == [1, 2]
    assert replay_letters(ids=[first.pk], clock=client.clock).skipped == (first.pk,)
    assert replay_letters(reason="too_large", clock=client.clock).count == 0
    assert not InboxEvent.objects.exists()
    replay_edited(letter_id=first.pk, payload=json.dumps(track("other")).encode(), clock=client.clock)
    first.refresh_from_db()
    assert (first.size, first.is_cut) == (len(bytes(first.payload)), False)
    assert consume(home, client.clock).accepted == 1


def test_a_flood_of_refused_events_is_asked_to_come_later(
    client: Client, home: Home, settings: LazySettings, at_once: None
) -> None:
    """Eight senders at once, good requests among theirs: every 200 is kept whole, every 429 leaves nothing."""
    settings.LETTERS_MAX_OPEN = 100
    senders, rounds, size = 8, 12, 10
    told: Counter[tuple[str, int]] = Counter()
    lock = threading.Lock()

    def flood(sender: int) -> None:
        for turn in range(rounds):
            name = f"{sender}-{turn}"
            bad = [track(f"b{name}-{n}", timestamp=AHEAD) for n in range(size)]
            mixed = client.batch(*bad, track(f"m{name}"))
            good = client.batch(track(f"g{name}"))
            with lock:
                told["mixed", mixed.status] += 1
                told["good", good.status] += 1
            if mixed.status == 429:
                assert (mixed.json["code"], mixed.headers["Retry-After"]) == ("letters_full", "60")

    threads = [threading.Thread(target=flood, args=(n,)) for n in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = told["mixed", 200]
    assert told["good", 200] == senders * rounds
    assert told["mixed", 429] == senders * rounds - taken > 0
    # No further beyond the limit than what was under way when it was reached.
    assert 100 <= DeadLetter.objects.count() == taken * size < 100 + senders * size
    assert InboxEvent.objects.count() == taken + senders * rounds
    assert FeedDay.objects.get().rejected == taken * size
    assert consume(home, client.clock).accepted == taken + senders * rounds
    # Another feed is not concerned; and once there is room, this one is taken again.
    other = make_client(client.clock, source="app")
    assert other.batch(track("x", timestamp=AHEAD)).status == 400
    other.door.close()
    assert client.batch(track("late", timestamp=AHEAD)).status == 429
    discard_letters(source="shop", reason="time_future", clock=client.clock)
    assert client.batch(track("late", timestamp=AHEAD)).status == 400


def test_a_full_feed_is_not_counted_again_at_once(
    client: Client, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LETTERS_MAX_OPEN = 1
    assert client.batch(track("a", timestamp=AHEAD)).status == 400
    assert client.batch(track("b", timestamp=AHEAD)).status == 429
    monkeypatch.setattr("huitou.sources.intake.storing._copy", None)
    monkeypatch.setattr("huitou.sources.intake.sql.LETTERS_FULL", "not SQL")
    assert client.batch(track("c"), track("d", timestamp=AHEAD)).status == 429


def test_what_finds_no_room_is_held_and_follows(
    client: Client, home: Home, brand: Brand, settings: LazySettings
) -> None:
    """Nothing acknowledged is lost; others go on; with room again, the held ones become letters, each once."""
    settings.LETTERS_MAX_OPEN = 10
    bad = [order(n) for n in range(50)]
    assert client.batch(*bad, track("good")).status == 200
    first = consume(home, client.clock)
    assert (first.accepted, first.refused, first.held) == (1, 20, 30)
    assert (DeadLetter.objects.count(), InboxEvent.objects.filter(pk__lt=0).count()) == (20, 30)
    day = FeedDay.objects.get()
    assert (day.received, day.accepted, day.rejected) == (21, 1, 20)
    assert check_inbox(client.clock)[0] == WARN
    assert check_dead_letters(client.clock)[0] == FAIL

    # Held events are in nobody's way, and a drain does not wait for them.
    assert client.batch(track("more")).status == 200
    assert drain(home=home, clock=client.clock, patience_seconds=5) == 0
    assert [fact["name"] for fact in facts(home)] == ["Product Viewed"] * 2
    assert InboxEvent.objects.count() == 30

    seen = {bytes(letter.payload) for letter in DeadLetter.objects.all()}
    while InboxEvent.objects.exists():
        assert discard_letters(reason="order_incomplete", clock=client.clock) == 20
        keep_up(home=home, clock=client.clock)
        consume(home, client.clock)
        assert DeadLetter.objects.filter(state="open").count() <= 20
    assert {json.loads(bytes(letter.payload))["messageId"] for letter in DeadLetter.objects.all()} == {
        event["messageId"] for event in bad
    }
    assert seen < {bytes(letter.payload) for letter in DeadLetter.objects.all()}
    assert DeadLetter.objects.count() == 50
    assert FeedDay.objects.get().rejected == 50


def test_held_events_count_as_waiting_ones(
    client: Client, home: Home, brand: Brand, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a sender whose events are refused late could fill the store; and their old numbers count for nothing."""
    monkeypatch.setattr("huitou.sources.intake.pressure._LOOK_SECONDS", 0.0)
    settings.LETTERS_MAX_OPEN, settings.INBOX_MAX_EVENTS = 1, 20
    client.batch(*(order(n) for n in range(12)))
    assert consume(home, client.clock).held == 10
    for turn in range(3):
        assert client.batch(*(track(f"t{turn}-{n}") for n in range(9))).status == 200
        consume(home, client.clock)
    client.batch(*(track(f"u{n}") for n in range(10)))
    assert client.batch(track("v")).status == 429


def test_settled_letters_are_forgotten_after_their_days(client: Client, home: Home, settings: LazySettings) -> None:
    settings.LETTERS_KEPT_DAYS = 90
    now = SystemClock().now()
    client.clock.instant = now
    ahead = (now + timedelta(days=2)).isoformat()
    client.batch(*(track(f"f{n}", timestamp=ahead) for n in range(5)))
    kept_open, waiting, old, young, thrown = DeadLetter.objects.order_by("pk")
    replay_letters(ids=[waiting.pk], clock=client.clock)
    DeadLetter.objects.filter(pk__in=[old.pk, young.pk]).update(state="replayed")
    DeadLetter.objects.filter(pk=thrown.pk).update(state="discarded")
    DeadLetter.objects.exclude(pk=young.pk).update(last_at=now - timedelta(days=91))
    DeadLetter.objects.filter(pk=young.pk).update(last_at=now - timedelta(days=89))
    # A clock that runs behind forgets later; one that runs ahead forgets nothing that is younger.
    client.clock.instant = now - timedelta(days=30)
    assert forget_letters(clock=client.clock) == 0
    client.clock.instant = now + timedelta(days=3000)
    keep_up(home=home, clock=client.clock)
    assert set(DeadLetter.objects.values_list("pk", flat=True)) == {kept_open.pk, waiting.pk, young.pk}
    client.clock.instant = now
    assert consume(home, client.clock).refused == 1
    assert DeadLetter.objects.get(pk=waiting.pk).state == "open"


def test_discarding_says_which(client: Client) -> None:
    client.batch(track("a", timestamp=AHEAD), track("b", type="shout"))
    with pytest.raises(LetterInvalidError):
        discard_letters(clock=client.clock)
    assert discard_letters(source="nobody", clock=client.clock) == 0
    assert discard_letters(reason="kind_unknown", clock=client.clock) == 1
    assert DeadLetter.objects.get(state="open").reason == "time_future"


def test_a_feed_that_is_nearly_full_is_told(
    client: Client, brand: Brand, settings: LazySettings, browser: Browser
) -> None:
    settings.LETTERS_MAX_OPEN = 10
    client.batch(*(track(f"f{n}", timestamp=AHEAD) for n in range(7)))
    assert "7" in check_dead_letters(client.clock)[1]
    assert "letters_full" not in find_feed("shop", brand=brand, clock=client.clock).attention  # type: ignore[union-attr]
    client.batch(track("f7", timestamp=AHEAD))
    state, detail, mend = check_dead_letters(client.clock)
    assert (state, "shop 8" in detail, "huitou events discard" in mend) == (WARN, True, True)
    feed = find_feed("shop", brand=brand, clock=client.clock)
    assert feed is not None
    assert feed.attention[0] == "letters_full"
    page = browser.get("/data/letters/").content.decode()
    assert "shop：被拒事件已有 8 条待处理，上限 10 条" in page
    feeds = browser.get("/data/feeds/events/shop/").content.decode()
    assert "被拒事件已有 8 条待处理，上限 10 条" in feeds
    told = browser.post("/data/letters/", {"action": "discard_reason", "reason": "time_future", "source": ""})
    assert told.status_code == 302
    assert not DeadLetter.objects.filter(state="open").exists()
    assert check_dead_letters(client.clock)[0] == OK
