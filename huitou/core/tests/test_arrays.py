"""Array literals come back from PostgreSQL as the lists they were made of."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huitou.core.arrays import instant_array, number_array, read_instants, text_array, truth_array

TEXTS = st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))

YEARS = [datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) for year in (1900, 2200)]


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(TEXTS | st.sampled_from(['"', "\\", '","', "NULL", "{}", " ", "%s", "'"])))
def test_texts_survive(values: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text[]", [text_array(values)])
        assert cursor.fetchone()[0] == values


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.none()))
def test_numbers_survive(values: list[int | None]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::bigint[]", [number_array(values)])
        assert cursor.fetchone()[0] == values


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.booleans()))
def test_truths_survive(values: list[bool]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::bool[]", [truth_array(values)])
        assert cursor.fetchone()[0] == values


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.datetimes(*YEARS, timezones=st.timezones()) | st.none()))
def test_instants_survive_and_are_read_back(values: list[datetime | None]) -> None:
    """From any zone to the microsecond, and as text in UTC, which is how they are read in large numbers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz[]", [instant_array(values)])
        found = cursor.fetchone()[0]
        cursor.execute(
            "SELECT at::text FROM unnest(%s::timestamptz[]) AS given (at) WHERE at IS NOT NULL", [instant_array(values)]
        )
        told = [row[0] for row in cursor.fetchall()]
    expected = [None if value is None else value.astimezone(UTC) for value in values]
    assert found == expected
    assert read_instants(told) == [value for value in expected if value is not None]
