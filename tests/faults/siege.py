"""A siege of the outbox: every path asks at once, workers are killed at random, providers break, consents change.

What the providers received is the only witness, and the rules are kept a second time here, on paper: nothing of the
governor is asked whether the governor was right.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings as django_settings
from django.db import connection
from django.db.models import Q
from psycopg.conninfo import make_conninfo

from huitou.accounts.models import Brand
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.customers.models import Consent, Identifier, Person
from huitou.experiments.models import HoldoutShare
from huitou.messaging.accounts import create_account
from huitou.messaging.answering import take_callback
from huitou.messaging.channel import CallbackRequest
from huitou.messaging.models import ChannelAccount, Touch
from huitou.messaging.services import Content, TouchRequest, Words, request_touches
from huitou.messaging.tests.providers.aliyun import KEY_ID, KEY_SECRET, SIGN, Aliyun
from huitou.messaging.tests.providers.hook import SECRET as HOOK_SECRET
from huitou.messaging.tests.providers.hook import Hook
from huitou.messaging.tests.providers.server import BREAKS, Answered, Asked, Provider
from huitou.messaging.tests.providers.wecom import AES_KEY, COMPANY, SECRET, TOKEN, WeCom

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 3, 2, 1, tzinfo=UTC)
CHANNELS = {"wecom": "wecom", "sms_aliyun": "sms", "webhook": "app_push"}
_HELD_BP = 1000
_RATE = 0.03
_ROUND_SECONDS = 120
_TEMPLATES = {"SMS_M": ("活动${k}拒收请回复R", True), "SMS_N": ("通知${k}", False)}
_WORKER = """
import os, sys
from pathlib import Path
from huitou.core.boot import boot
boot()
from huitou.core.home import Home
from huitou.messaging import wire
wire.LOOPBACK, wire.ANSWER_SECONDS = True, 2.0
from huitou.messaging.loop import run_turn
Path(sys.argv[2], str(os.getpid())).touch()
while True:
    try:
        run_turn(home=Home(sys.argv[1]))
    except Exception as error:
        print(type(error).__name__, str(error)[:300], file=sys.stderr, flush=True)
