"""Erased is erased: no table and no file of the data directory holds the customer, and no figure has moved."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pyarrow.parquet as pq
import pytest
from django.db import connection

from huitou.accounts.keys import create_key
from huitou.accounts.models import AuditEntry
from huitou.accounts.queries import get_brand
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.core.jobs import database_address
from huitou.core.models import StoredAnswer
from huitou.customers.groups import customers_of
from huitou.customers.models import Acquisition, Identifier, Person
from huitou.customers.personal import AlreadyErasedError, erase_customer, export_customer
from huitou.customers.services import (
    ConsentDecision,
    Sighting,
    TraitReport,
    merge_customers,
    record_consents,
    record_traits,
    resolve_sightings,
)
from huitou.customers.sql.sightings import LOCK
from huitou.orders.queries import list_customers
from huitou.orders.refresh import refresh
from huitou.sources import personal_data
from huitou.sources.consuming.consumer import consume_once
from huitou.sources.importing.options import ImportOptions, read_preset
from huitou.sources.job_progress import JobState, write_state
from huitou.sources.kept_files import ImportUnderWayError
from huitou.sources.models import DeadLetter, EventDetail, ImportRun, InboxEvent
from huitou.sources.services import run_import, start_import
from huitou.sources.tests.test_buyers import TAOBAO
from huitou.sources.tests.test_services import bring

NOW = datetime(2024, 6, 1, tzinfo=UTC)
CLOCK = FixedClock(NOW)
pytestmark = pytest.mark.django_db
# Every spelling that is looked for afterwards, as text and as the bytes of two encodings.
SPELLINGS = (
    "13912345670",
    "139 1234 5670",
    "139-1234-5670",
    "木子妈妈",
    "李雷雷",
    "oGZUI0egBJY1zhBYw2",
    "lei@qq.com",
    "C-90017",
    "browser-of-lei",
    "M-77120",
)


def upload(home: Home, name: str, text: str, encoding: str = "gb18030") -> Path:
    """A file as the console keeps it."""
    folder = home.uploads / f"{len(list(home.uploads.glob('*'))):032x}"
    folder.mkdir(parents=True)
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def import_upload(home: Home, path: Path, preset: str = "", kind: str = "orders") -> ImportRun:
    if not preset:
        return bring(path, kind)
    # The phones of these orders are the buyers' own.
    options = ImportOptions(columns={"phone": ("联系手机",)}).over(read_preset(preset))
    run = start_import(path=path, kind=kind, options=options, clock=CLOCK)
    return run_import(run.pk, home=home, clock=CLOCK)


@pytest.fixture
def customer(home: Home) -> int:
    """Somebody with two shops' orders, rejected rows, events, traits, consent, files and notes; and a neighbor."""
    rows = "1,木子妈妈,10.00,交易成功,2024-03-01 10:00:00,面霜,1,甲店,139-1234-5670,李雷雷\n"
    rows += "2,木子妈妈,钱,交易成功,2024-03-02 10:00:00,面霜,1,甲店,13912345670,李雷雷\n"
    rows += "3,邻居,30.00,交易成功,2024-03-03 10:00:00,面霜,1,甲店,13700000001,韩梅梅\n"
    rows += "4,邻居,钱,交易成功,2024-03-03 10:00:00,面霜,1,甲店,13700000001,韩梅梅\n"
    import_upload(home, upload(home, "木子妈妈 taobao.csv", TAOBAO + rows), "taobao")
    lines = "order_id,paid_at,customer_id,sku,amount,phone\nA,2024-04-01,C-90017,x,5.00,139 1234 5670\n"
    import_upload(home, upload(home, "own.csv", lines, "utf-8"))
    import_upload(
        home,
        upload(
            home, "other.csv", lines.replace("\nA,", "\nB,").replace("C-90017", "D-1").replace("139", "138"), "utf-8"
        ),
    )
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["customer_id", "phone", "name", "birthday"])
    sheet.append(["C-90017", 13912345670, "李雷雷", "1990-05-17"])
    path = upload(home, "members.xlsx", "")
    book.save(path)
    import_upload(home, path, kind="customers")
    ids = (("customer_id", "", "C-90017"), ("openid", "wx1", "oGZUI0egBJY1zhBYw2"), ("email", "", "Lei@QQ.com"))
    person = resolve_sightings(sightings=[Sighting(0, ids, NOW)], source="app", clock=CLOCK)[0]
    record_traits(
        traits=[TraitReport(person, NOW, "李雷雷", "13912345670", {"wechat_id": "lei@qq.com"})],
        source="app",
        clock=CLOCK,
    )
    record_consents(decisions=[ConsentDecision(person, "sms", "marketing", True, NOW, "form", "v1")], clock=CLOCK)
    buyer = Identifier.objects.get(kind="buyer_id", value="木子妈妈").person_id
    assert customers_of([person])[person] == customers_of([buyer])[buyer]
    send_events(home)
    store_events(home, person)
    return person


