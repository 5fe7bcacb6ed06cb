"""Registries that are folders: one file or folder per kind, found by listing, never by a central list."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class RegistryError(Exception):
    """A plugin folder breaks its contract: wrong type, or a kind that does not equal its module's name."""


class Registry(Generic[T]):
    """All plugins of one kind: `package` is listed, each module exposes an object of `contract` as `attribute`.

    The object's `kind` must equal the module's name. The listing happens at first use, once per process.
    """

    def __init__(self, package: str, attribute: str, contract: type[T]) -> None:
        self._package = package
        self._attribute = attribute
        self._contract = contract
        self._entries: dict[str, T] | None = None

    def _load(self) -> dict[str, T]:
        if self._entries is None:
            parent = importlib.import_module(self._package)
            entries: dict[str, T] = {}
            for found in pkgutil.iter_modules(parent.__path__):
                if found.name.startswith("_") or found.name in {"tests", "conftest"}:
                    continue
                entry = getattr(importlib.import_module(f"{self._package}.{found.name}"), self._attribute, None)
                if not isinstance(entry, self._contract):
                    raise RegistryError(f"{self._package}.{found.name} has no {self._attribute}: {self._contract}")
                if getattr(entry, "kind", None) != found.name:
                    raise RegistryError(f"{self._package}.{found.name}: kind must equal the module's name")
                entries[found.name] = entry
            self._entries = entries
        return self._entries

    def __getitem__(self, kind: str) -> T:
        return self._load()[kind]

    def __contains__(self, kind: object) -> bool:
        return kind in self._load()

    def __iter__(self) -> Iterator[T]:
        return iter(self._load().values())

    def kinds(self) -> list[str]:
        return list(self._load())
