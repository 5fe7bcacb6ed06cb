"""Every part of a deployment looked at, with how to mend what is wrong.

A check is a function of the clock that returns a finding, or several. An installed app of ours adds its own by a
`checks.py` with `CHECKS`; what is there belongs to the app and needs no edit here. A check that breaks is a failing
part: the others go on.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from huitou.core.boot import has_pending_migrations
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.core.redaction import redact

OK, WARN, FAIL, SKIPPED = "ok", "warn", "fail", "skipped"
NOTHING, DATABASE, TABLES = "nothing", "database", "tables"


@dataclass(frozen=True)
class Finding:
    """The state of one part: ok, warn (works, but not for long or not well), fail, or skipped (cannot be asked)."""

    part: str
    title: str
    state: str
    detail: str
    mend: str = ""


@dataclass(frozen=True)
class Check:
    """One part that is looked at. `look` answers with the state, what was seen, and how to mend it.

    `needs` says without what it cannot be asked: nothing, a database that answers, or its tables.
    """

    part: str
    title: str | Promise
    look: Callable[[Clock], tuple[str, str, str]]
    needs: str = TABLES


def examine(clock: Clock, *, database_error: DomainError | None = None) -> list[Finding]:
    """Every part in the order in which a failure explains the next; without a database, what can be said without."""
    found = [_ask(check, clock) for check in _checks() if check.needs == NOTHING]
    if database_error is not None:
        return [
            *found,
            Finding("database", _("Database"), FAIL, str(database_error), _("Everything else waits for this.")),
        ]
    found += [_ask(check, clock) for check in _checks() if check.needs == DATABASE]
    if not has_pending_migrations():
        found += [_ask(check, clock) for check in _checks() if check.needs == TABLES]
    return found


def _ask(check: Check, clock: Clock) -> Finding:
    try:
        state, detail, mend = check.look(clock)
    except DomainError as error:  # says itself how to mend it
        return Finding(check.part, str(check.title), FAIL, error.for_terminal)
    except Exception as error:  # whatever it is, it is what was found
        first = (str(error).strip().splitlines() or [""])[0]
        seen = redact(f"{type(error).__name__}: {first}")[:300]
        return Finding(check.part, str(check.title), FAIL, seen, _("Look at the log."))
    return Finding(check.part, str(check.title), state, detail, mend if state not in {OK, SKIPPED} else "")


def _checks() -> Iterator[Check]:
    # The apps are listed from the top of the house to its floor; what carries the others is asked first.
    for config in reversed(list(apps.get_app_configs())):
        name = f"{config.name}.checks"
        if config.name.startswith("huitou.") and importlib.util.find_spec(name) is not None:
            checks: Sequence[Check] = importlib.import_module(name).CHECKS
            yield from checks


def as_object(findings: Sequence[Finding]) -> dict[str, Any]:
    """What programs read: the worst state, and every part."""
    states = [finding.state for finding in findings]
    return {
        "state": next(state for state in (FAIL, WARN, OK) if state in states or state == OK),
        "parts": [
            {"part": f.part, "state": f.state, "detail": f.detail, **({"mend": f.mend} if f.mend else {})}
            for f in findings
        ],
    }
