"""What a kind of identifier is: how its values are read, what they are worth, and what they may do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from django.utils.functional import Promise

from huitou.analytics.registry import Registry
from huitou.customers.normalizing import read_code, show_code

LONGEST_NAMESPACE = 100
_DIVIDERS = re.compile(r"[\s_.-]+")


@dataclass(frozen=True)
class IdentifierKind:
    """One kind of identifier.

    `strength` orders kinds: a fact belongs to the owner of its strongest identifier, and stronger evidence is weighed
    first. Of an account kind a customer has one value in each namespace: two values are a conflict, which keeps
    their persons apart. `joins`: sharing a value makes two persons one customer. `normalize` gives the value as it
    is kept, or None for junk; `show` masks it for people; `namespaced` kinds need a namespace. Events tell it by a
    trait named as in `traits`; a value under one of `aliases` tells who somebody is as well, and joins nobody.
    """

    kind: str
    label: str | Promise
    strength: int
    is_account: bool = False
    joins: bool = True
    namespaced: bool = False
    normalize: Callable[[str], str | None] = read_code
    show: Callable[[str], str] = show_code
    traits: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


IDENTIFIER_KINDS = Registry("huitou.customers.identifier_kinds", "IDENTIFIER_KIND", IdentifierKind)
Key = tuple[str, str, str]


@lru_cache(maxsize=65_536)
def read_identifier(kind: str, namespace: str, value: str) -> Key | None:
    """The identifier as it is kept, or None if it names nobody: junk, an unknown kind, or no namespace where needed."""
    if kind not in IDENTIFIER_KINDS:
        return None
    declared = IDENTIFIER_KINDS[kind]
    place = (read_code(namespace) or "") if declared.namespaced else ""
    if (declared.namespaced and not place) or len(place) > LONGEST_NAMESPACE:
        return None
    read = declared.normalize(value)
    return None if read is None else (kind, place, read)


def squeezed(name: str) -> str:
    """A name as names are compared: small letters, without what divides its words."""
    return _DIVIDERS.sub("", name).casefold()


@lru_cache(maxsize=1)
def kinds_by_name() -> dict[str, str]:
    """The kind that a value tells, by its name, squeezed: traits, aliases and the kinds themselves."""
    return {squeezed(name): k.kind for k in IDENTIFIER_KINDS for name in (k.kind, *k.traits, *k.aliases)}


def account_kinds() -> list[str]:
    """Kinds of which a customer has one value in each namespace."""
    return sorted(k.kind for k in IDENTIFIER_KINDS if k.is_account)


def show_identifier(kind: str, value: str) -> str:
    """The value, masked for people who may not see it whole."""
    return IDENTIFIER_KINDS[kind].show(value) if kind in IDENTIFIER_KINDS else show_code(value)