def send_events(home: Home) -> None:
    """What an app sends, consumed into facts: who it is, what was looked at, and free text."""
    key = create_key(name="app", kind="write", source="app", clock=CLOCK).key
    told = {"userId": "C-90017", "anonymousId": "browser-of-lei", "timestamp": NOW.isoformat()}
    traits = {
        "name": "李雷雷",
        "memberNo": "M-77120",
        "phone": "139 1234 5670",
        "email": "Lei@QQ.com",
        "address": {"street": "李雷雷收"},
    }
    note = {"product_id": "x", "note": "call 13912345670", "address": "李雷雷收", "wechat": "oGZUI0egBJY1zhBYw2"}
    events: list[dict[str, Any]] = [
        {"type": "identify", "traits": traits},
        {"type": "track", "event": "Product Viewed", "properties": note},
        {"type": "track", "event": "Gift Wished", "properties": {"to": "李雷雷", "phone": 13912345670}},
        {"type": "page", "name": "Home", "properties": {"url": "https://shop.example/p/13912345670?m=lei@qq.com"}},
        {"type": "track", "event": "Looked For", "properties": {"query": "木子妈妈"}},
        {"type": "track", "event": "Card Shown", "properties": {"memberNo": "M-77120", "ref": "C-90017", "code": "x7"}},
        {"type": "track", "event": "Shown", "properties": {"object_type": "customer", "object_id": "C-90017"}},
        {"type": "page", "properties": {"path": "/u/C-90017"}},
        {"type": "screen", "name": "李雷雷"},
        # Another one tells of the customer.
        {"type": "identify", "userId": "D-1", "traits": {"inviter": "C-90017", "invited_by": "C-90017", "city": "x"}},
        {"type": "track", "event": "Invited", "userId": "D-1", "properties": {"inviter_id": "C-90017", "note": "a b"}},
    ]
    for n, event in enumerate(events):
        payload = json.dumps({"messageId": f"erase-{uuid.uuid4()}-{n}", **told, **event}, ensure_ascii=False).encode()
        InboxEvent.objects.create(received_at=NOW, key_id=key.pk, payload=payload)
    done = consume_once(home=home, clock=CLOCK)
    assert (done.accepted, done.refused) == (11, 0)


