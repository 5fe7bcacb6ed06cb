"""Every path at once against the rules of contact, with workers killed in between: nobody is contacted who may not be.

What arrived is what a server recorded; whether it was allowed is worked out here from what was done, not by the code
that decides. Of what happens while a message leaves (a withdrawal in the same instant of the clock) either order is
right.
"""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.process
import os
import random
import threading
import time
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from huitou.accounts.models import Brand
from huitou.accounts.services import create_brand
from huitou.core.clock import FixedClock
from huitou.customers.joining import CannotMergeError, merge_customers
from huitou.customers.models import Identifier, Person, PersonLink
from huitou.customers.telling import ConsentDecision, record_consents
from huitou.experiments.models import Assignment
from huitou.messaging import wire
from huitou.messaging.accounts import create_account
from huitou.messaging.channel import Receipt
from huitou.messaging.content import Content, Words
from huitou.messaging.loop import run_turn
from huitou.messaging.models import Attempt, ContactPolicy, Touch
from huitou.messaging.operating import send_by_hand
from huitou.messaging.receiving import take_receipts
from huitou.messaging.services import TouchRequest, request_touches
from tests.soak.outcome import write_result

ATTEMPTS = int(os.environ.get("HUITOU_TEST_ATTACK_TOUCHES", "100000"))
CUSTOMERS = max(ATTEMPTS // 10, 50)
WORKERS, PER_ROUND, CAP_DAY, CAP_WEEK, PER_MINUTE = 2, 2_000, 1, 3, 4_000
SHANGHAI = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)


