"""Commands that run the product: `up` for all of it on one machine, `serve` and `worker` for its parts."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Annotated, Any

import typer

from huitou.core.boot import booted
from huitou.core.log_files import log_to_file
from huitou.core.postgres.death import end_with_parent

WithParent = Annotated[bool, typer.Option("--with-parent", help="Stop when the program that started it ends.")]


@booted
def up(
    example: Annotated[bool, typer.Option("--example", help="Load the example brand if the store is empty.")] = False,
    serve: Annotated[bool, typer.Option(help="Serve console and worker, or stop once all is ready.")] = True,
    with_parent: WithParent = False,
) -> None:
    """Bring everything up on this machine: database, first administrator, data, console and worker."""
    from config.up import bring_up
    from huitou.core.postgres.death import stop_with_parent

    if with_parent:
        stop_with_parent(signal.SIGTERM)
    bring_up(example=example, serve=serve)


@booted
def serve(with_parent: WithParent = False) -> None:
    """Serve the console and the API. HUITOU_HOST and HUITOU_PORT say where."""
    from huitou.core.serving.web import serve as run

    if with_parent:
        end_with_parent()
    run()


@booted
def worker(
    queue: Annotated[list[str] | None, typer.Option(help="Only this queue; may be repeated.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop when no job is left.")] = False,
    with_parent: WithParent = False,
) -> None:
    """Take in events, send messages and run background jobs: imports, refreshes, schedules."""
    from django.conf import settings

    from huitou.core.clock import SystemClock
    from huitou.core.jobs import run_worker
    from huitou.journeys.loop import run_turn as run_journeys
    from huitou.journeys.loop import travelling
    from huitou.messaging.loop import run_turn, sending
    from huitou.sources.consuming.consumer import drain
    from huitou.sources.consuming.loop import consuming

    if with_parent:
        end_with_parent()
    log_to_file(settings.HOME, "worker")
    if queue:
        # A worker for certain jobs leaves the events to the others.
        run_worker(queues=queue, wait=not once)
    elif once:
        drain(home=settings.HOME, clock=SystemClock())
        run_worker(wait=False)
        run_journeys()
        run_turn(home=settings.HOME)
    else:
        with consuming(home=settings.HOME, clock=SystemClock()), travelling(), sending(home=settings.HOME):
            run_worker()


COMMANDS: dict[str, Callable[..., Any]] = {"up": up, "serve": serve, "worker": worker}
