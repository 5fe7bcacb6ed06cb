"""Jobs that the console starts: imports, replays of dead letters, and loading, advancing and removing the example;
and pulls of outside systems on schedule. Twice without harm."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import transaction
from django.utils import translation
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from huitou.accounts.models import User
from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError, kind_and_place
from huitou.core.home import Home
from huitou.core.jobs import PERIODIC_QUEUE
from huitou.sources.job_progress import JobState, Reporter, forget_state, write_state

EXAMPLE = "example"
REPLAY = "replay"


def import_job_name(run_id: int) -> str:
    """Under this name the progress of an import and its refresh is kept."""
    return f"import-{run_id}"


@app.task(name="sources.load_example", queueing_lock="sources.example", lock="sources.example")
def load_example_job(*, user_id: int | None, language: str) -> None:
    """Load the example into the empty store and refresh."""
    from huitou.sources.connectors.complete_journey.loading import load_example

    _watched(
        EXAMPLE,
        language,
        lambda home, report: load_example(home=home, clock=SystemClock(), report=report, actor=_user(user_id)),
    )


@app.task(name="sources.advance_example", queueing_lock="sources.example", lock="sources.example")
def advance_example_job(*, days: int, user_id: int | None, language: str) -> None:
    """Move the example's clock on by `days` and refresh."""
    from huitou.sources.connectors.complete_journey.loading import advance_example

    _watched(
        EXAMPLE,
        language,
        lambda home, report: advance_example(
            days=days, home=home, clock=SystemClock(), report=report, actor=_user(user_id)
        ),
    )


@app.task(name="sources.remove_example", queueing_lock="sources.example", lock="sources.example")
def remove_example_job(*, user_id: int | None, language: str) -> None:
    """Empty the store of the example."""
    from huitou.sources.connectors.complete_journey.loading import remove_example

    _watched(
        EXAMPLE, language, lambda home, _report: remove_example(home=home, clock=SystemClock(), actor=_user(user_id))
    )


@app.task(name="sources.replay_letters", queueing_lock="sources.replay_letters", lock="sources.replay_letters")
def replay_letters_job(*, source: str, reason: str, at_receipt: bool, user_id: int | None, language: str) -> None:
    """Take all dead letters of a reason in again; taken up once more, it goes on with those that are left."""
    from huitou.sources.dead_letters import replay_letters

    _watched(
        REPLAY,
        language,
        lambda _home, report: replay_letters(
            clock=SystemClock(),
            source=source,
            reason=reason,
            at_receipt=at_receipt,
            actor=_user(user_id),
            report=report,
        ),
    )


def _user(user_id: int | None) -> User | None:
    return None if user_id is None else User.objects.filter(pk=user_id).first()


def _watched(name: str, language: str, work: Callable[[Home, Reporter], object]) -> None:
    """Run `work` so that a page can watch it. An anticipated refusal is shown there; anything else stays loud."""
    home = settings.HOME
    report = Reporter(home, name)
    with translation.override(language):
        try:
            report(0)
            work(home, report)
        except DomainError as error:
            write_state(home, name, JobState("failed", error=str(error)))
            if not error.permanent:
                raise
        except Exception as error:
            write_state(home, name, JobState("failed", error=kind_and_place(error)))
            raise
        else:
            write_state(home, name, JobState("done"))


@app.task(name="sources.run_import", lock="sources.run_import")
def run_import_job(*, run_id: int, language: str) -> None:
    """Run or resume one import, then refresh, so that the figures follow."""
    from huitou.accounts.queries import get_brand
    from huitou.orders.refresh import run_refresh
    from huitou.sources.services import run_import

    def work(home: Home, report: Reporter) -> None:
        run_import(run_id, progress=report)
        brand = get_brand()
        run_refresh(home=home, brand=brand, clock=brand.clock, progress=report)

    _watched(import_job_name(run_id), language, work)


@app.periodic(cron="* * * * *", periodic_id="pull_due")
@app.task(name="sources.pull_due", queue=PERIODIC_QUEUE, queueing_lock="sources.pull_due")
def pull_due_job(timestamp: int) -> None:
    """Every minute: have the worker pull what is due."""
    from huitou.sources.connections.queries import list_due

    for connection_id in list_due(SystemClock()):
        queue_pull(connection_id)


def queue_pull(connection_id: int) -> bool:
    """Have the worker pull one connection; False if that waits already, which will do."""
    try:
        # A refused job must not end the caller's transaction.
        with transaction.atomic():
            pull_connection_job.configure(queueing_lock=f"sources.pull-{connection_id}").defer(
                connection_id=connection_id
            )
    except AlreadyEnqueued:
        return False
    return True


@app.task(name="sources.pull_connection", lock="sources.pull_connection")
def pull_connection_job(*, connection_id: int) -> None:
    """Pull one connection if it is due, and have the figures follow. One at a time, so that uploads find room."""
    from huitou.orders.queueing import queue_refresh
    from huitou.sources.connections.pulling import pull_connection
    from huitou.sources.connections.queries import pull_job_name

    clock, name = SystemClock(), pull_job_name(connection_id)
    report = Reporter(settings.HOME, name)
    try:
        pulled = pull_connection(connection_id, clock=clock, progress=report)
    finally:
        forget_state(settings.HOME, name)
    if pulled.rows:
        queue_refresh(clock=clock)
