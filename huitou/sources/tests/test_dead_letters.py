"""Dead letters mended and replayed: each once, whatever is asked twice, and open again if it fails again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from config.cli import build
from huitou.accounts.models import AuditEntry
from huitou.core.home import Home
from huitou.customers.models import Identifier
from huitou.sources import dead_letters
from huitou.sources.dead_letters import (
    LetterInvalidError,
    LetterUnknownError,
    discard_letters,
    replay_edited,
    replay_letters,
)
from huitou.sources.masking import MarkUnknownError, masked_payload
from huitou.sources.models import DeadLetter, InboxEvent
from huitou.sources.tailing import Tail
from huitou.sources.tests.eventing import NOW, Client, consume, facts, make_client, track

AHEAD = (NOW + timedelta(days=2)).isoformat()


def refused(client: Client, **more: Any) -> DeadLetter:
    client.batch(track(**more))
    return DeadLetter.objects.latest("pk")


def test_a_letter_is_replayed_once(client: Client, home: Home) -> None:
    letter = refused(client, timestamp=AHEAD)
    for _ in range(2):
        done = replay_letters(ids=[letter.pk], clock=client.clock, at_receipt=True)
    assert (done.count, done.skipped) == (0, (letter.pk,))
    assert consume(home, client.clock).accepted == 1
    # The sender repeats the message, and the letter is opened by hand: it still counts once.
    client.batch(track())
    DeadLetter.objects.update(state="open")
    replay_letters(reason="time_future", clock=client.clock, at_receipt=True)
    assert consume(home, client.clock).repeated == 2
    (fact,) = facts(home)
    assert fact["occurred_at"] == NOW
    assert AuditEntry.objects.filter(action="event.replayed").count() == 2


def test_a_letter_without_an_id_counts_once_however_often_it_comes(client: Client, home: Home) -> None:
    letter = refused(client, message_id=None, timestamp=None, properties="x")
    for payload in (track(None, timestamp=None), track(None, timestamp=None, event="Other")):
        DeadLetter.objects.filter(pk=letter.pk).update(state="open")
        replay_edited(letter_id=letter.pk, payload=json.dumps(payload).encode(), clock=client.clock)
        consume(home, client.clock)
    assert [fact["name"] for fact in facts(home)] == ["Product Viewed"]


def test_what_fails_again_is_open_again(client: Client, home: Home) -> None:
    letter = refused(client, timestamp=AHEAD)
    for attempt in (1, 2):
        assert replay_letters(ids=[letter.pk], clock=client.clock).count == 1
        assert DeadLetter.objects.get().state == "replayed"
        assert consume(home, client.clock).refused == 1
        again = DeadLetter.objects.get()
        assert (again.pk, again.state, again.reason, again.attempts) == (letter.pk, "open", "time_future", attempt)
    assert facts(home) == []


def test_an_edited_letter_keeps_the_id_it_had(client: Client, home: Home) -> None:
    letter = refused(client, timestamp="yesterday")
    mended = json.dumps({**track("another id"), "event": "Product Shared"}).encode()
    replay_edited(letter_id=letter.pk, payload=mended, clock=client.clock)
    client.batch(track())
    assert (consume(home, client.clock).accepted, len(facts(home))) == (1, 1)
    assert facts(home)[0]["name"] == "Product Shared"
    told = AuditEntry.objects.get(action="event.edited").detail
    assert set(told) == {"before", "after"}
    assert "yesterday" not in json.dumps(told)


@pytest.mark.parametrize("payload", [b"", b"[]", b'{"userId":{}}', b"x" * 40_000])
def test_an_edit_has_to_be_an_event(client: Client, payload: bytes) -> None:
    letter = refused(client, timestamp="yesterday")
    with pytest.raises(LetterInvalidError):
        replay_edited(letter_id=letter.pk, payload=payload, clock=client.clock)
    assert DeadLetter.objects.get().state == "open"
    assert not InboxEvent.objects.exists()


def test_an_edit_through_any_door_keeps_what_is_hidden(client: Client, home: Home) -> None:
    """As the page and the API do: marks stand for what they hide, and one that hides nothing is refused."""
    letter = refused(client, event="Call 13912345678", user_id="c1")
    assert letter.reason == "name_personal"
    mended = {"type": "track", "event": "Called", "userId": "[hidden 9]"}
    with pytest.raises(MarkUnknownError):
        replay_edited(letter_id=letter.pk, payload=json.dumps(mended).encode(), clock=client.clock)
    assert (DeadLetter.objects.get().state, InboxEvent.objects.exists()) == ("open", False)
    shown = masked_payload(bytes(letter.payload)) or ""
    event = next(line for line in shown.splitlines() if '"event"' in line)
    replay_edited(letter_id=letter.pk, payload=shown.replace(event, '"event": "Called",').encode(), clock=client.clock)
    assert (consume(home, client.clock).accepted, facts(home)[0]["name"]) == (1, "Called")
    assert not Identifier.objects.filter(value__contains="hidden").exists()


def test_the_audit_log_says_which_letters_were_discarded(client: Client) -> None:
    ids = [refused(client, timestamp=f"yesterday {n}").pk for n in range(4)]
    discard_letters(ids=[ids[0], ids[1], ids[3]], clock=client.clock)
    entry = AuditEntry.objects.get(action="event.discarded")
    assert entry.detail["letters"] == [f"{ids[0]}-{ids[1]}", str(ids[3])]


def test_unknown_and_closed_letters_are_told(client: Client) -> None:
    letter = refused(client, timestamp="yesterday")
    with pytest.raises(LetterUnknownError, match="999999"):
        replay_letters(ids=[letter.pk, 999999], clock=client.clock)
    assert discard_letters(ids=[letter.pk], clock=client.clock) == 1
    assert discard_letters(ids=[letter.pk], clock=client.clock) == 0
    with pytest.raises(LetterUnknownError):
        replay_edited(letter_id=letter.pk, payload=b"{}", clock=client.clock)
    assert replay_letters(ids=[letter.pk], clock=client.clock).skipped == (letter.pk,)


def test_many_letters_go_by_reason_and_feed(client: Client, home: Home) -> None:
    client.batch(*(track(f"f{n}", timestamp=AHEAD) for n in range(30)), track("b", type="shout"))
    assert replay_letters(reason="time_future", source="other", clock=client.clock).count == 0
    assert replay_letters(reason="time_future", source="shop", clock=client.clock, at_receipt=True).count == 30
    consume(home, client.clock)
    assert len(facts(home)) == 30
    assert DeadLetter.objects.get(state="open").reason == "kind_unknown"


def test_letters_that_come_back_at_once_do_not_keep_a_replay_going(
    client: Client, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "_BLOCK", 2)
    client.batch(*(track(f"f{n}", timestamp=AHEAD) for n in range(5)))
    put_back, rounds = dead_letters._put_back, []

    def and_a_quick_consumer(letters: Any, **arguments: Any) -> None:
        put_back(letters, **arguments)
        rounds.append(len(letters))
        assert len(rounds) < 10
        # Refused once more, and open again under its number, before the next block is read.
        DeadLetter.objects.filter(pk__in=[letter.pk for letter in letters]).update(state="open")

    monkeypatch.setattr(dead_letters, "_put_back", and_a_quick_consumer)
    assert replay_letters(reason="time_future", clock=client.clock).count == 5
    assert rounds == [2, 2, 1]


def test_the_command_line_lists_replays_and_shows_what_arrives(client: Client, home: Home) -> None:
    run, app = CliRunner(), build()
    client.batch(track("good", properties={"product_id": "S1"}))
    client.batch(track("late", timestamp=AHEAD), track("bad", type="shout"))
    client.batch(
        track("named", type="call 13912345678"), track("x", event="Call 13912345678", properties={"a": "张三"})
    )
    listed = json.loads(run.invoke(app, ["events", "letters", "--json"]).stdout)
    assert listed["total"] == 4
    everything = "".join(
        run.invoke(app, ["events", *command]).stdout
        for command in (["letters", "--json"], ["letters"], ["tail", "--json"], ["tail"])
    )
    assert [secret for secret in ("13912345678", "张三", '"u1"') if secret in everything] == []
    assert "time_future" in everything
    discard_letters(
        ids=[row["id"] for row in listed["letters"] if row["message_id"] in ("named", "x")], clock=client.clock
    )
    told = run.invoke(app, ["events", "replay", "--reason", "time_future", "--at-receipt", "--json"])
    assert json.loads(told.stdout) == {"replayed": 1, "skipped": []}
    waiting = run.invoke(app, ["events", "tail", "--json"]).stdout.splitlines()
    assert sorted(json.loads(line)["state"] for line in waiting) == ["refused", "waiting", "waiting"]
    consume(home, client.clock)
    lines = [json.loads(line) for line in run.invoke(app, ["events", "tail", "--json"]).stdout.splitlines()]
    assert sorted(line["state"] for line in lines) == ["refused", "taken", "taken"]
    assert any(line.get("object_id") == "S1" for line in lines)
    assert run.invoke(app, ["events", "tail", "--source", "nowhere", "--json"]).stdout == ""
    refusal = run.invoke(app, ["events", "replay"])
    assert isinstance(refusal.exception, LetterInvalidError)


def test_tail_shows_what_arrived_last(client: Client, home: Home) -> None:
    """Of one request by the events' own times; a letter that was tried again after all else stands last."""
    letter = refused(client, timestamp=AHEAD)
    client.clock.instant += timedelta(hours=1)
    shuffled = [track(f"t{n}", f"Step {n}", timestamp=(NOW + timedelta(minutes=n)).isoformat()) for n in (4, 1, 5, 2)]
    client.batch(*shuffled, track("bad", event="Odd", type="shout"))
    consume(home, client.clock)
    tail = Tail(home, source="shop")
    assert [line.name for line in tail.latest(3)] == ["Step 4", "Step 5", "Odd"]
    client.clock.instant += timedelta(hours=1)
    replay_letters(ids=[letter.pk], clock=client.clock)
    consume(home, client.clock)
    make_client(client.clock, source="other").batch(*(track(f"o{n}", "Other") for n in range(3)))
    assert [line.letter_id for line in tail.latest(1)] == [letter.pk]