class Recorder(ThreadingHTTPServer):
    """A provider that notes what arrives before it answers, and often answers badly, late or not at all."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock, self.draw = threading.Lock(), random.Random(seed)
        self.arrived: list[dict[str, Any]] = []
        self.answers: Counter[str] = Counter()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        assert isinstance(server, Recorder)
        with server.lock:
            answer = server.draw.choices(
                ["taken", "busy", "gone", "broken", "silent", "hangs_up"], [85.8, 0.2, 4, 4, 1, 5]
            )[0]
            server.answers[answer] += 1
            if answer not in ("busy", "gone"):
                # What is refused outright reached nobody; of everything else the customer may have heard.
                server.arrived.append({"touch": told["touch_id"], "key": told["id"], "source": told["source"]})
        if answer == "silent":
            time.sleep(1.0)
        if answer in ("silent", "hangs_up"):
            self.close_connection = True
            return
        self.send_response({"taken": 200, "busy": 429, "gone": 410, "broken": 502}[answer])
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class Attack:
    """What is done to the store, and what of it the oracle needs to know."""

    def __init__(self, seed: int, people: list[int]) -> None:
        self.draw, self.people, self.now = random.Random(seed), people, START
        self.decisions: dict[tuple[int, str], list[tuple[datetime, bool]]] = defaultdict(list)
        self.merges: list[tuple[datetime, int, int]] = []
        self.asked, self.kills = 0, 0

    @property
    def clock(self) -> FixedClock:
        return FixedClock(self.now)

    def request(self, count: int) -> None:
        """Journeys ask for many, people for some, tests for a few; some ask again with the same key."""
        wanted = []
        for _ in range(count):
            number = self.draw.randrange(self.asked + 1) if self.draw.random() < 0.05 else self.asked
            self.asked += number == self.asked
            rng = random.Random(number)
            channels = rng.choice([("webhook/chat", "webhook/text"), ("webhook/text",), ("webhook/chat",)])
            wanted.append(
                TouchRequest(
                    key=f"attack:{number}",
                    customer_id=self.people[rng.randrange(len(self.people))],
                    source=f"launch:{rng.randrange(20)}",
                    channels=channels,
                    content=Content({"zh": Words(text=f"内容 {rng.randrange(400)}", link="https://example.com/x")}),
                    purpose="marketing" if rng.random() < 0.9 else "service",
                    priority=rng.randrange(5),
                    fallback_after=timedelta(hours=rng.choice([1, 5])) if len(channels) > 1 else None,
                    send_after=self.now,
                    not_after=self.now + timedelta(hours=rng.choice([1, 8, 30])),
                )
            )
        request_touches(wanted, clock=self.clock)
        for is_test in (False, True):
            for _ in range(5):
                send_by_hand(
                    customer_id=self.draw.choice(self.people),
                    channels=("webhook/text",),
                    content=Content({"zh": Words(text=f"手工 {self.draw.randrange(50)}")}),
                    is_test=is_test,
                    clock=self.clock,
                )
                self.asked += 1

    def decide(self, share: float) -> None:
        """Some take their consent back, some give it again."""
        chosen = self.draw.sample(self.people, int(len(self.people) * share))
        decisions = []
        for person in chosen:
            channel, granted = self.draw.choice(["chat", "text"]), self.draw.random() < 0.75
            decisions.append(ConsentDecision(person, channel, "marketing", granted, self.now, "attack", ""))
            self.decisions[person, channel].append((self.now, granted))
        record_consents(decisions=decisions, clock=self.clock)

    def merge(self) -> None:
        a, b = self.draw.sample(self.people, 2)
        try:
            merge_customers(person_a=a, person_b=b, note="", clock=self.clock)
        except CannotMergeError:
            return
        self.merges.append((self.now, a, b))

    def report(self) -> None:
        """Receipts of messages that went out, in any order and twice."""
        rows = list(Touch.objects.exclude(sent_at=None).order_by("?").values_list("pk", flat=True)[:100])
        for status in ("read", "delivered", "clicked", "read"):
            told = [Receipt("", status, self.now, touch_id=pk) for pk in rows if self.draw.random() < 0.3]
            take_receipts(told, account=None, origin="callback", clock=self.clock)


def start_worker() -> multiprocessing.process.BaseProcess:
    """A process of its own with a connection of its own, which sends what is due until it is killed."""
    made = multiprocessing.get_context("fork").Process(target=_work, daemon=True)
    made.start()
    return made


def _work() -> None:
    # The parent's connection stays the parent's.
    connection.connection = None
    connection.in_atomic_block = False
    while True:
        try:
            run_turn(home=settings.HOME)
        except OperationalError:
            connection.close()
        time.sleep(0.02)


@pytest.fixture
def people(transactional_db: None) -> list[int]:
    create_brand(name="Brand", clock=FixedClock(START))
    Brand.objects.update(clock_now=START)
    ContactPolicy.objects.create(pk=1, cap_day=CAP_DAY, cap_week=CAP_WEEK, duplicate_days=3, fatigue_is_on=False)
    made = Person.objects.bulk_create(Person(created_at=START) for _ in range(CUSTOMERS))
    Identifier.objects.bulk_create(
        Identifier(kind="customer_id", value=f"c{p.pk}", person=p) for p in made if p.pk % 17
    )
    return [p.pk for p in made]


@pytest.mark.soak
def test_nobody_is_contacted_who_may_not_be(people: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LOOPBACK", True)
    monkeypatch.setattr(wire, "ANSWER_SECONDS", 0.5)
    seed = int(os.environ.get("HUITOU_TEST_SEED", time.time_ns() % 1_000_000_000))
    server = Recorder(seed)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    attack = Attack(seed, people)
    secret = "bWF5IHRoZSBnb3Zlcm5vciBob2xkIGFnYWluc3QgaXQ="
    for name in ("chat", "text"):
        create_account(
            kind="webhook",
            name=name,
            settings={
                "url": f"http://127.0.0.1:{server.server_address[1]}/{name}",
                "secret": secret,
                "consent_channel": name,
            },
            per_minute=PER_MINUTE if name == "text" else None,
            clock=attack.clock,
        )
    attack.decide(0.9)
    attack.decide(0.9)
    workers = [start_worker() for _ in range(WORKERS)]
    try:
        while attack.asked < ATTEMPTS:
            attack.request(PER_ROUND)
            attack.report()
            for _ in range(5):
                attack.merge()
            _let_work(attack, workers)
            attack.now += timedelta(minutes=attack.draw.choice([25, 40, 130]))
            Brand.objects.update(clock_now=attack.now)
            attack.decide(0.03)
        _let_work(attack, workers)
    finally:
        for worker in workers:
            worker.kill()
            worker.join()
        server.shutdown()
        server.server_close()
    told = judge_all(attack, server)
    write_result("contact_attack", {"seed": seed, **told})
    assert told["violations"] == {}, told
    assert told["arrived"] > ATTEMPTS // 50, told


def _let_work(attack: Attack, workers: list[multiprocessing.process.BaseProcess]) -> None:
    """Until little is due; meanwhile a worker dies now and then at whatever it does."""
    end = time.monotonic() + 90
    while time.monotonic() < end:
        time.sleep(attack.draw.uniform(0.3, 1.5))
        if attack.draw.random() < 0.15:
            place = attack.draw.randrange(len(workers))
            workers[place].kill()
            workers[place].join()
            attack.kills += 1
            workers[place] = start_worker()
        due = Touch.objects.filter(state__in=("planned", "waiting"), next_at__lte=attack.now).count()
        if due + Touch.objects.filter(state="sending").count() < 50:
            return


def judge_all(attack: Attack, server: Recorder) -> dict[str, Any]:
    """Every message that arrived, held against what was done."""
    violations: Counter[str] = Counter()
    attempts = {a.key: a for a in Attempt.objects.select_related("touch", "account")}
    customers = dict(PersonLink.objects.values_list("person_id", "customer_id"))
    draws = _holdout_draws()
    held = {person for person, rows in draws.items() if any(arm == "control" for _at, _pk, arm in rows)}
    by_touch: Counter[int] = Counter(row["touch"] for row in server.arrived)
    violations["twice"] += sum(n - 1 for n in by_touch.values())
    per_day: Counter[tuple[int, date]] = Counter()
    per_week: Counter[tuple[int, date]] = Counter()
    per_minute: dict[str, list[datetime]] = defaultdict(list)
    for row in server.arrived:
        attempt = attempts.get(row["key"])
        if attempt is None:
            violations["not_written_down"] += 1
            continue
        touch, at = attempt.touch, attempt.started_at
        wall = at.astimezone(SHANGHAI)
        if wall.hour >= 21 or wall.hour < 9:
            violations["quiet_hours"] += 1
        if at > touch.not_after or at < touch.send_after:
            violations["outside_window"] += 1
        per_minute[attempt.account.name].append(at)
        if touch.purpose != "marketing":
            violations["service_without_consent"] += 1  # nobody agreed to service messages
            continue
        if not _agreed(attack, touch.person_id, attempt.account.name, at):
            violations["no_consent"] += 1
        if _held_out(attack, draws, touch.person_id, at):
            violations["held_out"] += 1
        day = wall.date()
        per_day[touch.person_id, day] += 1
        per_week[touch.person_id, day - timedelta(days=day.weekday())] += 1
    violations["cap_day"] += sum(max(n - CAP_DAY, 0) for n in per_day.values())
    violations["cap_week"] += sum(max(n - CAP_WEEK, 0) for n in per_week.values())
    violations["quota"] += sum(max(n - PER_MINUTE, 0) for n in Counter(per_minute["text"]).values())
    violations["merged_cap"] += _merged_excess(attack, server, attempts, customers)
    return {
        "attempted": attack.asked,
        "arrived": len(server.arrived),
        "kills": attack.kills,
        "merges": len(attack.merges),
        "withdrawals": sum(not granted for rows in attack.decisions.values() for _at, granted in rows),
        "held_out": len(held),
        "answers": dict(server.answers),
        "states": dict(Counter(Touch.objects.values_list("state", flat=True))),
        "reasons": dict(Counter(Touch.objects.values_list("reason", flat=True))),
        "violations": {name: n for name, n in violations.items() if n},
    }


def _agreed(attack: Attack, person: int, channel: str, at: datetime) -> bool:
    """Whether the person itself had agreed then; a decision of the same instant counts for either."""
    rows = attack.decisions.get((person, channel), [])
    before = [granted for when, granted in rows if when < at]
    same = [granted for when, granted in rows if when == at]
    return any(same) or bool(before and before[-1]) or any(_of_others(attack, person, channel, at))


def _of_others(attack: Attack, person: int, channel: str, at: datetime) -> list[bool]:
    """Grants of the persons that were merged with this one: any of them may speak for a person who never decided."""
    together = _together(attack, person, max(when for when, *_pair in attack.merges)) if attack.merges else {person}
    return [
        granted
        for other in together - {person}
        for when, granted in attack.decisions.get((other, channel), [])
        if when <= at
    ]


def _holdout_draws() -> dict[int, list[tuple[datetime, int, str]]]:
    """What each person drew for the holdout: when, in which order, and the arm."""
    draws: dict[int, list[tuple[datetime, int, str]]] = defaultdict(list)
    for row in Assignment.objects.filter(experiment__kind="holdout"):
        draws[row.person_id].append((row.at, row.pk, row.arm))
    return draws


def _held_out(attack: Attack, draws: dict[int, list[tuple[datetime, int, str]]], person: int, at: datetime) -> bool:
    """Whether the customer whose person this was then was in the holdout, or was contacted before it was drawn.

    The first draw of all its persons counts. A merge of the same instant may have come before the message or after it:
    held out is who is so either way.
    """
    for upto in (at - timedelta(microseconds=1), at):
        together = _together(attack, person, upto)
        first = min((draw for one in together for draw in draws.get(one, []) if draw[0] <= at), default=None)
        if first is not None and first[2] != "control":
            return False
    return True


def _together(attack: Attack, person: int, upto: datetime) -> set[int]:
    """The person with all that were merged with it, directly or through others."""
    found, grown = set[int](), {person}
    while grown != found:
        found = grown
        grown = found | {one for when, *pair in attack.merges if when <= upto and found & {*pair} for one in pair}
    return found


def _merged_excess(attack: Attack, server: Recorder, attempts: dict[str, Attempt], customers: dict[int, int]) -> int:
    """Contacts of merged persons beyond the day's cap that began after the merge and after the ones they exceed."""
    since: dict[int, datetime] = {}
    for when, a, b in attack.merges:
        for person in (a, b):
            since[customers.get(person, person)] = max(since.get(customers.get(person, person), when), when)
    excess, seen = 0, Counter[tuple[int, date]]()
    rows = [attempts[row["key"]] for row in server.arrived if row["key"] in attempts]
    for attempt in sorted(rows, key=lambda a: (a.started_at, a.pk)):
        customer = customers.get(attempt.touch.person_id, attempt.touch.person_id)
        if customer not in since or attempt.touch.purpose != "marketing":
            continue
        day = attempt.started_at.astimezone(SHANGHAI).date()
        seen[customer, day] += 1
        if seen[customer, day] > CAP_DAY and attempt.started_at > since[customer]:
            excess += 1
    return excess
