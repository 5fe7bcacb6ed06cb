"""The contract of a step: what it is called, what may be set, where it leads, and what it does for many at once.

A kind of step is one module in `steps/` with `STEP`. It runs for all who arrived at the same step of the same version
together, in the engine's transaction, and may call services of lower layers; it must do nothing for those whose `acts`
is False (control, holdout), whose way is otherwise the same. It may run again for the same arrivals when the
transaction did not come about, so what it asks for carries the arrival's `key`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.functional import Promise

from huitou.analytics.registry import Registry
from huitou.core.clock import Clock
from huitou.journeys.problems import Problem
from huitou.journeys.setting import Setting

NEXT = "next"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One customer at one step. `at` is the instant at which the step happens; `due` whether a wait of it is over."""

    enrollment_id: int
    customer_id: int
    visit: int
    at: datetime
    entered_at: datetime
    acts: bool
    due: bool
    outcome: str  # of the wait that is over: event, or empty where its time came
    step: str
    data: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Names this visit for ever: enrollment:step:visit."""
        return f"{self.enrollment_id}:{self.step}:{self.visit}"


@dataclass(frozen=True, slots=True)
class Go:
    """On to where this way out leads."""

    outlet: str = NEXT
    reason: str = "done"


@dataclass(frozen=True, slots=True)
class Stay:
    """Wait here until this instant, or until the event comes."""

    until: datetime
    event: str = ""


@dataclass(frozen=True, slots=True)
class Leave:
    """The way ends here."""

    reason: str


Outcome = Go | Stay | Leave


@dataclass(frozen=True)
class StepContext:
    """What a step may know beside who arrived: its settings, the launch, the brand's zone and clock."""

    step_id: str
    settings: Mapping[str, Any]
    launch_id: int
    journey: str
    purpose: str
    zone: ZoneInfo
    clock: Clock
    matching: Callable[[Mapping[str, Any], Sequence[int]], frozenset[int]] = field(repr=False)

    @property
    def source(self) -> str:
        """How the launch is called where things are asked for."""
        return f"launch:{self.launch_id}"


@dataclass(frozen=True)
class Outlet:
    """One way out of a step: its name in the definition's JSON path, where it leads, and its words."""

    name: str
    target: str | None
    label: str | Promise = ""


@dataclass(frozen=True)
class Step:
    """One kind of step. `run` answers for each arrival, in the same order."""

    kind: str
    label: str | Promise
    help: str | Promise
    icon: str
    settings: tuple[Setting, ...]
    run: Callable[[StepContext, Sequence[Arrival]], Sequence[Outcome]]
    outlets: Callable[[Mapping[str, Any]], list[Outlet]]
    tell: Callable[[Mapping[str, Any]], str]
    check: Callable[[Mapping[str, Any], str], Iterator[Problem]] | None = None
    waits: Callable[[Mapping[str, Any]], bool] = lambda _settings: False
    events: Callable[[Mapping[str, Any]], tuple[str, ...]] = lambda _settings: ()


def one_way(settings: Mapping[str, Any]) -> list[Outlet]:
    """The way out of a step that has only one."""
    return [Outlet(NEXT, settings.get(NEXT))]


STEPS: Registry[Step] = Registry("huitou.journeys.steps", "STEP", Step)


@dataclass(frozen=True)
class StepDefinition:
    """One step as it stands in a definition. `ways` says where each way out leads."""

    id: str
    kind: str
    settings: Mapping[str, Any]
    ways: Mapping[str, str]
    position: int

    @property
    def step(self) -> Step:
        return STEPS[self.kind]

    @property
    def outlets(self) -> list[Outlet]:
        """Its ways out with words, and where they lead."""
        return [Outlet(o.name, self.ways.get(o.name), o.label) for o in self.step.outlets(self.settings)]
