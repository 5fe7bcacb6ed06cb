"""Random activity, merges and undoings against a model: nothing moves, nothing is lost, everything can be undone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections, transaction
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from huitou.core.clock import FixedClock
from huitou.customers.groups import customers_of
from huitou.customers.models import Barrier, Identifier, Merge, Person, PersonLink, ReviewCase
from huitou.customers.services import Sighting, keep_apart, merge_customers, resolve_sightings, undo_merge
from huitou.customers.tests.identity_model import Key, Link, Model, Seen

START = datetime(2024, 1, 1, tzinfo=UTC)
CLOCK = FixedClock(START)
KEYS: list[Key] = [
    *(("customer_id", "", f"u{n}") for n in range(3)),
    *(("buyer_id", place, f"b{n}") for place in ("taobao:s", "douyin:s") for n in range(3)),
    ("unionid", "", "w1"),
    *(("phone", "", f"+861391234567{n}") for n in range(2)),
    ("email", "", "li@qq.com"),
    *(("anonymous_id", "", f"a{n}") for n in range(2)),
]
seen_facts = st.builds(
    Seen,
    at=st.integers(0, 3),
    keys=st.frozensets(st.sampled_from(KEYS), min_size=1, max_size=3),
    joins=st.sampled_from([True, True, True, False]),
)
steps = st.one_of(
    st.tuples(st.just("see"), st.lists(seen_facts, min_size=1, max_size=5)),
    st.tuples(st.just("see"), st.lists(seen_facts, min_size=1, max_size=5)),
    st.tuples(st.just("merge"), st.tuples(st.integers(0, 99), st.integers(0, 99))),
    st.tuples(st.just("undo"), st.integers(0, 99)),
    st.tuples(st.just("apart"), st.tuples(st.integers(0, 99), st.integers(0, 99))),
)


@dataclass
class World:
    """The product and the model side by side. Person n of the model is the n-th person of the product."""

    model: Model
    minute: int = 0
    facts: list[tuple[int, Seen]] = field(default_factory=list)
    known: dict[Key, int] = field(default_factory=dict)

    def persons(self) -> list[int]:
        return list(Person.objects.order_by("pk").values_list("pk", flat=True))

    def see(self, batch: list[Seen]) -> None:
        sightings = [Sighting(n, tuple(s.keys), START + timedelta(minutes=s.at), s.joins) for n, s in enumerate(batch)]
        found = resolve_sightings(sightings=sightings, source="s", clock=CLOCK)
        expected = self.model.observe(batch)
        persons = self.persons()
        assert {n: persons.index(person) for n, person in found.items()} == expected
        self.facts += [(found[n], s) for n, s in enumerate(batch) if n in found]

    def pair(self, picked: tuple[int, int]) -> tuple[int, int] | None:
        count = self.model.persons
        a, b = (pick % count for pick in picked) if count else (0, 0)
        return None if a == b else (a, b)

    def merge(self, picked: tuple[int, int]) -> None:
        pair = self.pair(picked)
        if pair and self.model.merge(*pair):
            persons = self.persons()
            merge_customers(person_a=persons[pair[0]], person_b=persons[pair[1]], clock=CLOCK)

    def apart(self, picked: tuple[int, int]) -> None:
        pair = self.pair(picked)
        if pair and self.model.keep_apart(*pair):
            persons = self.persons()
            keep_apart(person_a=persons[pair[0]], person_b=persons[pair[1]], clock=CLOCK)

    def undo(self, picked: int) -> None:
        active = [link for link in self.model.links if link.active]
        if active:
            self.undo_link(active[picked % len(active)])

    def undo_link(self, link: Link) -> None:
        persons = self.persons()
        merge = Merge.objects.get(person_a=persons[link.a], person_b=persons[link.b], ended_at=None)
        assert merge.rule == (link.key[0] if link.key else "manual")
        undo_merge(merge_id=merge.pk, clock=CLOCK)
        self.model.undo(link)

    def compare(self) -> None:
        """Owners, customers, barriers and cases are the model's; what was known before has not moved."""
        self.model.check()
        persons = self.persons()
        place = {person: n for n, person in enumerate(persons)}
        owners = {(k, ns, v): place[p] for k, ns, v, p in _identifiers()}
        assert owners == self.model.owner
        assert {key: owners[key] for key in self.known} == self.known, "identifiers never move"
        self.known = owners
        customers = customers_of(persons)
        together: dict[int, set[int]] = {}
        for person, customer in customers.items():
            together.setdefault(customer, set()).add(place[person])
        assert {frozenset(group) for group in together.values()} == self.model.customers()
        assert all(place[customer] == min(group) for customer, group in together.items())
        assert not PersonLink.objects.filter(person__joined__isnull=False).exists(), "links lead to the customer itself"
        bars = {
            frozenset((place[a], place[b]))
            for a, b in Barrier.objects.filter(lifted_at=None).values_list("person_a", "person_b")
        }
        assert bars == self.model.barriers
        cases = ReviewCase.objects.filter(reason="conflict").values_list("person_a", "person_b")
        assert {frozenset((place[a], place[b or 0])) for a, b in cases} == self.model.cases
        self.compare_figures(customers, place)

    def compare_figures(self, customers: dict[int, int], place: dict[int, int]) -> None:
        """Facts per customer, as a read that joins the links has them."""
        counted: dict[int, int] = {}
        for person, _seen in self.facts:
            counted[customers[person]] = counted.get(customers[person], 0) + 1
        expected = {
            min(group): sum(place[person] in group for person, _seen in self.facts) for group in self.model.customers()
        }
        assert {place[customer]: n for customer, n in counted.items()} == {c: n for c, n in expected.items() if n}

    def undo_everything(self) -> None:
        for link in [link for link in self.model.links if link.active]:
            self.undo_link(link)
        self.compare()
        assert not PersonLink.objects.exists()
        for person, seen in self.facts:
            owners = {self.persons()[self.model.owner[key]] for key in seen.keys if key in self.model.owner}
            assert person in owners, "every fact is with a person whose identifier it bore"


