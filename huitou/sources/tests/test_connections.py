"""Connections as people keep them: sealed secrets, rights, schedule, a file at an address, and what is never called."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import LazySettings
from django.db import connection as database
from django.test import Client
from django.utils import translation
from procrastinate.contrib.django.models import ProcrastinateJob

from huitou.accounts.models import AuditEntry, Brand, User
from huitou.accounts.services import ExampleLoadedError, create_brand
from huitou.core.clock import FixedClock, SystemClock
from huitou.core.doctor import FAIL, OK
from huitou.core.home import Home
from huitou.sources.checks import check_connections
from huitou.sources.connections.pulling import Pulled, pull_connection
from huitou.sources.connections.sealing import unseal
from huitou.sources.connections.services import (
    ConnectionExistsError,
    ConnectionInvalidError,
    change_connection,
    create_connection,
    pause_connection,
    remove_connection,
)
from huitou.sources.connections.transport import OutsideHttp, is_refused
from huitou.sources.connectors.kinds import CONNECTORS, http_csv
from huitou.sources.connectors.kinds.http_csv import UrlInvalidError
from huitou.sources.connectors.kinds.youzan import SinceInvalidError
from huitou.sources.connectors.trouble import TROUBLE, PullError
from huitou.sources.feeds.queries import FILES, FeedView, find_feed
from huitou.sources.feeds.words import advise
from huitou.sources.models import Connection, ImportRun
from huitou.sources.tasks import pull_connection_job, pull_due_job
from huitou.sources.tests.test_services import facts
from tests.contract.calling import program

NOW = FixedClock(datetime(2025, 3, 10, 4, tzinfo=UTC))
YOUZAN = {"client_id": "app", "client_secret": "very-s3cret", "grant_id": "4001", "since": "2025-03-01"}
ORDERS = "order_id,sku,quantity,unit_price,paid_at,customer_id\nA1,s1,1,9.5,2025-03-01,c1\n"


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


def youzan(name: str = "yz", **more: str) -> Connection:
    return create_connection(kind="youzan", name=name, settings={**YOUZAN, **more}, clock=NOW)


@pytest.mark.django_db
def test_secrets_lie_sealed_and_leave_through_no_door(settings: LazySettings) -> None:
    """Not in the table, not in the audit log, not in the page, not in the API; another key cannot open them."""
    made = youzan()
    User.objects.create_user("boss", password="a long enough secret", role="admin")
    client = Client()
    client.force_login(User.objects.get(username="boss"))
    seen = (
        client.get(f"/data/connections/{made.pk}/").content.decode() + client.get("/data/connections/").content.decode()
    )
    seen += json.dumps(program().ask("GET", "/connections", expect=200))
    with database.cursor() as cursor:
        cursor.execute("SELECT row_to_json(c)::text FROM sources_connection c")
        seen += str(cursor.fetchall())
    seen += str(list(AuditEntry.objects.values()))
    assert "very-s3cret" not in seen
    assert unseal(made.secrets) == {"client_secret": "very-s3cret"}
    settings.SECRET_KEY = "another key than before"
    with pytest.raises(PullError) as raised:
        unseal(made.secrets)
    assert raised.value.code == "secrets_lost"
    assert pull_connection(made.pk, clock=NOW).error == "secrets_lost"
    change_connection(connection_id=made.pk, settings={"client_secret": "new"}, clock=NOW)
    made.refresh_from_db()
    assert (unseal(made.secrets), made.state) == ({"client_secret": "new"}, "active")


@pytest.mark.django_db
def test_what_cannot_be_used_is_refused_in_words() -> None:
    youzan()
    with pytest.raises(ConnectionExistsError):
        youzan()
    with pytest.raises(ConnectionInvalidError, match="Client ID is missing"):
        youzan("b", client_id=" ")
    with pytest.raises(ConnectionInvalidError, match="no setting named colour"):
        youzan("b", colour="red")
    with pytest.raises(SinceInvalidError, match="before 2020"):
        youzan("b", since="2019-12-31")
    with pytest.raises(SinceInvalidError):
        youzan("b", since="March")
    with pytest.raises(ConnectionInvalidError, match="youzan"):
        create_connection(kind="nothing", name="b", settings={}, clock=NOW)
    with pytest.raises(ConnectionInvalidError, match="5 minutes"):
        create_connection(kind="youzan", name="b", settings=YOUZAN, every_minutes=1, clock=NOW)
    for url in ("http://erp.example.com/a.csv", "https://user:pw@erp.example.com/a.csv", "ftp://x/a", "https://", "a"):
        with pytest.raises(UrlInvalidError):
            create_connection(kind="http_csv", name="b", settings={"url": url}, clock=NOW)
    assert [c.name for c in Connection.objects.all()] == ["yz"]


@pytest.mark.django_db
def test_nothing_is_connected_beside_the_example() -> None:
    create_brand(name="example", clock=NOW, is_example=True)
    with pytest.raises(ExampleLoadedError):
        youzan()


@pytest.mark.django_db
def test_a_changed_setting_begins_anew_and_a_changed_secret_or_rhythm_does_not() -> None:
    made = youzan()
    Connection.objects.update(cursor={"until": "2025-03-09T00:00:00+00:00"}, state="paused")
    change_connection(connection_id=made.pk, settings={"client_secret": ""}, every_minutes=30, clock=NOW)
    made.refresh_from_db()
    assert made.state == "paused", "nothing was changed"
    change_connection(connection_id=made.pk, settings={"client_secret": "b"}, every_minutes=60, clock=NOW)
    made.refresh_from_db()
    assert made.cursor
    assert (made.state, made.every_minutes) == ("active", 60)
    change_connection(connection_id=made.pk, settings={"grant_id": "4002"}, clock=NOW)
    made.refresh_from_db()
    assert (made.cursor, made.place) == ({}, "open.youzanyun.com · 4002")
    changes = AuditEntry.objects.filter(action="connection.changed").order_by("pk")
    assert [entry.detail["fields"] for entry in changes] == [["client_secret", "minutes"], ["grant_id"]]


@pytest.mark.django_db
def test_every_minute_what_is_due_is_queued_once_and_nothing_else() -> None:
    due, paused, early = youzan("due"), youzan("paused"), youzan("early")
    pause_connection(connection_id=paused.pk, clock=NOW)
    Connection.objects.filter(pk=early.pk).update(due_at=SystemClock().now() + timedelta(hours=1))
    for _twice in range(2):
        pull_due_job.func(timestamp=0)
    jobs = ProcrastinateJob.objects.filter(task_name=pull_connection_job.name)
    assert [job.args for job in jobs] == [{"connection_id": due.pk}]


@pytest.mark.django_db
def test_the_doctor_names_what_has_stopped_and_what_to_do() -> None:
    assert check_connections(NOW)[0] == OK
    youzan()
    assert check_connections(NOW)[0] == OK
    Connection.objects.update(state="stopped", error_code="credentials_refused", failures=1)
    state, detail, mend = check_connections(NOW)
    assert state == FAIL
    assert "yz" in detail
    assert "Authorize" in mend
    remove_connection(connection_id=Connection.objects.get().pk, clock=NOW)
    assert check_connections(NOW)[0] == OK


@pytest.mark.django_db
def test_only_an_administrator_says_which_address_this_server_calls() -> None:
    body = {"kind": "http_csv", "name": "erp", "settings": {"url": "https://erp.example.com/a.csv"}}
    operator = program("data.view", "data.write")
    assert operator.ask("POST", "/connections", body, expect=403)["missing"] == "settings.write"
    made = program("data.view", "data.write", "settings.write").ask("POST", "/connections", body, expect=201)
    change = {"settings": {"url": "https://other.example.com/"}}
    assert operator.ask("PATCH", f"/connections/{made['id']}", change, expect=403)["missing"] == "settings.write"
    client = Client()
    client.force_login(User.objects.create_user("op", password="a long enough secret", role="operator"))
    assert client.get("/data/connections/new/http_csv/").status_code == 403
    sent = {"action": "save", "s-url": "https://other.example.com/", "every_minutes": "30", "s-content": "orders"}
    assert client.post(f"/data/connections/{made['id']}/", sent).status_code == 403
    assert Connection.objects.get().place == "erp.example.com/a.csv"
    operator.ask("POST", f"/connections/{made['id']}/pause", expect=200)


@pytest.mark.django_db
def test_the_page_connects_changes_pulls_and_removes() -> None:
    client = Client()
    client.force_login(User.objects.create_user("op", password="a long enough secret", role="operator"))
    form = {"name": "yz", "every_minutes": "30", **{f"s-{name}": value for name, value in YOUZAN.items()}}
    assert client.post("/data/connections/new/youzan/", {**form, "s-grant_id": ""}).status_code == 422
    assert client.post("/data/connections/new/youzan/", form).status_code == 302
    made = Connection.objects.get()
    assert ProcrastinateJob.objects.filter(task_name=pull_connection_job.name).count() == 1
    address = f"/data/connections/{made.pk}/"
    saved = {**form, "action": "save", "s-client_secret": "", "every_minutes": "45"}
    assert client.post(address, saved).status_code == 302
    made.refresh_from_db()
    assert (made.every_minutes, unseal(made.secrets)) == (45, {"client_secret": "very-s3cret"})
    for action, state in (("pause", "paused"), ("resume", "active"), ("pause", "paused"), ("pull", "active")):
        client.post(address, {"action": action})
        made.refresh_from_db()
        assert made.state == state
    Connection.objects.update(error_code="rate_limited", error_detail="20001", failures=2)
    assert "20001" in client.get("/data/connections/").content.decode()
    client.post(address, {"action": "remove"})
    assert not Connection.objects.exists()


def test_every_trouble_and_every_connector_speaks_chinese() -> None:
    texts = [text for one in TROUBLE.values() for text in (one.text, one.remedy)]
    texts += [text for one in CONNECTORS for text in (one.label, one.doc)]
    texts += [setting.label for one in CONNECTORS for setting in one.settings]
    with translation.override("zh-hans"):
        missing = [str(text) for text in texts if str(text).isascii() and str(text) not in ("Client ID",)]
    assert missing == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "169.254.169.254", "fe80::1", "0.0.0.0", "0.1.2.3", "224.0.0.1", "100.100.100.200",
     "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "2002:a9fe:a9fe::1", "255.255.255.255", "::"],
)  # fmt: skip
def test_this_machine_its_link_and_the_clouds_own_addresses_are_refused(address: str) -> None:
    assert is_refused(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "10.0.0.5", "192.168.1.9", "2606:2800:220:1::1"])
def test_the_internet_and_the_house_network_are_not(address: str) -> None:
    assert not is_refused(ip_address(address))


def test_a_name_is_looked_at_once_and_called_at_that_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A name that leads to the cloud's own address is refused before anything is opened."""
    opened: list[Any] = []
    monkeypatch.setattr("socket.create_connection", lambda *given, **_more: opened.append(given))
    told = [(2, 1, 6, "", ("169.254.169.254", 443))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_given, **_more: told)
    with pytest.raises(PullError) as raised:
        OutsideHttp(limit=1).download("https://erp.example.com/a.csv", tmp_path / "a", headers={})
    assert (raised.value.code, opened) == ("address_refused", [])


