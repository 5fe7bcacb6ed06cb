"""Lets adapters call the contract servers, which stand on this machine and speak plain HTTP."""

from __future__ import annotations

import pytest

from huitou.messaging import wire


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine may be called, and who does not answer within half a second is not waited for."""
    monkeypatch.setattr(wire, "LOOPBACK", True)
    monkeypatch.setattr(wire, "ANSWER_SECONDS", 0.5)
