"""Every write to the tracking plan: each change is a new version, and the plan in force is the newest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.sources.consuming.properties import names_somebody
from huitou.sources.models import PlanProblem, PlanVersion
from huitou.sources.tracking.checking import UNPLANNED_EVENT, UNPLANNED_PROPERTY
from huitou.sources.tracking.plan import (
    TYPES,
    Plan,
    overlay,
    property_from_json,
    property_to_json,
    shipped_plan,
)
from huitou.sources.tracking.queries import own_declarations

_LONGEST_NAME = 200
_PROPERTY_KEYS = frozenset({"type", "required", "personal", "values", "zh", "en", "since"})


class PlanInvalidError(DomainError):
    """A declaration that no event could be checked against."""

    code = "plan_invalid"
    status = 422


class EventNotDeclaredError(DomainError):
    """The brand itself has declared no event of that name."""

    code = "event_not_declared"
    status = 404


def declare_event(
    *,
    name: str,
    clock: Clock,
    zh: str = "",
    en: str = "",
    properties: Mapping[str, Mapping[str, Any]] | None = None,
    actor: User | None = None,
    actor_label: str = "cli",
) -> Plan:
    """Declare an event, or change what is declared of it: labels that are given and properties by name.

    A property is {type, required, personal, values, zh, en}. Declared again unchanged, no version is made.
    Raises PlanInvalidError.
    """
    name = name.strip()
    _check_name(name)
    with transaction.atomic():
        own, plan = _locked()
        before = own.get(name, {})
        known = plan.events.get(name)
        number = plan.version + 1
        declared: dict[str, Any] = {
            "zh": zh.strip() or before.get("zh", ""),
            "en": en.strip() or before.get("en", ""),
            "since": before.get("since", 0 if known else number),
            "properties": dict(before.get("properties", {})),
        }
        for property_name, given in (properties or {}).items():
            earlier = known.properties.get(property_name) if known else None
            since = earlier.since if earlier else number
            declared["properties"][property_name] = _checked(property_name, given, since)
        if declared == before:
            return plan
        return _save({**own, name: declared}, _Change("declared", name), clock, actor, actor_label)


def withdraw_property(
    *, name: str, property_name: str, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> Plan:
    """Take back one property that the brand declared; a shipped one of that name counts again.

    Raises EventNotDeclaredError.
    """
    with transaction.atomic():
        own, _plan = _locked()
        mine = own.get(name, {})
        if property_name not in mine.get("properties", {}):
            raise EventNotDeclaredError(
                _("You have declared no property %(property)s of %(name)s.") % {"property": property_name, "name": name}
            )
        left = {n: p for n, p in mine["properties"].items() if n != property_name}
        change = _Change("withdrawn", name, property_name)
        return _save({**own, name: {**mine, "properties": left}}, change, clock, actor, actor_label)


def withdraw_event(*, name: str, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> Plan:
    """Take back everything that the brand declared of an event; what is shipped of it counts again.

    Raises EventNotDeclaredError.
    """
    with transaction.atomic():
        own, _plan = _locked()
        if name not in own:
            raise EventNotDeclaredError(_("You have declared no event %(name)s.") % {"name": name})
        left = {n: e for n, e in own.items() if n != name}
        return _save(left, _Change("withdrawn", name), clock, actor, actor_label)


def declare_plan(
    *, events: Mapping[str, Any], clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> Plan:
    """Declare many events at once, as a file has them: name to {zh, en, properties}; all of them or none.

    Raises PlanInvalidError.
    """
    with transaction.atomic():
        _own, plan = _locked()
        for name, given in events.items():
            if not isinstance(given, Mapping) or set(given) - {"zh", "en", "properties", "since", "own"}:
                raise PlanInvalidError(_("%(name)s: write zh, en and properties below it.") % {"name": name})
            plan = declare_event(
                name=str(name),
                clock=clock,
                zh=str(given.get("zh", "")),
                en=str(given.get("en", "")),
                properties=given.get("properties"),
                actor=actor,
                actor_label=actor_label,
            )
    return plan


def dismiss_problem(*, problem_id: int, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> bool:
    """Take a problem off the list; it comes back when it happens again. Returns whether it was there."""
    with transaction.atomic():
        found = PlanProblem.objects.filter(pk=problem_id).first()
        if found is None:
            return False
        detail = {"source": found.source, "problem": found.problem, "property": found.property, "count": found.count}
        record_audit(
            action="plan.problem_dismissed",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=found.event[:100],
            detail=detail,
        )
        found.delete()
    return True


def _locked() -> tuple[dict[str, Any], Plan]:
    """What the brand declared and the plan in force, with nobody else changing them until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('huitou.sources.plan'))")
    newest = PlanVersion.objects.order_by("-number").values_list("number", flat=True).first() or 0
    own = own_declarations()
    return own, overlay(shipped_plan(), newest, own)


@dataclass(frozen=True)
class _Change:
    """What a new version changes."""

    action: str
    event: str
    property: str = ""


def _save(own: dict[str, Any], change: _Change, clock: Clock, actor: User | None, actor_label: str) -> Plan:
    newest = PlanVersion.objects.order_by("-number").values_list("number", flat=True).first() or 0
    version = PlanVersion.objects.create(
        number=newest + 1, declared=own, **asdict(change), created_at=clock.now(), created_by=actor
    )
    record_audit(
        action="plan.changed",
        clock=clock,
        actor=actor,
        actor_label=actor_label,
        target=f"plan {version.number}",
        detail={"action": change.action, "event": change.event, "property": change.property},
    )
    plan = overlay(shipped_plan(), version.number, own)
    # What is planned now is no difference any more.
    PlanProblem.objects.filter(problem=UNPLANNED_EVENT, event__in=list(plan.events)).delete()
    for name in own:
        PlanProblem.objects.filter(
            problem=UNPLANNED_PROPERTY, event=name, property__in=list(plan.events[name].properties)
        ).delete()
    return plan


def _check_name(name: str) -> None:
    if not name or len(name) > _LONGEST_NAME or names_somebody(name) or not name.isprintable():
        raise PlanInvalidError(
            _("An event is named by what happened, in at most 200 characters, for example Live Poll Answered.")
        )


def _checked(name: str, given: object, since: int) -> dict[str, Any]:
    if not name.strip() or len(name) > _LONGEST_NAME:
        raise PlanInvalidError(_("A property needs a name of at most 200 characters."))
    if not isinstance(given, Mapping) or set(given) - _PROPERTY_KEYS:
        raise PlanInvalidError(
            _("%(name)s: a property has type, required, personal, values, zh and en.") % {"name": name}
        )
    kind, values = given.get("type", "text"), given.get("values", ())
    if kind not in TYPES:
        raise PlanInvalidError(
            _("%(name)s: there is no type %(type)s; there are %(known)s.")
            % {"name": name, "type": kind, "known": ", ".join(TYPES)}
        )
    if not isinstance(values, list | tuple) or not all(isinstance(v, str | int) for v in values):
        raise PlanInvalidError(_("%(name)s: values is a list of words.") % {"name": name})
    if values and (kind not in ("code", "text", "integer") or given.get("personal")):
        raise PlanInvalidError(
            _("%(name)s: only codes, texts and whole numbers that are not personal have a list of values.")
            % {"name": name}
        )
    for flag in ("required", "personal"):
        if not isinstance(given.get(flag, False), bool):
            raise PlanInvalidError(_("%(name)s: %(flag)s is true or false.") % {"name": name, "flag": flag})
    kept = {**given, "type": kind, "values": [str(value) for value in values], "since": since}
    return property_to_json(property_from_json(name, kept))