class Files:
    """A server with one file that may be asked for conditionally, behind a token."""

    def __init__(self) -> None:
        self.body, self.etag, self.token = ORDERS.encode(), '"1"', ""
        self.asked: list[dict[str, str]] = []
        self.script: list[tuple[int, dict[str, str], bytes]] = []

    def answer(self, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        self.asked.append(headers)
        if self.script:
            return self.script.pop(0)
        if self.token and headers.get("authorization") != f"Bearer {self.token}":
            return 401, {}, b"no"
        if headers.get("if-none-match") == self.etag:
            return 304, {"ETag": self.etag}, b""
        return 200, {"ETag": self.etag, "Last-Modified": "Mon, 10 Mar 2025 00:00:00 GMT"}, self.body


@contextmanager
def serving(files: Files) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = {name.lower(): value for name, value in self.headers.items()}
            status, headers, body = files.answer(self.path, given)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/export/orders.csv?key=hidden-key"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def files() -> Files:
    return Files()


@pytest.fixture
def erp(transactional_db: None, files: Files, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    with serving(files) as url, monkeypatch.context() as loose:
        # The test's server speaks plain http; what the check says of real addresses has a test above.
        loose.setattr(http_csv, "urlsplit", lambda text: urlsplit(text.replace("http://", "https://")))
        given = {"url": url, "token": files.token}
        yield create_connection(kind="http_csv", name="erp", settings=given, clock=NOW)


def fetch(made: Connection, limit: int = 1 << 20) -> Pulled:
    Connection.objects.update(due_at=NOW.instant, state="active", revision=made.revision)
    return pull_connection(made.pk, clock=NOW, http=OutsideHttp(limit=limit, loopback=True), wait=lambda _s: None)


def test_a_file_is_fetched_when_it_changes_and_what_comes_again_replaces(
    erp: Connection, files: Files, home: Home
) -> None:
    assert fetch(erp).rows == 1
    assert [(r["source"], r["order_id"], r["amount_minor"]) for r in facts(home)] == [("erp", "A1", 950)]
    assert fetch(erp).imports == ()
    assert files.asked[-1]["if-none-match"] == '"1"'
    assert ImportRun.objects.get().file_name == "orders.csv"
    files.body, files.etag = ORDERS.replace("9.5", "8").encode() + b"A2,s1,1,1,2025-03-02,c2\n", '"2"'
    assert fetch(erp).rows == 2
    assert [(r["order_id"], r["amount_minor"]) for r in facts(home)] == [("A1", 800), ("A2", 100)]
    erp.refresh_from_db()
    assert erp.cursor == {"etag": '"2"', "last_modified": "Mon, 10 Mar 2025 00:00:00 GMT"}
    assert "hidden-key" not in erp.place + str(list(AuditEntry.objects.values())) + str(
        list(ImportRun.objects.values())
    )


@pytest.mark.parametrize(
    ("status", "body", "code", "state"),
    [
        (401, b"no", "credentials_refused", "stopped"),
        (404, b"", "not_found", "active"),
        (503, b"", "outside_error", "active"),
        (429, b"", "rate_limited", "active"),
        (200, b"<!doctype html><title>Log in</title>", "not_a_table", "stopped"),
        (200, b"%PDF-1.7", "not_a_table", "stopped"),
        (200, b"", "not_a_table", "stopped"),
        (200, ORDERS.encode() + b"x" * 3000, "too_large", "stopped"),
        (200, ORDERS.replace("2025-03-01", "never").encode(), "nothing_accepted", "active"),
        (200, b"colour,size\nred,1\n", "mapping_does_not_fit", "active"),
    ],
)
def test_what_is_no_file_of_orders_is_told(
    erp: Connection, files: Files, home: Home, status: int, body: bytes, code: str, state: str
) -> None:
    files.script = [(status, {}, body)]
    assert fetch(erp, limit=2000).error == code
    erp.refresh_from_db()
    assert (erp.state, erp.error_code, erp.cursor) == (state, code, {})
    fetch(erp)
    kept = [str(path) for path in (home.uploads / f"connection-{erp.pk}").iterdir()]
    assert kept == [run.file_path for run in ImportRun.objects.filter(state="done")]


def test_a_parquet_file_is_known_by_what_is_in_it(erp: Connection, files: Files, home: Home, tmp_path: Path) -> None:
    columns = {name: [value] for name, value in zip(*(line.split(",") for line in ORDERS.split()), strict=True)}
    pq.write_table(pa.table(columns), tmp_path / "orders")
    files.body = (tmp_path / "orders").read_bytes()
    assert fetch(erp).rows == 1
    assert [(r["order_id"], r["amount_minor"]) for r in facts(home)] == [("A1", 950)]


def test_a_redirection_to_where_nothing_may_be_called_is_not_followed(
    erp: Connection, files: Files, home: Home
) -> None:
    for target in ("http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "ftp://127.0.0.1/"):
        files.script = [(302, {"Location": target}, b"")]
        assert fetch(erp).error == "address_refused"
    files.script = [(302, {"Location": "/other.csv"}, b""), (200, {}, ORDERS.encode())]
    assert fetch(erp).rows == 1


def test_a_token_goes_to_its_own_host_only(files: Files, tmp_path: Path) -> None:
    other = Files()
    with serving(files) as url, serving(other) as elsewhere:
        files.script = [(302, {"Location": elsewhere}, b"")]
        http = OutsideHttp(limit=1 << 20, loopback=True)
        http.download(url, tmp_path / "a", headers={"Authorization": "Bearer t0ken"})
    assert files.asked[0]["authorization"] == "Bearer t0ken"
    assert "authorization" not in other.asked[0]


def test_an_answer_that_breaks_off_is_no_file(erp: Connection, files: Files) -> None:
    files.script = [(200, {"Content-Length": "900"}, ORDERS.encode())]
    assert fetch(erp).error == "unreachable"
    assert not ImportRun.objects.exists()


def test_a_good_pull_without_news_keeps_the_feed_fresh_and_a_silent_one_is_late(erp: Connection) -> None:
    fetch(erp)
    ImportRun.objects.update(created_at=NOW.instant - timedelta(days=20))

    def feed(hours: int) -> FeedView:
        later = FixedClock(NOW.instant + timedelta(hours=hours))
        found = find_feed("erp", brand=Brand(), clock=later, kind=FILES)
        assert found is not None
        return found

    assert (feed(1).is_late, feed(1).last_received_at) == (False, NOW.instant)
    assert feed(2).is_late
    assert [one.remedy for one in advise(feed(2), timedelta(hours=2))] == [
        "See with the connection what is wrong and what to do."
    ]
