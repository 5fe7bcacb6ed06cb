"""Events go through a door that has database connections of its own, so these tests commit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from huitou.sources.tests.eventing import Client, make_client


@pytest.fixture
def client(transactional_db: None) -> Iterator[Client]:
    """A sender with a valid write key, at a door whose clock the test turns."""
    made = make_client()
    yield made
    made.door.close()
