"""Customers are joined between touches, at random: caps count the touches of all, and the strictest consent binds.

The model is written by hand: sets of persons, the days on which each was written to, and each person's last word.
"""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from huitou.core.clock import FixedClock
from huitou.customers.models import Consent, Identifier, Person
from huitou.customers.services import merge_customers
from huitou.messaging.models import ChannelAccount, ContactSlot, Touch
from huitou.messaging.outbox import send_due
from huitou.messaging.services import Content, Words, request_touches
from huitou.messaging.tests.stage import NOON, Recorder, agree, ask, make_customer

PERSONS, CAP_DAY, CAP_WEEK = 4, 1, 3
_SHANGHAI = ZoneInfo("Asia/Shanghai")
who = st.integers(0, PERSONS - 1)
write = st.tuples(st.just("write"), who, who)
moves = st.one_of(
    write,
    write,
    st.tuples(st.just("join"), who, who),
    st.tuples(st.just("say"), who, st.booleans()),
    # By whole days mostly, so that the hours stay open.
    st.tuples(st.just("later"), st.sampled_from([1, 24, 24, 48]), st.none()),
)


class Model:
    """What must hold, by hand."""

    def __init__(self) -> None:
        self.groups = [{n} for n in range(PERSONS)]
        self.word = dict.fromkeys(range(PERSONS), True)
        self.days: dict[int, list[tuple[int, ...]]] = {n: [] for n in range(PERSONS)}

    def group(self, person: int) -> set[int]:
        return next(group for group in self.groups if person in group)

    def join(self, one: int, two: int) -> None:
        a, b = self.group(one), self.group(two)
        if a is not b:
            self.groups.remove(b)
            a |= b

    def may_write(self, person: int, day: tuple[int, ...]) -> bool:
        together = self.group(person)
        written = [at for member in together for at in self.days[member]]
        today = sum(1 for at in written if at == day)
        week = sum(1 for at in written if at[:2] == day[:2])
        return all(self.word[member] for member in together) and today < CAP_DAY and week < CAP_WEEK


@pytest.mark.django_db
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(moves, min_size=12, max_size=30))
@example([("write", 1, 1), ("join", 0, 1), ("write", 0, 0)])
@example([("say", 1, False), ("join", 0, 1), ("write", 0, 0), ("write", 1, 0)])
def test_touches_of_joined_customers_are_counted_together(
    accounts: dict[str, ChannelAccount], recorder: Recorder, told: list[tuple[str, int, int]]
) -> None:
    for model_class in (ContactSlot, Touch, Consent, Identifier, Person):
        model_class.objects.all().delete()
    recorder.sent.clear()
    model, now, number = Model(), NOON, 0
    people = [make_customer() for _ in range(PERSONS)]
    for kind, first, second in told:
        number += 1
        if kind == "later":
            now += timedelta(hours=first)
        elif kind == "join":
            if model.group(first) is not model.group(second):
                merge_customers(person_a=people[first], person_b=people[second], clock=FixedClock(now))
                model.join(first, second)
        elif kind == "say":
            model.word[first] = bool(second)
            now += timedelta(seconds=1)
            agree(people[first], "text", granted=bool(second), at=now + timedelta(days=1) * bool(second))
        else:
            wall = now.astimezone(_SHANGHAI)
            if not 9 <= wall.hour < 20:
                continue
            content = Content({"zh": Words(text=f"第{number}条")})
            request_touches(
                [ask(f"k{number}", people[first], content=content, send_after=now, not_after=now)],
                clock=FixedClock(now),
            )
            before = len(recorder.sent)
            day = wall.isocalendar()
            expected = model.may_write(first, tuple(day))
            send_due(clock=FixedClock(now))
            assert (len(recorder.sent) - before == 1) is expected, (kind, first, str(wall), model.groups, model.word)
            if expected:
                model.days[first].append(tuple(day))