def _identifiers() -> list[tuple[str, str, str, int]]:
    return list(Identifier.objects.values_list("kind", "namespace", "value", "person_id"))


@contextmanager
def thrown_away() -> Iterator[None]:
    """One example of many, on an empty store."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.django_db
@settings(max_examples=150, deadline=None)
@given(plan=st.lists(steps, min_size=1, max_size=12), limit=st.integers(1, 3))
def test_random_activity_and_decisions_against_a_model(plan: list[tuple[str, object]], limit: int) -> None:
    """Facts before, between and after merges and undoings, out of order, with junk-free identifiers of every kind."""
    with thrown_away(), override_settings(SHARED_IDENTIFIER_ACCOUNTS=limit):
        world = World(Model(limit=limit))
        for name, given_ in plan:
            getattr(world, name)(given_)
            world.compare()
        world.undo_everything()


SHARED: Key = ("phone", "", "+8613912345670")
OTHERS: list[Key] = [
    *(("email", "", f"m{n}@qq.com") for n in range(3)),
    *(("anonymous_id", "", f"a{n}") for n in range(2)),
]
# Facts of buyers at shops of their own: nothing keeps them apart.
buyer_facts = st.tuples(st.integers(0, 4), st.frozensets(st.sampled_from([SHARED, SHARED, *OTHERS]), max_size=3))


@pytest.mark.django_db
@settings(max_examples=60, deadline=None)
@given(batches=st.lists(st.lists(buyer_facts, min_size=1, max_size=4), min_size=1, max_size=6))
def test_a_stopped_identifier_leaves_customers_as_if_it_had_never_joined(
    batches: list[list[tuple[int, frozenset[Key]]]],
) -> None:
    """Who is with whom follows from everything else alone: buyers that share any other identifier, however far."""
    groups = [{n} for n in range(5)]
    for key in OTHERS:
        users = {buyer for batch in batches for buyer, keys in batch if key in keys}
        touched = [group for group in groups if group & users]
        groups = [group for group in groups if not group & users] + [set().union(*touched)] * bool(touched)
    with thrown_away(), override_settings(SHARED_IDENTIFIER_ACCOUNTS=1):
        facts = [[(("buyer_id", f"shop:{n}", "b"), *sorted(keys)) for n, keys in batch] for batch in batches]
        # Three accounts of one shop have the phone in the end, whoever had it first.
        facts += [[(("buyer_id", "other:shop", f"o{n}"), SHARED) for n in range(3)]]
        for batch in facts:
            sightings = [Sighting(n, keys, START) for n, keys in enumerate(batch)]
            resolve_sightings(sightings=sightings, source="s", clock=CLOCK)
        buyers = {
            int(place.removeprefix("shop:")): person
            for kind, place, _value, person in _identifiers()
            if kind == "buyer_id" and place.startswith("shop:")
        }
        customers = customers_of(Person.objects.values_list("pk", flat=True))
        together: dict[int, set[int]] = {}
        for buyer, person in buyers.items():
            together.setdefault(customers[person], set()).add(buyer)
        expected = [group & set(buyers) for group in groups]
        assert sorted(map(sorted, together.values())) == sorted(sorted(group) for group in expected if group)


@pytest.mark.django_db
@settings(max_examples=30, deadline=None)
@given(batch=st.lists(seen_facts, min_size=2, max_size=8), random=st.randoms(use_true_random=False))
def test_the_order_inside_a_batch_says_nothing(batch: list[Seen], random: object) -> None:
    """Shuffled, the same batch ends in the same persons, customers, merges and cases."""
    told = []
    for shuffled in (batch, random.sample(batch, len(batch))):  # type: ignore[attr-defined]
        with thrown_away():
            World(Model(limit=3)).see(shuffled)
            first = Person.objects.order_by("pk").values_list("pk", flat=True)[0]
            told.append(
                (
                    {(k, ns, v): p - first for k, ns, v, p in _identifiers()},
                    {(m.person_a_id - first, m.person_b_id - first, m.rule) for m in Merge.objects.all()},
                    {(c.person_a_id - first, (c.person_b_id or 0) - first) for c in ReviewCase.objects.all()},
                )
            )
    assert told[0] == told[1]


@pytest.mark.django_db(transaction=True)
def test_two_connections_with_the_same_people_make_each_once() -> None:
    """Overlapping batches at once: no person twice, no deadlock, and both get the same answer."""
    facts = [(("customer_id", "", f"u{n}"), ("phone", "", f"1391234{n:04d}")) for n in range(300)]
    links = [(("phone", "", f"1391234{n:04d}"), ("buyer_id", "taobao:s", f"b{n}")) for n in range(300)]
    answers: dict[int, list[dict[int, int]]] = {0: [], 1: []}
    ready = threading.Barrier(2)

    def work(who: int) -> None:
        ready.wait()
        order = facts + links if who == 0 else (facts + links)[::-1]
        for start in range(0, len(order), 100):
            part = order[start : start + 100]
            sightings = [Sighting(n, identifiers, START) for n, identifiers in enumerate(part)]
            with transaction.atomic():
                found = resolve_sightings(sightings=sightings, source="s", clock=CLOCK)
            answers[who].append({hash(part[n]): person for n, person in found.items()})
        connections.close_all()

    threads = [threading.Thread(target=work, args=(who,)) for who in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen: dict[int, int] = {}
    for found in (*answers[0], *answers[1]):
        for fact, person in found.items():
            assert seen.setdefault(fact, person) == person
    assert len(seen) == 600
    owners = dict(Identifier.objects.filter(kind="phone").values_list("value", "person_id"))
    assert len(owners) == 300
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM customers_person p WHERE NOT EXISTS"
            " (SELECT 1 FROM customers_identifier i WHERE i.person_id = p.id)"
        )
        assert cursor.fetchone()[0] == 0, "nobody without an identifier"
    customers = customers_of(Person.objects.values_list("pk", flat=True))
    assert len(set(customers.values())) == 300