"""


@dataclass(frozen=True)
class Arrived:
    """One message as a provider took it: when by the brand's clock, over which channel, to whom, for which key, and in
    which task where its provider has tasks."""

    at: datetime
    channel: str
    customer: int
    key: str
    task: str = ""


@dataclass
class Siege:
    """The besieged: customers with what they agreed to and when, all that arrived, and what of it was taken back before
    anybody heard it."""

    home: Home
    random: random.Random
    now: datetime = START
    customers: list[int] = field(default_factory=list)
    agreed: dict[tuple[int, str], list[tuple[datetime, bool]]] = field(default_factory=lambda: defaultdict(list))
    arrived: list[Arrived] = field(default_factory=list)
    taken_back: list[Arrived] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    kills: int = 0

    def consents(self, customer: int, code: str, granted: bool) -> None:
        """Record a decision about both purposes, on paper too."""
        for purpose in ("marketing", "service"):
            Consent.objects.create(
                person_id=customer, channel=code, purpose=purpose, granted=granted, at=self.now, recorded_at=self.now
            )
        self.agreed[customer, code].append((self.now, granted))


class _Watching(Provider):
    """Notes what was taken, at the hour of the siege."""

    siege: Siege


class WatchedWeCom(WeCom, _Watching):
    def _add_msg_template(self, payload: dict[str, Any]) -> Answered:
        answered = super()._add_msg_template(payload)
        if b'"errcode": 0' in answered.body:
            task = json.loads(answered.body)["msgid"]
            for receiver in payload["external_userid"]:
                _note(self.siege, "wecom", int(receiver.removeprefix("wm-")), payload["text"]["content"], task)
        return answered

    def _cancel_groupmsg_send(self, payload: dict[str, Any]) -> Answered:
        answered = super()._cancel_groupmsg_send(payload)
        if b'"errcode": 0' in answered.body:
            take_back(self.siege, payload["msgid"])
        return answered


class WatchedAliyun(Aliyun, _Watching):
    def _SendSms(self, query: dict[str, str]) -> Answered:  # noqa: N802
        self.hour = self.siege.now.astimezone(ZONE).hour
        before = len(self.messages)
        answered = super()._SendSms(query)
        for message in self.messages[before:]:
            _note(self.siege, "sms_aliyun", int(message.phone[3:]), message.text)
        return answered


class WatchedHook(Hook, _Watching):
    def answer(self, asked: Asked) -> Answered:
        with self.lock:
            before = len(self.bodies)
            answered = super().answer(asked)
            for body in self.bodies[before:]:
                _note(self.siege, "webhook", int(body["to"]["value"].removeprefix("wm-")), body["text"])
        return answered


def _note(siege: Siege, channel: str, customer: int, text: str, task: str = "") -> None:
    key = text.partition("<")[2].partition(">")[0]
    siege.arrived.append(Arrived(siege.now, channel, customer, key, task))


def take_back(siege: Siege, task: str) -> None:
    """Nobody confirms tasks in a siege, so nobody heard it. What was too much while it waited stays too much."""
    gone = [one for one in siege.arrived if one.task == task]
    together = {one.customer for one in gone}
    siege.breaches += too_many(siege, [one for one in siege.arrived if one.customer in together])
    siege.arrived = [one for one in siege.arrived if one.task != task]
    siege.taken_back += gone


def besiege(
    home: Home, *, customers: int, touches: int, rounds: int, seed: int, report: Callable[[str], object] = str
) -> dict[str, Any]:
    """Run the siege in the test's database (which commits) and hold what arrived against the rules on paper; `report`
    hears of each round."""
    siege = Siege(home, random.Random(seed))
    with WatchedWeCom(seed=seed) as wecom, WatchedAliyun(_TEMPLATES, seed=seed) as sms, WatchedHook(seed=seed) as hook:
        for provider in (wecom, sms, hook):
            provider.siege = siege
            provider.rates = dict.fromkeys(BREAKS, _RATE)
        _prepare(siege, customers, wecom, sms, hook)
        for number in range(rounds):
            Brand.objects.update(clock_now=siege.now)
            _refuse_some(siege, wecom, sms, hook)
            _change_minds(siege)
            _ask(siege, touches // rounds, number)
            _welcome(siege, wecom, number)
            _fight(siege)
            siege.now += timedelta(minutes=siege.random.randint(40, 400))
            report(f"round {number + 1} of {rounds}: {len(siege.arrived)} arrived")
        broken = sum(p.counts[kind] for p in (wecom, sms, hook) for kind in BREAKS)
        assert max(wecom.welcomed.values(), default=1) == 1
        welcomed = len(wecom.welcomed)
    hold_against_paper(siege)
    states = Counter(Touch.objects.values_list("state", flat=True))
    return {
        "seed": seed,
        "asked": siege.asked,
        "arrived": len(siege.arrived) + len(siege.taken_back),
        "taken_back": len(siege.taken_back),
        "welcomed": welcomed,
        "kills": siege.kills,
        "broken_answers": broken,
        "states": dict(states),
    }


def _prepare(siege: Siege, count: int, wecom: WeCom, sms: Aliyun, hook: Hook) -> None:
    HoldoutShare.objects.create(share_bp=_HELD_BP, first_day=datetime(2000, 1, 1, tzinfo=UTC).date(), at=START)
    clock = FixedClock(START)
    create_account(
        kind="wecom",
        name="WeCom",
        settings={
            "corp_id": COMPANY,
            "secret": SECRET,
            "callback_token": TOKEN,
            "encoding_aes_key": AES_KEY,
            "customer_limit": "day",
            "address": wecom.address,
        },
        clock=clock,
    )
    key = {"access_key_id": KEY_ID, "access_key_secret": KEY_SECRET, "sign_name": SIGN, "address": sms.address}
    create_account(kind="sms_aliyun", name="SMS", settings=key, clock=clock)
    told = {"url": hook.address, "secret": HOOK_SECRET, "consent_channel": "app_push"}
    create_account(kind="webhook", name="Push", settings=told, clock=clock)
    ChannelAccount.objects.filter(kind="wecom").update(welcome=Content({"zh": Words(text="欢迎<welcome>")}).to_json())
    people = Person.objects.bulk_create(Person(created_at=START) for _ in range(count))
    siege.customers = [person.pk for person in people]
    Identifier.objects.bulk_create(
        Identifier(kind=kind, namespace=space, value=value, person_id=pk)
        for pk in siege.customers
        for kind, space, value in (
            ("phone", "", f"+86139{pk:08}"),
            ("external_userid", COMPANY, f"wm-{pk}"),
            ("customer_id", "", f"wm-{pk}"),
        )
    )
    for pk in siege.customers:
        for code in CHANNELS.values():
            if siege.random.random() < 0.7:
                siege.consents(pk, code, True)
    siege.now += timedelta(minutes=5)


def _refuse_some(siege: Siege, wecom: WeCom, sms: Aliyun, hook: Hook) -> None:
    draw = siege.random
    wecom.refusals = [draw.choice([0, 0, -1, 42001, 45033, 40096]) for _ in range(10)]
    sms.refusals = [
        (draw.choice(["isv.BUSINESS_LIMIT_CONTROL", "isv.MOBILE_NUMBER_ILLEGAL"]), "分钟") for _ in range(5)
    ]
    hook.statuses.extend((draw.choice([404, 429, 500, 503]), {"Retry-After": "60"}) for _ in range(5))
    # What stopped or paused an account was mended.
    ChannelAccount.objects.update(state="active", next_at=None)


def _change_minds(siege: Siege) -> None:
    for pk in siege.random.sample(siege.customers, len(siege.customers) // 10):
        siege.consents(pk, siege.random.choice(list(CHANNELS.values())), siege.random.random() < 0.5)


def _ask(siege: Siege, count: int, number: int) -> None:
    """Launches, sends by hand, tests and notices, of any order of channels, some with the same key again."""
    draw, requests = siege.random, []
    for place in range(count):
        service = draw.random() < 0.3
        source = draw.choice(["launch:1", "launch:2", "manual:3", "test:4"])
        key = f"{source}/{number}/{place}"
        siege.kinds[key] = "service" if service else "marketing"
        requests.append(
            TouchRequest(
                key=key,
                customer_id=draw.choice(siege.customers),
                source=source,
                channels=tuple(draw.sample(list(CHANNELS), draw.randint(1, 3))),
                content=Content({"zh": Words(text=f"<{key}>")}, "SMS_N" if service else "SMS_M", {"k": f"<{key}>"}),
                send_after=siege.now - timedelta(minutes=draw.randint(0, 60)),
                not_after=siege.now + timedelta(hours=draw.randint(1, 72)),
                purpose="service" if service else "marketing",
                priority=draw.randint(0, 3),
                fallback_after=timedelta(hours=2) if draw.random() < 0.3 else None,
            )
        )
    siege.asked += len(requests)
    for start in range(0, len(requests), 1000):
        request_touches(requests[start : start + 1000], clock=FixedClock(siege.now))
    request_touches(requests[: len(requests) // 10], clock=FixedClock(siege.now))


def _welcome(siege: Siege, wecom: WeCom, number: int) -> None:
    account = ChannelAccount.objects.get(kind="wecom")
    for place, pk in enumerate(siege.random.sample(siege.customers, 3)):
        callback = wecom.callback(
            "add_external_contact", f"wm-{pk}", created=int(siege.now.timestamp()), code=f"code-{number}-{place}"
        )
        siege.agreed[pk, "wecom:service"].append((siege.now, True))
        for _time in range(2):
            request = CallbackRequest("POST", {}, callback.query, callback.body)
            told = take_callback(token=account.callback_token, request=request, clock=FixedClock(siege.now))
            assert told is not None
            assert told.status == 200
    siege.asked += 3


def _fight(siege: Siege) -> None:
    """Two workers at once until nothing is due; one is killed at a moment of its own and another takes its place."""
    workers = [_start(siege.home) for _ in range(2)]
    falls = [0.0, 0.0]
    try:
        ends, calm = time.monotonic() + _ROUND_SECONDS, 0
        while time.monotonic() < ends and calm < 3:
            time.sleep(0.1)
            for place, worker in enumerate(workers):
                if not (siege.home.root / "ready" / str(worker.pid)).exists():
                    continue
                # From when it is at work, not from when it was started.
                falls[place] = falls[place] or time.monotonic() + siege.random.uniform(0.5, 30)
                if time.monotonic() > falls[place]:
                    _kill(siege, worker)
                    workers[place], falls[place] = _start(siege.home), 0.0
            due = Touch.objects.filter(Q(next_at__lte=siege.now, state__in=("planned", "waiting")) | Q(state="sending"))
            calm = 0 if due.exists() else calm + 1
    finally:
        for worker in workers:
            _kill(siege, worker)


def _start(home: Home) -> subprocess.Popen[bytes]:
    told = connection.settings_dict
    url = make_conninfo(
        dbname=told["NAME"], user=told["USER"], password=told["PASSWORD"], host=told["HOST"], port=told["PORT"]
    )
    environment = {
        **os.environ,
        "HUITOU_HOME": str(home.root),
        "HUITOU_DATABASE_URL": url,
        "HUITOU_SECRET_KEY": django_settings.SECRET_KEY,
    }
    ready = home.root / "ready"
    ready.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen([sys.executable, "-c", _WORKER, str(home.root), str(ready)], env=environment)


def _kill(siege: Siege, worker: subprocess.Popen[bytes]) -> None:
    assert worker.poll() is None, "a worker ended by itself"
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    siege.kills += 1


def hold_against_paper(siege: Siege) -> None:
    """Every rule, from what arrived and from what customers said; keys that came from nowhere fail too."""
    for one in [*siege.arrived, *siege.taken_back]:
        if one.key == "welcome":
            continue
        local = one.at.astimezone(ZONE)
        assert _agreed(siege, one), f"without consent: {one}"
        opens, closes = 9, 20 if one.channel == "sms_aliyun" else 21
        assert opens <= local.hour < closes, f"in quiet hours: {one}"
        if siege.kinds[one.key] == "marketing":
            assert not is_held_out(one), f"held out: {one}"
    broken = [*siege.breaches, *too_many(siege, siege.arrived)]
    assert not broken, "; ".join(broken)


def too_many(siege: Siege, arrived: Iterable[Arrived]) -> list[str]:
    """What of this should not have arrived together: the same twice, caps, and WeCom's one a day for each customer."""
    groups: dict[tuple[object, ...], list[Arrived]] = defaultdict(list)
    for one in arrived:
        if one.key == "welcome":
            continue
        local = one.at.astimezone(ZONE)
        groups["twice", 1, one.key, one.channel].append(one)
        if one.channel == "wecom":
            groups["quota of WeCom", 1, one.customer, local.date()].append(one)
        if siege.kinds[one.key] == "marketing":
            groups["a day", 1, one.customer, local.date()].append(one)
            groups["a week", 3, one.customer, local.isocalendar()[:2]].append(one)
    return [f"{what}: {found}" for (what, most, *_place), found in groups.items() if len(found) > int(str(most))]


def _agreed(siege: Siege, one: Arrived) -> bool:
    told = list(siege.agreed[one.customer, CHANNELS[one.channel]])
    if siege.kinds[one.key] == "service":
        told += siege.agreed[one.customer, f"{one.channel}:service"]
    # What was said at the same instant may be read either way.
    latest = max((at for at, _granted in told if at <= one.at), default=None)
    return any(granted for at, granted in told if at == latest)


def is_held_out(one: Arrived) -> bool:
    """The draw as it is documented: eight hex digits of md5 over salt and customer, below the share."""
    local = one.at.astimezone(ZONE)
    salt = f"holdout:{local.year}-Q{(local.month + 2) // 3}"
    draw = int(hashlib.md5(f"{salt}:{one.customer}".encode(), usedforsecurity=False).hexdigest()[:8], 16)
    return draw < _HELD_BP * 2**32 // 10_000
