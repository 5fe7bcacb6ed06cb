"""`huitou up`: from whatever state the store is in to a running product, then watch over it."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from types import FrameType

from django.conf import settings
from django.utils.translation import gettext as _

from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError
from huitou.core.log_files import log_to_file
from huitou.core.serving.children import Child, Crew
from huitou.core.serving.keeper import keep_database
from huitou.core.serving.standing import Place, Standing
from huitou.core.serving.web import AddressError, asked_address, chosen_address
from huitou.core.terminal import progress

logger = logging.getLogger("huitou.up")
TEND_SECONDS = 0.2
# So long the processes of a killed run may hold the port; they go by themselves.
_LEAVING_SECONDS = 10.0


def bring_up(*, example: bool, serve: bool) -> None:
    """Prepare the store and, with `serve`, run console and worker until SIGTERM or Ctrl-C.

    Raises DomainError when something is in the way that a person has to clear: a taken port, a weak password.
    """
    if not serve:
        _make_admin()
        _prepare(example=example)
        _say(_("Everything is ready. Start the console with: huitou up"))
        return
    place = Place(settings.HOME)
    if not place.take():
        _refer_to(place.read())
        return
    log_to_file(settings.HOME, "up")
    killed = place.read()
    host, port = _free_address(killed)
    place.tell(_url(host, port), SystemClock())
    try:
        if killed is not None:
            _say(_("The last run, begun %(since)s, was ended without being stopped.") % {"since": killed.since[:16]})
        _make_admin()
        recovered = _prepare(example=example)
        if killed is not None and not recovered:
            _say(_("Nothing was left half done; the database recovered by itself."))
        _watch_over(host, port)
    finally:
        place.leave()


class AlreadyRunningError(DomainError):
    """Huitou serves this data directory already, at another address than the one that is asked for."""

    code = "already_running"
    status = 409


def _refer_to(running: Standing | None) -> None:
    """Say where the product runs. Raises AlreadyRunningError where that is not the address that was asked for."""
    url = running.url if running else "?"
    process = running.process if running else 0
    values = {"home": settings.HOME.root, "url": url, "process": process}
    if running is not None and running.url != _url(*asked_address()):
        raise AlreadyRunningError(
            _(
                "Huitou already runs in %(home)s, at %(url)s (process %(process)s). Stop it first, or use another"
                " HUITOU_HOME."
            )
            % values
        )
    _say(_("Huitou already runs in %(home)s, at %(url)s (process %(process)s).") % values)


def _free_address(killed: Standing | None) -> tuple[str, int]:
    """The address to serve on. What a killed run left is given a moment to go. Raises AddressError."""
    deadline = time.monotonic() + (_LEAVING_SECONDS if killed else 0)
    while True:
        try:
            return chosen_address()
        except AddressError:
            if time.monotonic() > deadline:
                raise
            time.sleep(TEND_SECONDS)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _say(line: str, *, is_secret: bool = False) -> None:
    """Tell the person at the terminal, and the log unless it is secret."""
    if not is_secret:
        logger.info("%s", line)
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
            % {"name": made.user.username, "password": made.password},
            is_secret=True,
        )
    else:
        _say(
            _("First administrator: %(name)s, with the password from HUITOU_ADMIN_PASSWORD")
            % {"name": made.user.username}
        )


def _prepare(*, example: bool) -> bool:
    """Finish what a killed process left, load the example into an empty store, and refresh what has changed.

    Returns whether anything had been left.
    """
    from huitou.accounts.queries import find_brand
    from huitou.core.lake import commit_pending
    from huitou.sources.queries import file_names
    from huitou.sources.services import resume_imports

    home, clock = settings.HOME, SystemClock()
    with progress(_("Finishing interrupted imports")) as report:
        resumed = resume_imports(home=home, clock=clock, progress=report)
    if resumed:
        _say(
            _("Finished %(count)d imports that were interrupted: %(names)s")
            % {"count": len(resumed), "names": _(", ").join(file_names(resumed))}
        )
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
    return bool(resumed or finished)


def _watch_over(host: str, port: int) -> None:
    stop = threading.Event()

    def ask_to_stop(_signum: int, _frame: FrameType | None) -> None:
        stop.set()

    for sent in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sent, ask_to_stop)
    keep_database()
    program, bound = [sys.executable, "-m", "config"], ["--with-parent"]
    crew = Crew([Child("web", [*program, "serve", *bound]), Child("worker", [*program, "worker", *bound])])
    announced = False
    try:
        while not stop.is_set():
            crew.tend()
            if not announced and _answers(host, port):
                announced = True
                _say(_("The console is at %(url)s. Stop with Ctrl-C.") % {"url": _url(host, port)})
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
