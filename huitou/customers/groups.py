"""Persons grouped into customers, in memory: who is with whom, what they hold, and what keeps them apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db import connection

from huitou.customers.identifier_kind import IDENTIFIER_KINDS, Key
from huitou.customers.sql import joins as sql

Place = tuple[str, str]


class Groups:
    """The customers of some persons as PostgreSQL has them, and what a batch makes of them.

    Persons that are not known yet are added as they come, each a customer of its own.
    """

    def __init__(self) -> None:
        self._root: dict[int, int] = {}
        self.members: dict[int, list[int]] = {}
        self._accounts: dict[int, set[Place]] = {}
        self._barred: dict[int, set[int]] = {}
        self._strength: dict[int, int] = {}
        self._has_account: set[int] = set()

    @classmethod
    def load(cls, person_ids: Iterable[int]) -> Groups:
        """The whole customers that these persons belong to."""
        groups = cls()
        persons = sorted(set(person_ids))
        if not persons:
            return groups
        with connection.cursor() as cursor:
            cursor.execute(sql.CUSTOMERS_OF, [persons])
            customers = {customer for _person, customer in cursor.fetchall()}
            members: dict[int, list[int]] = {customer: [customer] for customer in customers}
            cursor.execute(sql.MEMBERS, [sorted(customers)])
            for customer, person in cursor.fetchall():
                members[customer].append(person)
            for customer, together in members.items():
                groups._put(customer, together)
            everybody = sorted(groups._root)
            cursor.execute(sql.KINDS_OF, [everybody])
            for person, kind, namespace in cursor.fetchall():
                groups.hold(person, (kind, namespace, ""))
            cursor.execute(sql.BARRIERS, {"persons": everybody})
            for a, b in cursor.fetchall():
                groups._bar(a, b)
        return groups

    def _put(self, customer: int, together: list[int]) -> None:
        self.members[customer] = together
        self._accounts[customer] = set()
        self._barred[customer] = set()
        for person in together:
            self._root[person] = customer

    def _bar(self, a: int, b: int) -> None:
        for person, other in ((a, b), (b, a)):
            if person in self._root:
                self._barred[self.customer_of(person)].add(other)

    def add(self, person: int) -> None:
        """A person that nobody knew before."""
        self._put(person, [person])

    def hold(self, person: int, key: Key) -> None:
        """The person has this identifier."""
        kind, namespace, _value = key
        if kind not in IDENTIFIER_KINDS:
            return
        declared = IDENTIFIER_KINDS[kind]
        self._strength[person] = max(self._strength.get(person, 0), declared.strength)
        if declared.is_account:
            self._has_account.add(person)
            self._accounts[self.customer_of(person)].add((kind, namespace))

    def strength_of(self, person: int) -> int:
        """Strength of the strongest identifier that the person itself has."""
        return self._strength.get(person, 0)

    def has_account(self, person: int) -> bool:
        """Whether the person itself has an identifier of an account kind."""
        return person in self._has_account

    def customer_of(self, person: int) -> int:
        """The customer that the person belongs to."""
        root = person
        while self._root[root] != root:
            root = self._root[root]
        while self._root[person] != root:
            self._root[person], person = root, self._root[person]
        return root

    def would_clash(self, person: int, key: Key) -> bool:
        """Whether the person's customer has another account of this kind and namespace already."""
        kind, namespace, _value = key
        return IDENTIFIER_KINDS[kind].is_account and (kind, namespace) in self._accounts[self.customer_of(person)]

    def clashes(self, a: int, b: int) -> list[Place]:
        """Kinds and namespaces of which the customers of two persons each hold a value of their own."""
        return sorted(self._accounts[self.customer_of(a)] & self._accounts[self.customer_of(b)])

    def are_barred(self, a: int, b: int) -> bool:
        """Whether somebody decided that a person of one customer is not one of the other."""
        one, other = self.customer_of(a), self.customer_of(b)
        return any(p in self._root and self.customer_of(p) == other for p in self._barred[one])

    def join(self, a: int, b: int) -> None:
        """The customers of two persons become one, under the smaller id."""
        keep, give = sorted((self.customer_of(a), self.customer_of(b)))
        if keep == give:
            return
        self._root[give] = keep
        self.members[keep] += self.members.pop(give)
        self._accounts[keep] |= self._accounts.pop(give)
        self._barred[keep] |= self._barred.pop(give)


def customers_of(person_ids: Iterable[int]) -> dict[int, int]:
    """The customer that each person belongs to, itself where nobody was joined."""
    persons = sorted(set(person_ids))
    with connection.cursor() as cursor:
        cursor.execute(sql.CUSTOMERS_OF, [persons])
        return {int(person): int(customer) for person, customer in cursor.fetchall()}


def members_of(customer_ids: Iterable[int]) -> dict[int, list[int]]:
    """Every person of these customers, the customer's own first; asked with canonical ids."""
    members = {customer: [customer] for customer in customer_ids}
    found: dict[int, list[int]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(sql.MEMBERS + " ORDER BY 2", [sorted(members)])
        for customer, person in cursor.fetchall():
            found[int(customer)].append(int(person))
    return {customer: own + found[customer] for customer, own in members.items()}