def store_events(home: Home, person: int) -> None:
    """What the intake keeps of a customer before and beside the lake, and notes that quote one."""
    payload = json.dumps({"userId": "C-90017", "traits": {"phone": "139 1234 5670"}}).encode()
    other = json.dumps({"userId": "D-1"}).encode()
    for body in (payload, other):
        InboxEvent.objects.create(received_at=NOW, key_id=1, payload=body)
        DeadLetter.objects.create(
            digest=body[:16],
            source="app",
            key_id=1,
            reason="x",
            payload=body,
            size=len(body),
            received_at=NOW,
            last_at=NOW,
        )
    EventDetail.objects.create(
        event_hash="0" * 32, person_id=person, occurred_at=NOW, properties={"note": "李雷雷 called"}
    )
    answer = {"upload": "0" * 32, "file_name": "木子妈妈.csv", "lines_file_name": None}
    StoredAnswer.objects.create(
        caller="key x",
        key="k1",
        request_hash="0" * 64,
        status=201,
        body=json.dumps(answer, ensure_ascii=False),
        created_at=NOW,
    )
    write_state(home, "import-9", JobState("failed", error="row 2: 13912345670"))
    home.logs.mkdir(parents=True, exist_ok=True)
    (home.logs / "postgres.log").write_text("fine\nKey (value)=(+8613912345670) exists\n")


def figures(home: Home) -> list[dict[str, Any]]:
    brand = get_brand()
    refresh(home=home, brand=brand, clock=FixedClock(NOW), force=True)
    return [row.values | {"person": row.person_id} for row in list_customers(sort="person_id").rows]


def texts(home: Home) -> Iterator[tuple[str, bytes]]:
    """Every table of the database as COPY gives it, and every file of the data directory, Parquet decoded as well."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        tables = [row[0] for row in cursor.fetchall()]
        assert len(tables) > 30
        for table in tables:
            with cursor.copy(f"COPY (SELECT * FROM {table}) TO STDOUT") as copy:
                yield table, b"".join(bytes(block) for block in copy)
    for path in home.root.rglob("*"):
        if path.is_file() and home.postgres not in path.parents:
            yield str(path), path.read_bytes()
            yield str(path), path.name.encode()
            if path.suffix == ".parquet":
                yield str(path), str(pq.read_table(path, partitioning=None).to_pylist()).encode()


def found(home: Home) -> set[str]:
    """Places that hold any spelling; bytea is given by COPY in hex."""
    needles = {form for s in SPELLINGS for form in (s.encode(), s.encode("gb18030"), s.encode().hex().encode())}
    needles |= {json.dumps(s)[1:-1].encode() for s in SPELLINGS}
    return {place for place, content in texts(home) if any(needle in content for needle in needles)}


def test_after_erasing_no_table_and_no_file_holds_the_customer(home: Home, customer: int) -> None:
    """And figures stay, the neighbor's data stays, and the identifiers seen again are somebody new."""
    before = figures(home)
    held = {Path(place).name for place in found(home)}
    assert {"public.customers_identifier", "public.sources_inbox", "own.csv", "postgres.log"} <= held
    assert {"木子妈妈 taobao.csv", "public.core_storedanswer"} <= held
    assert any(name.startswith("import-") and name.endswith(".csv") for name in held), "a file of rejected rows"
    lake = {path: path.read_bytes() for path in (home.root / "lake").rglob("*.parquet")}

    counts = erase_customer(person_id=customer, clock=CLOCK)
    assert found(home) == set()
    assert (counts["uploads"], counts["rejected_rows"], counts["waiting_events"], counts["dead_letters"]) == (
        3,
        1,
        1,
        1,
    )
    assert {path: path.read_bytes() for path in (home.root / "lake").rglob("*.parquet")} == lake
    assert figures(home) == before
    assert found(home) == set()

    friend = Person.objects.get(identifiers__kind="customer_id", identifiers__value="D-1")
    assert friend.attributes == {"city": "x"}
    assert EventDetail.objects.get(person=friend).properties == {"note": "a b"}
    origin = Acquisition.objects.get(person=friend)
    assert (origin.kind, origin.code, origin.inviter_id) == ("inviter", "", customer)
    names = [path.name for path in home.uploads.rglob("*") if path.is_file()]
    assert names == ["other.csv"]
    assert (InboxEvent.objects.count(), DeadLetter.objects.count()) == (1, 1)
    answer = json.loads(StoredAnswer.objects.get().body)
    assert answer["upload"] == "0" * 32
    assert answer["file_name"]
    rejected = next(home.rejects.glob("import-*.csv")).read_text(encoding="utf-8-sig")
    assert "邻居" in rejected
    assert Identifier.objects.filter(value="邻居").exists()
    again = resolve_sightings(
        sightings=[Sighting(0, (("customer_id", "", "C-90017"),), NOW)], source="app", clock=CLOCK
    )
    assert again[0] not in Person.objects.exclude(erased_at=None).values_list("pk", flat=True)
    with pytest.raises(AlreadyErasedError):
        erase_customer(person_id=customer, clock=CLOCK)
    entry = AuditEntry.objects.get(action="customer.erased")
    assert entry.count == 2


