"""Events go through a door that has database connections of its own, so these tests commit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from huitou.sources.tests.eventing import Client, make_client


@pytest.fixture
def seen_nothing(transactional_db: None) -> Iterator[None]:
    """A store in which no message was taken before; what Django does not know, Django does not empty."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE sources_seen")
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE sources_seen")


@pytest.fixture
def client(seen_nothing: None) -> Iterator[Client]:
    """A sender with a valid write key, at a door whose clock the test turns."""
    made = make_client()
    yield made
    made.door.close()
