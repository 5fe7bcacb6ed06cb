"""`huitou up`: from whatever state the store is in to a running product, then watch over it."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType

from django.conf import settings
from django.utils.translation import gettext as _

from huitou.core.clock import SystemClock
from huitou.core.serving.children import Child, Crew
from huitou.core.serving.keeper import keep_database
from huitou.core.serving.web import chosen_address
from huitou.core.terminal import progress

TEND_SECONDS = 0.2


def bring_up(*, example: bool, serve: bool) -> None:
    """Prepare the store and, with `serve`, run console and worker until SIGTERM or Ctrl-C.

    Raises DomainError when something is in the way that a person has to clear: a taken port, a weak password.
    """
    address = chosen_address() if serve else None
    _make_admin()
    _prepare(example=example)
    if address is None:
        _say(_("Everything is ready. Start the console with: huitou up"))
        return
    _watch_over(*address)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _make_admin() -> None:
    from huitou.accounts.services import create_first_admin

    made = create_first_admin(clock=SystemClock())
    if made is None:
        return
    if made.generated:
        _say(
            _("First administrator: %(name)s, password: %(password)s (shown only this once)")
            % {"name": made.user.username, "password": made.password}
        )
    else:
        _say(
            _("First administrator: %(name)s, with the password from HUITOU_ADMIN_PASSWORD")
            % {"name": made.user.username}
        )


def _prepare(*, example: bool) -> None:
    """Finish what a killed process left, load the example into an empty store, and refresh what has changed."""
    from huitou.accounts.queries import find_brand
    from huitou.core.lake import commit_pending
    from huitou.sources.services import resume_imports

    home, clock = settings.HOME, SystemClock()
    with progress(_("Finishing interrupted imports")) as report:
        resumed = resume_imports(home=home, clock=clock, progress=report)
    if resumed:
        _say(_("Finished %(count)d imports that were interrupted.") % {"count": len(resumed)})
    finished = commit_pending(home=home, clock=clock)
    if finished:
        _say(_("Finished %(count)d batches that were interrupted.") % {"count": len(finished)})
    if example:
        from huitou.sources.connectors.complete_journey.loading import load_example_if_empty

        with progress(_("Loading the example brand")) as report:
            load_example_if_empty(home=home, clock=clock, report=report)
    brand = find_brand()
    if brand is not None:
        from huitou.orders.refresh import run_refresh

        with progress(_("Refreshing")) as report:
            run_refresh(home=home, brand=brand, clock=brand.clock, progress=report)


def _watch_over(host: str, port: int) -> None:
    stop = threading.Event()

    def ask_to_stop(_signum: int, _frame: FrameType | None) -> None:
        stop.set()

    for sent in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sent, ask_to_stop)
    keep_database()
    program = [sys.executable, "-m", "config"]
    crew = Crew([Child("web", [*program, "serve"]), Child("worker", [*program, "worker"])])
    shown = f"[{host}]" if ":" in host else host
    announced = False
    try:
        while not stop.is_set():
            crew.tend()
            if not announced and _answers(host, port):
                announced = True
                _say(_("The console is at %(url)s. Stop with Ctrl-C.") % {"url": f"http://{shown}:{port}"})
                _say(_("Sign in as %(name)s.") % {"name": _login()})
            stop.wait(TEND_SECONDS)
    finally:
        crew.stop()


def _login() -> str:
    from huitou.accounts.queries import find_first_admin

    admin = find_first_admin()
    return admin.username if admin else "-"


def _answers(host: str, port: int) -> bool:
    """Whether the web server takes connections (an unspecified address is asked on the loopback)."""
    import socket

    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared with, not bound to
    try:
        socket.create_connection((target, port), timeout=1).close()
    except OSError:
        return False
    return True
