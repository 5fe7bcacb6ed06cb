"""The door: what it takes, what it refuses and how it says so, and that 200 means stored."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest

from huitou.accounts.keys import create_key, revoke_key
from huitou.core.clock import SystemClock
from huitou.sources.intake.messages import MAX_EVENT_BYTES, MAX_REQUEST_BYTES
from huitou.sources.masking import masked_payload
from huitou.sources.models import DeadLetter, InboxEvent
from huitou.sources.tests.eventing import NOW, Client, make_client, track


def stored() -> list[dict[str, Any]]:
    return [json.loads(bytes(row.payload)) for row in InboxEvent.objects.order_by("pk")]


def test_a_batch_is_stored_as_it_was_sent(client: Client) -> None:
    events = [track(f"m{n}", properties={"名": "护肤"}) for n in range(3)]
    answer = client.batch(*events, sentAt=NOW.isoformat())
    assert (answer.status, answer.json) == (200, {"success": True})
    assert stored() == events
    row = InboxEvent.objects.earliest("pk")
    assert (row.received_at, row.sent_at, row.message_id, row.shared) == (NOW, NOW, None, None)
    assert bytes(row.payload) == json.dumps(events[0]).encode()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        *((f"/v1/{kind}", kind) for kind in ("track", "identify", "page", "screen", "alias", "group")),
        *(("/v1/t", "track"), ("/v1/i", "identify"), ("/v1/p", "page"), ("/v1/a", "alias"), ("/v1/g", "group")),
        *(("/v1/s", "screen"), ("/v1/track/", "track")),
    ],
)
def test_every_call_has_its_endpoint(client: Client, path: str, kind: str) -> None:
    told = {"messageId": "m", "userId": "u", "event": "E", "previousId": "p", "groupId": "g"}
    assert client.post(path, told).status == 200
    assert stored() == [{**told, "type": kind}]


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/batch/", "/v1/b", "/v1/import"])
@pytest.mark.parametrize("packed", [False, True])
def test_batches_come_packed_or_not(client: Client, path: str, packed: bool) -> None:
    assert client.post(path, {"batch": [track()]}, packed=packed).status == 200
    assert len(stored()) == 1


@pytest.mark.parametrize(
    "way",
    [
        {"body": {"batch": [track()], "writeKey": "§"}},
        {"HTTP_X_WRITE_KEY": "§"},
        {"QUERY_STRING": "writeKey=§"},
        {"body": {"batch": [track()], "writeKey": "§"}, "HTTP_AUTHORIZATION": "Bearer something-else"},
    ],
)
def test_the_key_may_come_in_several_ways(client: Client, way: dict[str, Any]) -> None:
    told = json.loads(json.dumps(way).replace("\\u00a7", client.secret))
    body = told.pop("body", {"batch": [track()]})
    assert client.post("/v1/batch", body, key=None, **told).status == 200


def test_a_browsers_key_is_not_kept_with_its_event(client: Client) -> None:
    assert client.post("/v1/t", {**track(), "writeKey": client.secret}, key=None).status == 200
    assert client.secret.encode() not in bytes(InboxEvent.objects.get().payload)


def test_without_a_valid_key_nothing_is_taken(client: Client) -> None:
    api = create_key(name="api", kind="api", scopes=["data.view"], clock=SystemClock()).secret
    for key in (None, "hw_wrong", api, ":"):
        answer = client.post("/v1/batch", {"batch": [track()]}, key=key)
        assert answer.status == 401, key
        assert answer.json["code"] == "key_invalid"
        assert "Basic" in answer.headers["WWW-Authenticate"]
    broken = client.post("/v1/batch", {"batch": []}, key=None, HTTP_AUTHORIZATION="Basic %%%")
    assert (broken.status, broken.json["code"]) == (401, "authorization_malformed")
    assert not stored()


@pytest.mark.parametrize("wrong", ["hw_\x00" + "a" * 32, "x" * 100_000, "hw_" + "键" * 30, "hw_short"])
def test_what_cannot_be_a_key_is_neither_looked_up_nor_kept(
    client: Client, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    looked: list[str] = []
    monkeypatch.setattr("huitou.sources.intake.keys.find_key", looked.append)
    assert client.post("/v1/batch", {"batch": [track()], "writeKey": wrong}, key=None).status == 401
    assert looked == []


def test_wrong_keys_do_not_pile_up_nor_push_out_the_right_one(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huitou.sources.intake.keys._MOST_WRONG", 5)
    assert client.batch(track("a")).status == 200
    for number in range(20):
        assert client.post("/v1/batch", {"batch": []}, key=f"hw_wrong_but_fitting_{number}").status == 401
    assert len(client.door._keys._wrong) <= 5
    monkeypatch.setattr("huitou.sources.intake.keys.find_key", lambda secret: None)
    assert client.batch(track("b")).status == 200


def test_a_revoked_key_opens_for_seconds_only(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    client, ticks = make_client(cached_seconds=3.0), [100.0]
    monkeypatch.setattr("huitou.sources.intake.keys.time.monotonic", lambda: ticks[0])
    try:
        assert client.batch(track("a")).status == 200
        revoke_key(prefix=client.secret, clock=SystemClock())
        ticks[0] += 2.9
        assert client.batch(track("b")).status == 200
        ticks[0] += 0.2
        assert client.batch(track("c")).status == 401
    finally:
        client.door.close()


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (track(type="shout"), "kind_unknown"),
        (track(type=None), "kind_unknown"),
        (track(event=None), "name_missing"),
        (track(event="x" * 201), "name_missing"),
        (track(event="Called 13912345678"), "name_personal"),
        (track(userId=None), "identity_missing"),
        (track(userId="", anonymousId=""), "identity_missing"),
        ({"type": "alias", "userId": "u"}, "identity_missing"),
        ({"type": "group", "userId": "u"}, "identity_missing"),
        (track(userId="u" * 201), "id_invalid"),
        (track(message_id="a\x00b"), "id_invalid"),
        (track(timestamp="yesterday"), "time_malformed"),
        (track(timestamp="2026-02-30T00:00:00Z"), "time_malformed"),
        (track(timestamp="1969-12-31T23:59:59Z"), "time_past"),
        (track(timestamp=(NOW + timedelta(hours=24, seconds=1)).isoformat()), "time_future"),
        (track(properties="none"), "malformed"),
        (track(userId={"id": 1}), "malformed"),
        (track(timestamp=1773129600000), "malformed"),
        (track(properties={"text": "x" * MAX_EVENT_BYTES}), "too_large"),
    ],
)
def test_a_bad_event_becomes_a_dead_letter_and_the_others_are_taken(
    client: Client, event: dict[str, Any], reason: str
) -> None:
    answer = client.batch(track("good"), event, track("too"))
    assert answer.status == 200
    assert [told["code"] for told in answer.json["rejected"]] == [reason]
    assert (answer.json["accepted"], answer.json["rejected"][0]["index"]) == (2, 1)
    assert [told["messageId"] for told in stored()] == ["good", "too"]
    letter = DeadLetter.objects.get()
    assert (letter.reason, letter.source, letter.state) == (reason, "shop", "open")
    assert bytes(letter.payload) == json.dumps(event).encode()[:MAX_EVENT_BYTES]


@pytest.mark.parametrize(
    ("moment", "sent", "taken"),
    [
        (timedelta(hours=23, minutes=59), None, True),
        (timedelta(days=365), timedelta(days=365), True),  # a clock that is a year ahead, and says so
        (timedelta(days=365), timedelta(days=363), False),
        (timedelta(days=-9000), None, True),
    ],
)
def test_the_future_is_told_by_the_corrected_clock(
    client: Client, moment: timedelta, sent: timedelta | None, taken: bool
) -> None:
    more = {} if sent is None else {"sentAt": (NOW + sent).isoformat()}
    assert (client.batch(track(timestamp=(NOW + moment).isoformat()), **more).status == 200) is taken
    assert len(stored()) == int(taken)


def test_the_same_refusal_is_one_letter(client: Client) -> None:
    for _ in range(3):
        assert client.batch(track(type="shout")).status == 400
    assert DeadLetter.objects.get().count == 3


def test_a_single_call_that_is_refused_says_why(client: Client) -> None:
    answer = client.post("/v1/track", track(userId=None), HTTP_ACCEPT_LANGUAGE="en")
    assert answer.status == 400
    assert answer.json["code"] == "identity_missing"
    assert "userId" in answer.json["message"]
    assert "发送" in client.post("/v1/track", track(userId=None), HTTP_ACCEPT_LANGUAGE="zh-CN").json["message"]


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[1]", b'{"batch":', b'{"batch":3}', b'{"other":[]}', b"\xff\xfe"])
def test_what_is_no_json_is_refused_whole(client: Client, body: bytes) -> None:
    answer = client.post("/v1/batch", body)
    assert (answer.status, answer.json["code"]) == (400, "body_malformed")
    assert not stored()
    assert not DeadLetter.objects.exists()


def test_the_context_of_a_batch_is_kept_with_each_event_and_is_bounded(client: Client) -> None:
    events = [track(f"m{n}") for n in range(300)]
    assert client.batch(*events[:2], context={"channel": "app"}).status == 200
    assert {bytes(row.shared or b"") for row in InboxEvent.objects.all()} == {b'{"channel": "app"}'}
    for sent, length in ((events[:1], 33_000), (events, 20_000)):
        answer = client.batch(*sent, context={"text": "x" * length})
        assert (answer.status, answer.json["code"]) == (413, "context_too_large")
    assert client.batch(*events[:2], context=None).status == 200
    assert InboxEvent.objects.count() == 4


def test_a_request_has_so_many_events_and_equal_refusals_are_one_letter(client: Client) -> None:
    answer = client.post("/v1/batch", b'{"batch":[' + b"1," * 5_000 + b"1]}")
    assert (answer.status, answer.json["code"]) == (413, "too_many_events")
    assert not DeadLetter.objects.exists()
    for times in (1, 2):
        assert client.post("/v1/batch", b'{"batch":[' + b"1," * 4_999 + b"1]}").status == 400
        assert DeadLetter.objects.get().count == 5_000 * times


def test_deep_nesting_breaks_nothing(client: Client) -> None:
    deep = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
    assert client.post("/v1/batch", b'{"batch":[' + deep + b"]}").status == 400
    assert client.post("/v1/track", deep).status == 400


def nested(levels: int) -> bytes:
    return b'{"type":"track","userId":"u","event":"E","properties":' + b'{"a":' * levels + b"1" + b"}" * (levels + 1)


@pytest.mark.parametrize("levels", [32, 400])
def test_an_event_nested_too_deeply_is_malformed(client: Client, levels: int) -> None:
    brackets = track("text", properties={"text": '[{"\\' * 100, "list": [[]] * 100})
    assert client.batch(brackets).json == {"success": True}
    assert client.post("/v1/batch", b'{"batch":[' + nested(31) + b"]}").json == {"success": True}
    answer = client.post("/v1/batch", b'{"batch":[' + nested(levels) + b"]}")
    assert (answer.status, answer.json["code"]) == (400, "malformed")
    letter = DeadLetter.objects.get()
    assert masked_payload(bytes(letter.payload)) is None
    deep = b'{"batch":[' + json.dumps(track()).encode() + b'],"context":' + b'{"a":' * 33 + b"1" + b"}" * 33 + b"}"
    assert client.post("/v1/batch", deep).json["code"] == "body_malformed"


@pytest.mark.parametrize(("length", "read"), [("10", [MAX_REQUEST_BYTES + 1]), ("999999999", []), ("", [])])
def test_a_full_door_reads_no_large_body(transactional_db: None, length: str, read: list[int]) -> None:
    client, asked = make_client(inflight=0), []

    class Body:
        def read(self, most: int = -1) -> bytes:
            asked.append(most)
            return b""

    try:
        told: dict[str, Any] = {"CONTENT_LENGTH": length, "wsgi.input": Body()}
        assert client.post("/v1/batch", b"", **told).json["code"] == "busy"
    finally:
        client.door.close()
    assert asked == read


def test_large_requests_are_refused_before_they_are_unpacked(client: Client) -> None:
    limit = [track(str(n), properties={"x": "y" * 30_000}) for n in range(16)]
    assert client.batch(*limit).status == 200
    assert client.batch(*limit, track("one more", properties={"x": "y" * 30_000})).status == 413
    bomb = gzip.compress(b" " * (50 * MAX_REQUEST_BYTES))
    assert len(bomb) < MAX_REQUEST_BYTES
    assert client.post("/v1/batch", bomb, HTTP_CONTENT_ENCODING="gzip").status == 413
    assert len(stored()) == 16


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [(b"{}", "gzip", 400), (gzip.compress(b'{"batch":[]}', mtime=0)[:-9], "gzip", 400), (b"{}", "br", 415)],
    ids=["no gzip", "cut short", "another packing"],
)
def test_wrong_packing_is_told(client: Client, body: bytes, encoding: str, status: int) -> None:
    assert client.post("/v1/batch", body, HTTP_CONTENT_ENCODING=encoding).status == status


def test_browsers_may_send_from_anywhere(client: Client) -> None:
    asked = "authorization,content-type"
    answer = client.post("/v1/t", b"", method="OPTIONS", HTTP_ACCESS_CONTROL_REQUEST_HEADERS=asked)
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Headers"] == asked
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert client.batch(track()).headers["Access-Control-Allow-Origin"] == "*"


def test_other_paths_and_methods_are_told(client: Client) -> None:
    assert client.post("/v1/projects", {}).status == 404
    answer = client.post("/v1/batch", b"", method="GET")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST, OPTIONS")
