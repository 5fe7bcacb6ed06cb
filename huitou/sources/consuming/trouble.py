"""Which errors pass by themselves, and which come from what a sender wrote."""

from __future__ import annotations

import psycopg
from django.db import Error as DjangoDatabaseError
from django.db import InterfaceError, OperationalError

from huitou.core.errors import DomainError, kind_and_place

# Deadlock, serialization, no room, shutting down, connection lost ... by class of SQLSTATE. 42 is a table or column
# that is not there: a store that is being upgraded, and nothing that a sender could have caused.
_PASSING_CLASSES = ("08", "25", "40", "42", "53", "55", "57", "58", "XX")


def is_transient(error: BaseException) -> bool:
    """Whether trying the same again later can help."""
    if isinstance(error, DomainError):
        return not error.permanent
    if isinstance(error, OSError | MemoryError):
        return True
    if isinstance(error, DjangoDatabaseError | psycopg.Error):
        cause = error.__cause__ if isinstance(error, DjangoDatabaseError) else error
        state = getattr(cause, "sqlstate", None)
        if state is not None:
            return str(state).startswith(_PASSING_CLASSES)
        return isinstance(error, OperationalError | InterfaceError | psycopg.OperationalError | psycopg.InterfaceError)
    return False


def rendered(error: BaseException) -> str:
    """The error in one line, without what it was about.

    What a sender wrote stands in the details of database errors, and anywhere in errors that nobody anticipated.
    """
    if not isinstance(error, DomainError) and not is_transient(error):
        return kind_and_place(error)
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:500]