def test_an_export_has_everything_about_the_customer_and_nothing_about_others(home: Home, customer: int) -> None:
    """As JSON: identifiers, traits, consent, milestones, joins, orders and the personal part of events."""
    figures(home)
    text = json.dumps(export_customer(person_id=customer, clock=CLOCK), ensure_ascii=False)
    for told in (
        "+8613912345670",
        "木子妈妈",
        "李雷雷",
        "lei@qq.com",
        "1990-05-17",
        "called",
        "marketing",
        '"order_id": "A"',
    ):
        assert told in text, told
    assert "邻居" not in text
    assert "13700000001" not in text
    assert AuditEntry.objects.get(action="customer.exported").target.startswith("#")


def test_erasing_waits_for_an_import_that_needs_the_file(home: Home, customer: int) -> None:
    """A file that is being imported would bring the customer back."""
    path = upload(home, "next.csv", "order_id,paid_at,customer_id,sku,amount\nB,2024-05-01,C-90017,x,5.00\n", "utf-8")
    run = start_import(path=path, kind="orders", options=read_preset("youzan"), clock=CLOCK)
    with pytest.raises(ImportUnderWayError):
        erase_customer(person_id=customer, clock=CLOCK)
    assert Identifier.objects.filter(value="C-90017").exists()
    run.state = "failed"
    run.save()
    shutil.rmtree(path.parent)
    erase_customer(person_id=customer, clock=CLOCK)


def test_joined_persons_are_erased_together(home: Home, customer: int) -> None:
    """Erasing any person of a customer erases the customer; somebody else stays."""
    other = Person.objects.create(display_name="王五五", created_at=NOW).pk
    merge_customers(person_a=customer, person_b=other, clock=CLOCK)
    erase_customer(person_id=other, clock=CLOCK)
    assert found(home) == set()
    assert Person.objects.filter(erased_at=None).exists()


@pytest.fixture
def short(home: Home) -> int:
    """A customer with the number 11 and the member number 2026, called 小红."""
    ids = (("customer_id", "", "11"), ("member_no", "", "2026"))
    person = resolve_sightings(sightings=[Sighting(0, ids, NOW)], source="app", clock=CLOCK)[0]
    record_traits(traits=[TraitReport(person, NOW, "小红", "", {})], source="app", clock=CLOCK)
    return person


def hold(payload: bytes, shared: bytes | None = None) -> None:
    """The payload both as a waiting event and as a dead letter."""
    InboxEvent.objects.create(received_at=NOW, key_id=1, payload=payload, shared=shared)
    digest = uuid.uuid4().bytes
    DeadLetter.objects.create(
        digest=digest,
        source="app",
        key_id=1,
        reason="x",
        payload=payload,
        size=len(payload),
        shared=shared,
        received_at=NOW,
        last_at=NOW,
    )


