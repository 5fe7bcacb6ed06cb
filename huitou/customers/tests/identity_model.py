"""Identity as a person would do it with a pencil: lists of persons, links and barriers, everything looked up anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

Key = tuple[str, str, str]
STRENGTH = {"customer_id": 90, "unionid": 70, "buyer_id": 50, "phone": 40, "email": 30, "anonymous_id": 10}
ACCOUNTS = {"customer_id", "unionid", "buyer_id"}


@dataclass(frozen=True)
class Seen:
    """One fact: when, which identifiers, and whether it may join."""

    at: int
    keys: frozenset[Key]
    joins: bool

    def strongest_first(self) -> list[Key]:
        return sorted(self.keys, key=lambda k: (-STRENGTH[k[0]], k))


@dataclass
class Link:
    """One join of two persons; `key` is empty for one made by hand."""

    a: int
    b: int
    key: Key | None
    active: bool = True


@dataclass
class Model:
    """Persons are numbers from 0 in the order they were made."""

    limit: int
    persons: int = 0
    owner: dict[Key, int] = field(default_factory=dict)
    seen_with: dict[Key, dict[int, int]] = field(default_factory=dict)
    stopped: set[Key] = field(default_factory=set)
    links: list[Link] = field(default_factory=list)
    barriers: set[frozenset[int]] = field(default_factory=set)
    cases: set[frozenset[int]] = field(default_factory=set)

    def customer(self, person: int) -> frozenset[int]:
        """Everybody whom active links connect with the person."""
        together = {person}
        while True:
            more = {p for link in self.links if link.active for p in (link.a, link.b) if {link.a, link.b} & together}
            if more <= together:
                return frozenset(together)
            together |= more

    def customers(self) -> set[frozenset[int]]:
        return {self.customer(person) for person in range(self.persons)}

    def accounts(self, persons: frozenset[int] | set[int]) -> set[tuple[str, str]]:
        return {k[:2] for k, owner in self.owner.items() if owner in persons and k[0] in ACCOUNTS}

    def observe(self, batch: list[Seen]) -> dict[int, int]:
        """Take a batch in; the person of each fact by its place."""
        new_uses: dict[tuple[Key, int], int] = {}
        merged: dict[tuple[tuple[Key, ...], bool], int] = {}
        for seen in batch:
            name = tuple(seen.strongest_first()), seen.joins
            merged[name] = min(seen.at, merged.get(name, seen.at))
        kept = {key for key in self.stopped if key[0] not in ACCOUNTS}
        told = {}
        for (keys, joins), at in merged.items():
            if usable := tuple(key for key in keys if key not in kept):
                told[usable, joins, at] = usable
        for at, keys, joins in sorted((at, keys, joins) for keys, joins, at in told):
            person = self._place(keys)
            for key in keys:
                if joins and self.owner[key] != person and key not in self.stopped:
                    new_uses.setdefault((key, person), at)
        self._weigh(new_uses)
        tops = {n: [key for key in seen.strongest_first() if key not in kept] for n, seen in enumerate(batch)}
        return {n: self.owner[keys[0]] for n, keys in tops.items() if keys}

    def _place(self, keys: tuple[Key, ...]) -> int:
        person = self.owner.get(keys[0])
        if person is None:
            person = next((p for k in keys[1:] if (p := self._becomes(k, keys[0])) is not None), None)
        if person is None:
            person = self._make()
        for key in keys:
            if key not in self.owner:
                taken = key[:2] in self.accounts(self.customer(person)) and len(keys) > 1
                self.owner[key] = self._make() if taken else person
        return person

    def _becomes(self, known: Key, top: Key) -> int | None:
        """The person of a weaker identifier, if it becomes better known by this stronger one."""
        person = self.owner.get(known)
        if person is None or known in self.stopped:
            return None
        own = [k for k, owner in self.owner.items() if owner == person]
        if any(STRENGTH[k[0]] >= STRENGTH[top[0]] for k in own):
            return None
        if any(k[0] in ACCOUNTS for k in own) and known[0] not in ACCOUNTS:
            return None
        return None if top[:2] in self.accounts(self.customer(person)) else person

    def _make(self) -> int:
        self.persons += 1
        return self.persons - 1

    def _weigh(self, uses: dict[tuple[Key, int], int]) -> None:
        for (key, person), at in uses.items():
            self.seen_with.setdefault(key, {}).setdefault(person, at)
        parted: set[int] = set()
        before = {person: self.customer(person) for person in range(self.persons)}
        for key in {key for key, _person in uses} - self.stopped:
            users = {*self.seen_with[key], self.owner[key]}
            held = [k[:2] for k, owner in self.owner.items() if owner in users and k[0] in ACCOUNTS and k != key]
            if any(held.count(place) > self.limit for place in held):
                self.stopped.add(key)
                for link in self.links:
                    if link.active and link.key == key:
                        link.active = False
                        parted |= before[link.a]
        # Whatever was seen of somebody whose customer came apart counts again.
        again = [
            ((key, person), at)
            for key, users_at in self.seen_with.items()
            for person, at in users_at.items()
            if person in parted or self.owner[key] in parted
        ]
        order = sorted(
            [*uses.items(), *again],
            key=lambda use: (
                -STRENGTH[use[0][0][0]],
                use[1],
                sorted((use[0][1], self.owner[use[0][0]])),
                use[0][0],
            ),
        )
        for (key, person), _at in order:
            ours, theirs = self.customer(person), self.customer(self.owner[key])
            barred = any(frozenset((a, b)) in self.barriers for a in ours for b in theirs)
            if key in self.stopped or ours == theirs or barred:
                continue
            if self.accounts(ours) & self.accounts(theirs):
                self.cases.add(frozenset((person, self.owner[key])))
            else:
                a, b = sorted((person, self.owner[key]))
                self.links.append(Link(a, b, key))

    def merge(self, a: int, b: int) -> bool:
        """By hand; False where they are one already."""
        ours, theirs = self.customer(a), self.customer(b)
        if ours == theirs:
            return False
        self.barriers = {bar for bar in self.barriers if not (bar & ours and bar & theirs)}
        self.links.append(Link(min(a, b), max(a, b), None))
        return True

    def undo(self, link: Link) -> None:
        link.active = False
        self.barriers.add(frozenset((link.a, link.b)))

    def keep_apart(self, a: int, b: int) -> bool:
        if self.customer(a) == self.customer(b):
            return False
        self.barriers.add(frozenset((a, b)))
        return True

    def check(self) -> None:
        """Links form a forest: no customer could be connected with fewer."""
        active = [link for link in self.links if link.active]
        assert len(active) == self.persons - len(self.customers())
        assert all(not (a & b) for a, b in combinations(self.customers(), 2))
