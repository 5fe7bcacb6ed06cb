"""Changes of a draft, step by step: pure functions from one definition to the next."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from huitou.core.errors import DomainError
from huitou.journeys.definition import read_steps
from huitou.journeys.step import NEXT, STEPS

Json = dict[str, Any]


class EditRefusedError(DomainError):
    """A step is not there, or cannot be moved or removed like this."""

    code = "edit_refused"
    status = 409


def with_explicit_ways(definition: Mapping[str, Any]) -> Json:
    """The same definition with every `next` written out, so that steps can be put in between."""
    made = copy.deepcopy(dict(definition))
    listed = made.get("steps")
    if not isinstance(listed, list):
        made["steps"] = []
        return made
    for name, step in read_steps(listed).items():
        for outlet, target in step.ways.items():
            told = next(t for t in listed if isinstance(t, dict) and t.get("id") == name)
            _point(told, outlet, target)
    return made


def add_step(definition: Mapping[str, Any], kind: str, *, after: str = "", outlet: str = NEXT) -> tuple[Json, str]:
    """A new step of that kind behind a way out of `after`, at the beginning without it; returns its id."""
    if kind not in STEPS:
        raise EditRefusedError(_("There is no step %(kind)s; use %(known)s.") % {"kind": kind, "known": ""})
    made = with_explicit_ways(definition)
    listed = made["steps"]
    taken = {told.get("id") for told in listed if isinstance(told, dict)}
    name = next(f"{kind}{n}" for n in range(1, 1_000) if f"{kind}{n}" not in taken)
    step = STEPS[kind]
    told: Json = {"id": name, "kind": kind}
    told |= {s.name: s.default for s in step.settings if s.default not in (None, "") and s.required}
    _insert(listed, told, after, outlet)
    return made, name


def change_step(definition: Mapping[str, Any], name: str, settings: Mapping[str, Any]) -> Json:
    """The step with these settings and ways instead of its own."""
    made = with_explicit_ways(definition)
    told = _find(made, name)
    kind = told["kind"]
    told.clear()
    told |= {"id": name, "kind": kind, **{k: v for k, v in settings.items() if v not in (None, "", [], {})}}
    return made


def remove_step(definition: Mapping[str, Any], name: str) -> Json:
    """Without the step: whoever came to it goes where its first way out led."""
    made = with_explicit_ways(definition)
    told = _find(made, name)
    following = _following(made, name)
    made["steps"].remove(told)
    for step in list(read_steps(made["steps"]).values()):
        for outlet, target in step.ways.items():
            if target == name:
                _point(_find(made, step.id), outlet, following)
    return made


def move_step(definition: Mapping[str, Any], name: str, *, after: str, outlet: str = NEXT) -> Json:
    """The step behind a way out of another one; only a step with one way out can move."""
    if name == after:
        raise EditRefusedError(_("A step cannot stand behind itself."))
    found = read_steps(definition.get("steps"))
    if name not in found:
        raise EditRefusedError(_("There is no step %(step)s.") % {"step": name})
    if len(found[name].outlets) != 1:
        raise EditRefusedError(_("Only a step with one way out can be moved; move the steps of its ways instead."))
    told = copy.deepcopy(_find(with_explicit_ways(definition), name))
    made = remove_step(definition, name)
    _insert(made["steps"], told, after, outlet)
    return made


def _insert(listed: list[Any], told: Json, after: str, outlet: str) -> None:
    if not after:
        first = next((t["id"] for t in listed if isinstance(t, dict) and t.get("id")), None)
        if first is not None and told["kind"] != "exit":
            _point(told, NEXT, first)
        listed.insert(0, told)
        return
    before = _find({"steps": listed}, after)
    step = read_steps(listed)[after]
    if outlet not in {o.name for o in step.outlets}:
        raise EditRefusedError(_("The step %(step)s has no such way out.") % {"step": after})
    following = step.ways.get(outlet)
    if told["kind"] != "exit":
        if following is not None:
            _point(told, NEXT, following)
        else:
            told.pop(NEXT, None)
    _point(before, outlet, told["id"])
    listed.insert(listed.index(before) + 1, told)


def _find(definition: Mapping[str, Any], name: str) -> Json:
    for told in definition.get("steps") or ():
        if isinstance(told, dict) and told.get("id") == name:
            return told
    raise EditRefusedError(_("There is no step %(step)s.") % {"step": name})


def _following(definition: Mapping[str, Any], name: str) -> str | None:
    ways = read_steps(definition["steps"])[name].ways if name in read_steps(definition["steps"]) else {}
    return ways.get(NEXT) or next((target for target in ways.values() if target != name), None)


def _point(told: Json, outlet: str, target: str | None) -> None:
    """Let a way out, such as next or cases[0], lead to a step."""
    holder = told
    if "[" in outlet:
        listed, _sep, position = outlet.rstrip("]").partition("[")
        holder, outlet = told[listed][int(position)], NEXT
    if target is None:
        holder.pop(outlet, None)
    else:
        holder[outlet] = target