OF_OTHERS = (
    {"userId": "12", "timestamp": "2026-11-24T11:11:11Z", "properties": {"quantity": 11, "year": "2026"}},
    {"userId": "5", "event": "小红书", "properties": {"title": "小红书", "price": 11, "order_id": "11"}},
    {"userId": "2026", "traits": {"name": "小红书的店", "age": 11}},
    {"userId": "77", "traits": {"name": "小红"}, "context": {"library": {"version": "11"}}},
    {"anonymousId": "11", "properties": {"list_id": "2026"}},
)
OF_THE_CUSTOMER = (
    {"userId": "11", "event": "x"},
    {"userId": 11},
    {"type": "identify", "anonymousId": "b-7", "traits": {"memberNo": "2026"}},
    {"anonymousId": "b-8", "context": {"externalIds": [{"id": "11", "type": "customer_id", "collection": "users"}]}},
    {"userId": "12", "properties": {"inviter_id": "11"}},
    {"userId": "12", "properties": {"sharedBy": {"friendId": "11"}}},
    {"properties": {"receiver_name": "小红"}},
)


def test_erasing_a_short_number_leaves_the_events_of_others(home: Home, short: int) -> None:
    """Acknowledged events of somebody else are never lost; those of the customer all go, readable or not."""
    kept = [json.dumps({"n": n, **event}, ensure_ascii=False).encode() for n, event in enumerate(OF_OTHERS)]
    deep = b'{"x":' * 3000 + b"1" + b"}" * 3000
    kept += [b'{"userId": "12", "quantity": 11,', deep]
    gone = [json.dumps(event, ensure_ascii=bool(n % 2)).encode() for n, event in enumerate(OF_THE_CUSTOMER)]
    gone += [b'{"userId": "11", "quantity": 5,', b'{"userId": 11, "x":' + deep + b"}"]
    for payload in (*kept, *gone):
        hold(payload)
    hold(b'{"anonymousId": "b-9"}', b'{"traits": {"member_no": "2026"}}')
    counts = erase_customer(person_id=short, clock=CLOCK)
    assert (counts["waiting_events"], counts["dead_letters"]) == (len(gone) + 1, len(gone) + 1)
    for model in (InboxEvent, DeadLetter):
        assert sorted(bytes(row.payload) for row in model.objects.all()) == sorted(kept)


def test_erasing_a_short_number_leaves_rows_and_lines_of_others(home: Home, short: int) -> None:
    """In files a short number counts in the customer's column, a name in a column of names."""
    head = "order_id,paid_at,customer_id,sku,amount,quantity,收货人姓名\n"
    others = "11,2026-11-11,12,小红,11.00,11,小红书\n2026,2026-01-11,13,x,钱,11,小绿\n11,2026-11-11,2026,x,钱,5,小蓝\n"
    own = "7,2026-03-01,11,x,钱,1,小绿\n8,2026-03-01,14,x,钱,1,小红\n"
    only_others = upload(home, "小红书.csv", head + others, "utf-8")
    import_upload(home, only_others)
    both = upload(home, "both.csv", head + others + own, "gb18030")
    import_upload(home, both)
    home.logs.mkdir(parents=True, exist_ok=True)
    log = home.logs / "huitou.log"
    log.write_text("2026-11-24 11:00:00 import 11 done: 2026 rows, 5 not\n小红书 is a source\n")
    before = log.read_text()
    rows = {path.name: path.read_text(encoding="utf-8-sig").splitlines() for path in home.rejects.glob("import-*.csv")}
    counts = erase_customer(person_id=short, clock=CLOCK)
    assert (counts["uploads"], counts["rejected_rows"], counts["log_lines"]) == (1, 2, 0)
    assert only_others.exists()
    assert not both.exists()
    assert log.read_text() == before
    after = {path.name: path.read_text(encoding="utf-8-sig").splitlines() for path in home.rejects.glob("import-*.csv")}
    assert {name: [line for line in lines if line not in after[name]] for name, lines in rows.items()} == {
        name: [line for line in lines if line.endswith(("x,钱,1,小绿", "x,钱,1,小红"))] for name, lines in rows.items()
    }


def mend_letter(payload: bytes) -> None:
    """The newest letter says something else now, under the number that it had."""
    letter = DeadLetter.objects.latest("pk")
    letter.payload, letter.digest = payload, uuid.uuid4().bytes
    letter.save()


