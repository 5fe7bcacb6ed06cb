"""Sightings to persons: who owns what, what joins, what keeps apart, and that the order inside a batch says nothing."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings

from huitou.accounts.models import AuditEntry
from huitou.core.clock import FixedClock
from huitou.customers.groups import customers_of
from huitou.customers.models import Barrier, Identifier, Merge, Person, PersonLink, ReviewCase
from huitou.customers.services import (
    CannotMergeError,
    Sighting,
    give_identifiers,
    keep_apart,
    merge_customers,
    resolve_person_ids,
    resolve_persons,
    resolve_sightings,
    undo_merge,
)

NOW = datetime(2024, 5, 1, tzinfo=UTC)
CLOCK = FixedClock(NOW)
Given = tuple[str, str, str]
U1, U2, U3 = (("customer_id", "", f"u{n}") for n in (1, 2, 3))
A1, A2 = (("anonymous_id", "", f"a{n}") for n in (1, 2))
PHONE = ("phone", "", "139 1234 5670")
PHONE_2 = ("phone", "", "13712345670")
MAIL = ("email", "", "Li@qq.com")
MAIL_2 = ("email", "", "lei@qq.com")
TAOBAO_1, TAOBAO_2 = (("buyer_id", "taobao:shop", f"t{n}") for n in (1, 2))
DOUYIN = ("buyer_id", "douyin:shop", "d1")

pytestmark = pytest.mark.django_db


def see(*facts: tuple[Given, ...], joins: bool = True, minute: int = 0) -> list[int | None]:
    """Persons of facts that come in one batch, each a minute after the one before."""
    sightings = [
        Sighting(ref, identifiers, NOW + timedelta(minutes=minute + ref), joins)
        for ref, identifiers in enumerate(facts)
    ]
    found = resolve_sightings(sightings=sightings, source="shop", clock=CLOCK)
    return [found.get(ref) for ref in range(len(facts))]


def customer(person: int | None) -> int:
    assert person is not None
    return customers_of([person])[person]


def groups() -> set[frozenset[str]]:
    """Values of all identifiers, by customer."""
    together: dict[int, set[str]] = {}
    links = dict(PersonLink.objects.values_list("person_id", "customer_id"))
    for person, value in Identifier.objects.values_list("person_id", "value"):
        together.setdefault(links.get(person, person), set()).add(value)
    return {frozenset(values) for values in together.values()}


def test_a_fact_belongs_to_the_owner_of_its_strongest_identifier() -> None:
    """The device of somebody who signs in later is theirs; spelling does not matter; junk finds nobody."""
    before, after, by_phone, again, nobody = see(
        (A1,),
        (A1, U1),
        (U1, PHONE),
        (("phone", "", "+86-139-1234-5670"),),
        (("phone", "", "13800138000"), ("customer_id", "", "unknown"), ("shoe", "", "7")),
    )
    assert before == after == by_phone == again
    assert nobody is None
    assert Person.objects.count() == 1
    assert not Merge.objects.exists()
    mine = Identifier.objects.get(kind="phone")
    assert (mine.value, mine.first_source, mine.first_seen_at) == ("+8613912345670", "shop", NOW + timedelta(minutes=2))


def test_an_identifier_was_first_seen_when_the_earliest_fact_says() -> None:
    """Whatever comes in first; what is later, or by a file without a time of its own, moves nothing."""
    see((U1, PHONE), minute=50)
    resolve_sightings(sightings=[Sighting(1, (U1,), NOW)], source="backfill", clock=FixedClock(NOW))
    see((U1, PHONE), minute=70)
    resolve_person_ids(values=[U1[2]], clock=FixedClock(NOW), source="file")
    first = {i.kind: (i.first_source, i.first_seen_at) for i in Identifier.objects.all()}
    assert first == {"customer_id": ("backfill", NOW), "phone": ("shop", NOW + timedelta(minutes=50))}

    person, earlier = Identifier.objects.get(kind="phone").person_id, NOW - timedelta(days=90)
    give_identifiers(
        kind="phone", rows=[(person, "+8613912345670", earlier)], source="orders.csv", clock=FixedClock(NOW)
    )
    row = f'"{U1[2]}",,,,,"",{earlier.isoformat()}\n'.encode()
    resolve_persons(blocks=[row], clock=FixedClock(NOW), source="orders.csv")
    assert set(Identifier.objects.values_list("first_source", "first_seen_at")) == {("orders.csv", earlier)}


def test_accounts_of_several_places_are_persons_joined_by_the_phone_they_share() -> None:
    """Each account keeps a person, so that the join can be explained and undone."""
    taobao, douyin = see((TAOBAO_1, PHONE), (DOUYIN, PHONE))
    assert taobao != douyin
    assert customer(taobao) == customer(douyin) == min(taobao or 0, douyin or 0)
    merge = Merge.objects.get()
    assert (merge.rule, merge.source, merge.seen_at) == ("phone", "shop", NOW + timedelta(minutes=1))
    audit = AuditEntry.objects.get()
    assert (audit.action, audit.count, audit.actor_label) == ("customers.merged", 1, "shop")


def test_a_chain_inside_one_batch_is_one_customer() -> None:
    """Device, customer number, phone and two accounts, each tied to the next in another fact."""
    found = see((A1,), (A1, U1), (U1, PHONE), (PHONE, DOUYIN), (DOUYIN, MAIL), (MAIL, TAOBAO_1))
    assert len({customer(person) for person in found}) == 1
    assert groups() == {frozenset({"a1", "u1", "+8613912345670", "d1", "li@qq.com", "t1"})}


def test_two_values_of_what_a_customer_has_once_keep_apart() -> None:
    """One phone on two accounts of one shop: a case for people, opened once, with what clashes."""
    first, second = see((TAOBAO_1, PHONE), (TAOBAO_2, PHONE))
    assert customer(first) != customer(second)
    see((TAOBAO_2, PHONE), minute=9)
    case = ReviewCase.objects.get()
    assert (case.reason, {case.person_a_id, case.person_b_id}) == ("conflict", {first, second})
    assert case.clashes == [["buyer_id", "taobao:shop"]]
    assert case.identifier == Identifier.objects.get(kind="phone")


def test_a_conflict_reaches_through_customers() -> None:
    """What is joined already counts: the second account cannot come in by another door."""
    see((TAOBAO_1, PHONE), (DOUYIN, PHONE))
    other, douyin = see((TAOBAO_2, MAIL), (DOUYIN, MAIL), minute=9)
    assert customer(other) != customer(douyin)
    assert ReviewCase.objects.get().clashes == [["buyer_id", "taobao:shop"]]


def test_a_second_account_beside_the_first_is_a_person_of_its_own() -> None:
    """Somebody signs in with another WeChat user: the fact stays, the second user is somebody else until decided."""
    me, again = see((U1, ("unionid", "", "w1")), (U1, ("unionid", "", "w2")))
    assert me == again
    assert customer(Identifier.objects.get(value="w2").person_id) != me
    assert ReviewCase.objects.get().clashes == [["unionid", ""]]


def test_a_phone_of_many_accounts_joins_nobody(settings: LazySettings) -> None:
    """Once it is on more accounts of one shop than allowed, even what it had joined comes apart."""
    settings.SHARED_IDENTIFIER_ACCOUNTS = 3
    accounts = [("buyer_id", "taobao:shop", f"t{n}") for n in range(4)]
    taobao, douyin, *_ = see((accounts[0], PHONE), (DOUYIN, PHONE), *(((account, PHONE)) for account in accounts[1:3]))
    assert customer(taobao) == customer(douyin)
    see((accounts[3], PHONE), minute=9)
    assert customer(taobao) != customer(douyin)
    assert Merge.objects.get().end_reason == "stopped"
    assert ReviewCase.objects.filter(reason="shared").count() == 1
    mail, _phone = see((U1, PHONE), (U2, PHONE), minute=20)
    assert customer(mail) == mail
    assert not Barrier.objects.exists()


def test_what_other_evidence_joins_survives_the_stop(settings: LazySettings) -> None:
    """A mail that joined nobody, because the phone had, joins again; what was parted by hand stays parted."""
    settings.SHARED_IDENTIFIER_ACCOUNTS = 2
    taobao, douyin = see((TAOBAO_1, PHONE, MAIL), (DOUYIN, PHONE, MAIL))
    a, b = see((U1, MAIL_2), (("unionid", "", "w1"), MAIL_2))
    undo_merge(merge_id=Merge.objects.get(rule="email").pk, clock=CLOCK)
    see((U1, PHONE), minute=5)
    see(*((("buyer_id", "taobao:shop", f"n{n}"), PHONE) for n in range(2)), minute=9)
    assert Identifier.objects.get(kind="phone").stopped_at
    assert customer(taobao) == customer(douyin)
    assert customer(a) == a
    assert customer(b) == b
    assert Merge.objects.get(ended_at=None).rule == "email"


def test_facts_with_nothing_but_what_many_share_are_nobodys(settings: LazySettings) -> None:
    """The tablet of a store does not belong to whoever was seen with it first; other identifiers go on counting."""
    settings.SHARED_IDENTIFIER_ACCOUNTS = 2
    tablet = ("anonymous_id", "", "tablet")
    first, *_ = see(*((account, tablet, PHONE) for account in (U1, U2, U3)))
    alone, both, mail, signed_in = see((tablet,), (PHONE, tablet), (PHONE, tablet, MAIL), (U2, tablet), minute=9)
    assert alone is None
    assert both is None
    assert mail not in (None, first)
    assert signed_in == Identifier.objects.get(value="u2").person_id
    assert Identifier.objects.get(kind="email").person_id == mail


def test_of_a_large_batch_only_what_is_new_is_made_wherever_it_stands() -> None:
    facts = [(("customer_id", "", f"c{n:03}"),) for n in range(800)]
    known = see(*facts)
    assert see(*facts) == known
    *old, last = see(*facts, (("customer_id", "", "d"),))
    assert old == known
    first, *old = see((("customer_id", "", "b"),), *facts)
    assert old == known
    assert {*known, first, last} == set(Person.objects.values_list("pk", flat=True))


def test_sightings_that_may_not_join_only_look_up() -> None:
    """Known persons stay apart; what is new still finds its owner."""
    one, two = see((U1, A1), (TAOBAO_1, PHONE))
    found = see((U1, PHONE), (U1, MAIL), joins=False, minute=5)
    assert found == [one, one]
    assert customer(one) != customer(two)
    assert Identifier.objects.get(kind="email").person_id == one


@pytest.mark.parametrize("seed", range(24))
def test_the_order_inside_a_batch_says_nothing(seed: int) -> None:
    """The same facts at the same times, shuffled: the same persons, customers, merges and cases."""
    facts = [(A1, U1), (U1, PHONE), (PHONE, TAOBAO_1), (TAOBAO_2, PHONE)]
    order = list(itertools.permutations(range(4)))[seed]
    sightings = [Sighting(n, facts[n], NOW + timedelta(minutes=n % 2)) for n in order]
    found = resolve_sightings(sightings=sightings, source="shop", clock=CLOCK)
    first = min(found.values())
    assert {ref: person - first for ref, person in found.items()} == {0: 1, 1: 1, 2: 0, 3: 2}
    assert groups() == {frozenset({"a1", "u1", "+8613912345670", "t1"}), frozenset({"t2"})}
    assert [(m.person_a_id - first, m.person_b_id - first) for m in Merge.objects.all()] == [(0, 1)]
    assert ReviewCase.objects.count() == 1


def test_undoing_divides_and_keeps_what_came_between() -> None:
    """a–b and b–c; undone a–b: b and c stay together, and no later sighting joins a to them again."""
    a, b = see((TAOBAO_1, PHONE), (DOUYIN, PHONE))
    c, _b = see((U1, MAIL), (DOUYIN, MAIL), minute=5)
    assert customer(a) == customer(b) == customer(c)
    merge = Merge.objects.get(rule="phone")
    undo_merge(merge_id=merge.pk, clock=CLOCK)
    assert customer(a) == a
    assert customer(c) == customer(b) != a
    see((U1, PHONE), (DOUYIN, PHONE), (TAOBAO_1, MAIL), minute=9)
    assert customer(a) == a
    merge_customers(person_a=c or 0, person_b=a or 0, clock=CLOCK)
    assert customer(a) == customer(b) == customer(c)
    assert Barrier.objects.get().lifted_at == NOW
    with pytest.raises(CannotMergeError):
        merge_customers(person_a=c or 0, person_b=a or 0, clock=CLOCK)


def test_a_manual_merge_overrules_a_conflict_and_keeping_apart_settles_it() -> None:
    """Both answers to a case close it."""
    first, second = see((TAOBAO_1, PHONE), (TAOBAO_2, PHONE))
    merge_customers(person_a=first or 0, person_b=second or 0, clock=CLOCK, note="called them")
    assert customer(second) == first
    assert ReviewCase.objects.get().resolution == "merged"
    one, other = see((U1, PHONE_2), (U2, PHONE_2), minute=9)
    keep_apart(person_a=one or 0, person_b=other or 0, clock=CLOCK)
    keep_apart(person_a=one or 0, person_b=other or 0, clock=CLOCK)
    assert ReviewCase.objects.get(person_a=one).resolution == "kept"
    assert Barrier.objects.count() == 1


def test_a_barrier_holds_for_whoever_joins_the_barred_in_the_same_batch() -> None:
    """a and b were parted; c joins a and is then seen with b: b stays apart, whatever the order of the ids."""
    (c,) = see((U1, MAIL_2))
    a, b = see((TAOBAO_1, PHONE), (DOUYIN, PHONE), minute=1)
    undo_merge(merge_id=Merge.objects.get().pk, clock=CLOCK)
    see((U1, MAIL), (TAOBAO_1, MAIL), (DOUYIN, MAIL_2), minute=5)
    assert customer(a) == customer(c)
    assert customer(b) == b
