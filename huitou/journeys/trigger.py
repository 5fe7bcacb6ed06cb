"""The contract of a trigger: who may enter a launch, when, and under which key that lets nobody in twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.functional import Promise

from huitou.analytics.registry import Registry
from huitou.journeys.problems import Problem
from huitou.journeys.setting import Setting


@dataclass(frozen=True, slots=True)
class Candidate:
    """One customer who may enter: since when, under which key of the launch, and what the trigger told."""

    person_id: int
    at: datetime
    key: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Window:
    """What has not been looked at: instants after `after` up to `upto`, refreshes after `after_run` up to `last_run`.

    `after_run` is None at the first look, `last_run` where there was no refresh yet.
    """

    after: datetime
    upto: datetime
    zone: ZoneInfo
    after_run: int | None
    last_run: int | None


@dataclass(frozen=True)
class Trigger:
    """One kind of trigger. `find` yields batches of candidates in order of time; None where events are what lets in.

    `tells_when`: its candidates have the moment at which it happened, not only that at which it was found.
    """

    kind: str
    label: str | Promise
    help: str | Promise
    icon: str
    settings: tuple[Setting, ...]
    tell: Callable[[Mapping[str, Any]], str]
    find: Callable[[Mapping[str, Any], Window], Iterator[Sequence[Candidate]]] | None = None
    check: Callable[[Mapping[str, Any], str], Iterator[Problem]] | None = None
    events: Callable[[Mapping[str, Any]], tuple[str, ...]] = lambda _settings: ()
    tells_when: bool = True


TRIGGERS: Registry[Trigger] = Registry("huitou.journeys.triggers", "TRIGGER", Trigger)