@pytest.mark.django_db(transaction=True)
def test_what_comes_between_the_look_and_the_lock_is_found(
    home: Home, customer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits while it is looked; whatever commits or is written then is erased; and nothing is read twice."""
    told, other = b'{"userId": "C-90017", "n": %d}', b'{"userId": "other"}'
    for _ in range(50):
        hold(other)
    log = home.logs / "web.log"
    log.write_text("nothing yet\n")
    look, is_about, read, looking = personal_data.look, personal_data._is_about, [], [True]

    def slow_look(*asked: Any) -> Any:
        found = look(*asked)
        with psycopg.connect(**database_address(), autocommit=True) as another:
            # Somebody else resolves meanwhile.
            assert another.execute(LOCK.replace("pg_advisory", "pg_try_advisory")).fetchone() == (True,)
            # It began before all the others, and commits after them.
            another.execute(
                "INSERT INTO sources_inbox (id, received_at, key_id, payload) VALUES (1, now(), 1, %s)", [told % 1]
            )
        assert InboxEvent.objects.order_by("pk").values_list("pk", flat=True)[0] == 1
        assert InboxEvent.objects.count() > 50
        mend_letter(told % 2)
        neighbor = Person.objects.create(created_at=NOW, attributes={"invited_by": "C-90017"})
        EventDetail.objects.create(
            event_hash=uuid.uuid4(), person=neighbor, occurred_at=NOW, properties={"inviter_id": "C-90017"}
        )
        upload(home, "late.csv", "order_id,paid_at,customer_id,sku,amount\nB,2024-05-01,C-90017,x,5.00\n", "utf-8")
        with log.open("a") as file:
            file.write("Key (value)=(13912345670) exists\n")
        looking[0] = False
        return found

    def counted(needles: Any, payload: bytes, shared: bytes | None) -> bool:
        if not looking[0]:
            read.append(payload)
        return is_about(needles, payload, shared)

    monkeypatch.setattr(personal_data, "look", slow_look)
    monkeypatch.setattr(personal_data, "_is_about", counted)
    counts = erase_customer(person_id=customer, clock=CLOCK)
    assert found(home) == set()
    assert (counts["waiting_events"], counts["dead_letters"]) == (2, 2)
    assert sorted(read) == [told % 1, told % 2]
    assert log.read_text() == "nothing yet\n"
    assert (InboxEvent.objects.count(), DeadLetter.objects.count()) == (51, 50)


def test_a_customer_that_changes_while_it_is_looked_for_is_looked_for_again(
    home: Home, customer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it gets meanwhile is erased too, wherever it stands; if it changes all the time, it is erased at last."""
    look, looks = personal_data.look, []

    def slow_look(*asked: Any) -> Any:
        found = look(*asked)
        looks.append(asked)
        email = f"new{len(looks)}@qq.com"
        hold(json.dumps({"userId": email}).encode())
        if len(looks) <= changes:
            ids = (("customer_id", "", "C-90017"), ("email", "", email))
            resolve_sightings(sightings=[Sighting(0, ids, NOW)], source="app", clock=CLOCK)
        return found

    monkeypatch.setattr(personal_data, "look", slow_look)
    changes = 1
    erase_customer(person_id=customer, clock=CLOCK)
    assert len(looks) == 2
    left = {bytes(row.payload) for row in InboxEvent.objects.all()}
    assert b'{"userId": "new2@qq.com"}' in left
    assert b'{"userId": "new1@qq.com"}' not in left
    assert found(home) == set()

    looks.clear()
    changes = 1000
    again = resolve_sightings(sightings=[Sighting(0, (("email", "", "lei@qq.com"),), NOW)], source="app", clock=CLOCK)
    erase_customer(person_id=again[0], clock=CLOCK)
    assert not Identifier.objects.filter(value="lei@qq.com").exists()
