"""Calling the API as programs do: a client with a key, and the checks that hold for every answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from huitou.accounts.keys import create_key
from huitou.accounts.roles import PERMISSIONS
from huitou.core.clock import SystemClock


@dataclass
class Program:
    """A program with a key of its own."""

    secret: str
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: Any = None, *, expect: int | None = None, **headers: str) -> Any:
        """The answer's JSON; header names are given with underscores."""
        response = self.raw(method, path, body, **headers)
        told = json.loads(response.content) if response.content else None
        if expect is not None:
            assert response.status_code == expect, (response.status_code, told)
        return told

    def raw(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = {"authorization": f"Bearer {self.secret}", "accept-language": "en", **self.headers}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = b"" if body is None else json.dumps(body).encode()
        return Client().generic(method, f"/api/v1{path}", data, content_type="application/json", headers=sent)


def program(*scopes: str) -> Program:
    """A program whose key has these scopes; without any, all of them."""
    given: Sequence[str] = scopes or list(PERMISSIONS)
    made = create_key(name="test", kind="api", scopes=given, clock=SystemClock())
    return Program(made.secret)
