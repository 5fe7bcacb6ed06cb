"""Every change is in the audit log: no service without an entry, no entry without words, no entry ever changed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils.translation import override

from huitou.accounts.audit import action_words, actor_name, describe, list_entries
from huitou.accounts.models import AuditEntry, User
from huitou.accounts.roles import ANALYST, OPERATOR
from huitou.accounts.services import create_brand, record_audit, update_brand
from huitou.accounts.staff import change_staff
from huitou.core.clock import FixedClock

ROOT = Path(__file__).resolve().parent.parent
NOON = FixedClock(datetime(2026, 3, 4, 4, tzinfo=UTC))

# Functions that open a transaction and write no entry of their own, each with the reason.
UNTOLD = {
    "experiments/exposures.py:_write": "copies into the lake what is on record, at the pace of assignments",
    "accounts/throttle.py:forgive_guess": "signing in changes nothing",
    "core/migrating.py:apply_migration": "an upgrade; Django records each migration",
    "catalog/services.py:upsert_products": "part of an import or a batch, whose one entry covers it",
    "customers/services.py:resolve_persons": "part of an import or a batch, whose one entry covers it",
    "customers/services.py:update_details": "part of an import or a batch, whose one entry covers it",
    "customers/resolving.py:resolve_sightings": "a batch's sightings; joins that follow have entries of their own",
    "customers/services.py:give_identifiers": "part of an import; joins that follow have entries of their own",
    "customers/telling.py:record_traits": "what a batch of events told, at the pace of events",
    "customers/telling.py:record_consents": "each decision is itself a row with time and source, never overwritten",
    "customers/telling.py:record_acquisitions": "what a batch of events told, at the pace of events",
    "sources/order_events/services.py:take_order_events": "a batch of events, at the pace of events",
    "sources/consuming/consumer.py:_take_batch": "a batch of events, at the pace of events",
    "sources/consuming/consumer.py:_bury": "a batch of events, at the pace of events",
    "sources/consuming/consumer.py:_waiting_ids": "looks under a lock and changes nothing",
    "sources/consuming/seen.py:prepare_partitions": "makes the partitions of the days, which nobody decided",
    "sources/personal_data.py:look": "reads and changes nothing",
    "sources/connections/pulling.py:_take": "part of a pull, whose import writes the entry",
    "sources/tasks.py:queue_pull": "queues what the schedule would do anyway",
    "sources/services.py:_claim": "_finish writes the import's one entry",
    "sources/services.py:start_import": "_finish writes the import's one entry",
    "sources/connectors/complete_journey/facts.py:name_categories": "part of the example's load: example.started",
    "core/http_api/idempotency.py:_claim": "remembers a request; the service that it calls writes the entry",
    "core/http_api/idempotency.py:answer_once": "remembers an answer; the service that it calls writes the entry",
    "core/http_api/rates.py:take_turn": "counts requests",
    "orders/queueing.py:queue_refresh": "queues what the schedule would do anyway",
    "messaging/services.py:request_touches": "asked at the pace of events; each touch is a row with its source",
    "messaging/services.py:cancel_touches": "asked by journeys, which write the entry; each touch says so itself",
    "reports/services.py:make_gap_segment": "the tag, who gets it and the segment each write their own",
    "journeys/example_data.py:drop": "part of the example's removal: example.removed",
    "journeys/engine/advance.py:_open_due": "opens what somebody launched for this instant",
    "journeys/engine/entering.py:enter_all": "at the pace of events; each enrollment tells of itself",
    "journeys/engine/joining.py:_held_open": "follows from a merge; each transition tells of itself",
    "journeys/engine/goals.py:end_by_refresh": "at the pace of refreshes; each transition tells of itself",
    "journeys/engine/moving.py:move_due": "at the pace of events; each transition tells of itself",
    "journeys/plays/launching.py:launch_draft": "the services it calls write theirs: journey, version and launch",
    "journeys/plays/virtual_store.py:virtual_store": "a rehearsal; it is always rolled back",
    "journeys/engine/signals.py:take_signals": "at the pace of events; each transition tells of itself",
    "journeys/engine/signals.py:_enter": "part of taking events; each enrollment tells of itself",
    "orders/refresh.py:_publish": "publishes what was computed; the run itself tells of it",
    "messaging/deciding.py:decide_due": "decides at the pace of events; each decision is a row with its numbers",
    "messaging/outbox.py:note_outcomes": "notes what providers answered; each attempt is a row",
    "messaging/outbox.py:_call_unknown": "notes what nobody knows; each attempt is a row",
    "messaging/lake.py:_write": "mirrors into the lake what has rows of its own",
    "messaging/receiving.py:take_receipts": "what providers and customers told; each receipt is a row",
    "messaging/recalling.py:look_again": "follows from what was decided elsewhere; each touch says so itself",
    "messaging/recalling.py:_settle": "notes what became of touches; each decision is a row",
    "messaging/recalling.py:_claim": "claims what is to be asked; the outcome is a row",
    "messaging/recalling.py:_note": "notes what a provider answered; each decision is a row",
    "messaging/recalling.py:_note_silence": "notes that a provider did not answer; the touch counts it",
    "messaging/following.py:plan_fallbacks": "follows from what was planned; each touch is a row",
    "messaging/answering.py:take_callback": "what a provider told, at the pace of events",
    "sources/own_events.py:_key_id": "the feed of our own events, which nobody decided",
    "core/lake.py:claim_batch": "the batch of an import, whose one entry covers it",
}


def silent_services() -> Iterator[str]:
    """file:name of every function below huitou that opens a transaction, while neither it nor a function of the same
    file that it calls writes an entry.
    """
    for path in sorted((ROOT / "huitou").rglob("*.py")):
        if {"tests", "migrations"} & set(path.parts):
            continue
        source = path.read_text()
        if "transaction.atomic" not in source:
            continue
        nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
        texts = {node.name: ast.get_source_segment(source, node) or "" for node in nodes}
        telling = {"record_audit"}
        while more := {n for n, text in texts.items() if any(f"{t}(" in text for t in telling - {n})} - telling:
            telling |= more
        for name, text in texts.items():
            if "transaction.atomic" in text and name not in telling:
                yield f"{path.relative_to(ROOT / 'huitou').as_posix()}:{name}"


def test_every_service_writes_an_entry_or_says_here_why_not() -> None:
    silent = set(silent_services())
    assert silent - set(UNTOLD) == set(), "call record_audit in the same transaction, or explain it in UNTOLD"
    assert set(UNTOLD) - silent == set(), "these write an entry now, or are gone"


def written_actions() -> set[str]:
    """The actions named in calls of record_audit, as far as they are literals."""
    found = set()
    for path in sorted((ROOT / "huitou").rglob("*.py")):
        if "tests" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "record_audit":
                action = next(k.value for k in node.keywords if k.arg == "action")
                if isinstance(action, ast.Constant):
                    found.add(str(action.value))
    return found


def test_every_action_has_words() -> None:
    assert len(written_actions()) > 8
    assert written_actions() - set(action_words()) == set(), "name it in the app's audit_words.py"


def written_details() -> set[tuple[str, str]]:
    """Actions, and the names of their details, where a call of record_audit spells both out."""
    found = set()
    for path in sorted((ROOT / "huitou").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())) if "tests" not in path.parts else ():
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "record_audit":
                given = {k.arg: k.value for k in node.keywords}
                action, detail = given["action"], given.get("detail")
                if isinstance(action, ast.Constant) and isinstance(detail, ast.Dict):
                    found |= {(str(action.value), str(k.value)) for k in detail.keys if isinstance(k, ast.Constant)}
    return found


def test_every_detail_has_words() -> None:
    """On a Chinese page nothing stands in English because somebody forgot it."""
    assert len(written_details()) > 20
    with override("zh-hans"):
        told = {pair: describe(AuditEntry(action=pair[0], detail={pair[1]: 7}))[0] for pair in written_details()}
    assert {pair for pair, text in told.items() if text.startswith(pair[1])} == set()


def test_one_name_means_what_the_app_of_the_action_means_by_it() -> None:
    entry = AuditEntry(action="import.requested", detail={"kind": "orders"})
    assert describe(entry) == ["类型: 订单"]
    assert describe(AuditEntry(action="key.created", detail={"kind": "write"})) == ["密钥类型: 写入密钥"]
    parted = AuditEntry(action="customer.unmerged", detail={"rule": "manual"})
    assert describe(parted) == ["合并依据: 手工"]
    hashes = AuditEntry(action="event.edited", detail={"before": "0f" * 32, "after": "1e" * 32})
    assert describe(hashes) == ["之前: 0f0f0f0f…", "之后: 1e1e1e1e…"]
    assert actor_name(AuditEntry(actor_label="key hk_1")) == "密钥 hk_1"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    ["UPDATE accounts_auditentry SET actor_label = 'nobody'", "DELETE FROM accounts_auditentry WHERE true"],
)
def test_the_database_refuses_to_change_or_delete_an_entry(statement: str) -> None:
    record_audit(action="brand.updated", clock=NOON)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEntry.objects.get().actor_label == "cli"


@pytest.mark.django_db
def test_an_entry_says_in_words_what_became_of_what() -> None:
    User.objects.create_user("lin", password="a long enough secret", role=ANALYST)
    change_staff(username="lin", changes={"role": OPERATOR}, clock=NOON)
    assert describe(AuditEntry.objects.get()) == ["角色: 分析师 → 运营"]
    create_brand(name="小满", clock=NOON)
    update_brand(changes={"name": "小满生活", "targets": {"aov": 0.5}}, clock=NOON)
    assert describe(AuditEntry.objects.order_by("-pk")[0]) == ["名称: 小满 → 小满生活", "目标: – → aov 0.5"]


@pytest.mark.django_db
def test_filters_find_exactly_the_entries_of_an_action_a_person_a_thing_and_a_local_day() -> None:
    brand = create_brand(name="小满", clock=NOON)
    late = FixedClock(datetime(2026, 3, 4, 16, 30, tzinfo=UTC))  # half past midnight of the 5th in Shanghai
    record_audit(action="key.created", clock=late, actor_label="lin", target="hw_123")
    found = list_entries(zone=brand.tz)
    assert [e.action for e in found] == ["key.created", "brand.created"]
    for wanted in ({"action": "key.created"}, {"actor": "LIN"}, {"target": "hw_123"}):
        assert [e.action for e in list_entries(zone=brand.tz, **wanted)] == ["key.created"]  # type: ignore[arg-type]
    day = NOON.instant.date()
    assert [e.action for e in list_entries(zone=brand.tz, day=day)] == ["brand.created"]
    assert [e.action for e in list_entries(zone=brand.tz, day=day + timedelta(days=1))] == ["key.created"]


@pytest.mark.django_db
def test_the_page_shows_filters_and_pages_through_what_was_found() -> None:
    client = Client()
    client.force_login(User.objects.create_user("ana", password="a long enough secret", role=ANALYST))
    for i in range(60):
        record_audit(action="key.created", clock=NOON, target=f"hw_{i:03}")
    record_audit(action="brand.updated", clock=NOON, target="<script>")
    first = client.get("/settings/audit/").content.decode()
    assert "61" in first
    assert "&lt;script&gt;" in first
    assert "hw_000" in client.get("/settings/audit/?page=2").content.decode()
    filtered = client.get("/settings/audit/?action=brand.updated").content.decode()
    assert "hw_0" not in filtered
    assert "没有找到" in client.get("/settings/audit/?action=key.revoked").content.decode()
    assert client.get("/settings/audit/?day=nonsense").status_code == 200
