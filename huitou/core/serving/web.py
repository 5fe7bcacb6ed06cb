"""The web server: Granian with one worker process, which leases the database for itself."""

from __future__ import annotations

import os
import socket
import threading
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from huitou.core.errors import DomainError

TARGET = "config.web:application"
# Requests that one process works on at once. They mostly wait for the database; some places are the console's own.
BLOCKING_THREADS = 24
CONSOLE_THREADS = 4


class AddressError(DomainError):
    """The web server cannot listen where it was told to."""

    code = "address"


def asked_address() -> tuple[str, int]:
    """Host and port that were asked for: `HUITOU_HOST` (127.0.0.1) and `HUITOU_PORT` (8000).

    Raises AddressError when the port is no port.
    """
    host, given = os.environ.get("HUITOU_HOST", "127.0.0.1"), os.environ.get("HUITOU_PORT", "8000")
    if not given.isascii() or not given.isdigit() or not 0 < int(given) < 65536:
        raise AddressError(_("HUITOU_PORT is %(value)s; it must be a number from 1 to 65535.") % {"value": repr(given)})
    return host, int(given)


def chosen_address() -> tuple[str, int]:
    """Host and port to serve on. Raises AddressError when the port is no port or somebody else listens there."""
    host, port = asked_address()
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            # Granian shares ports on purpose; listening shows whether somebody else is really there.
            probe.listen(1)
    except OSError as error:
        raise AddressError(
            _(
                "Cannot listen on %(host)s:%(port)s: %(reason)s. If another program uses the port, choose a free one: "
                "HUITOU_PORT=8001. The address is HUITOU_HOST."
            )
            % {"host": host, "port": port, "reason": error.strerror or str(error)}
        ) from error
    return host, port


def stoppable_server() -> Any:
    """Granian's server, with a stop that may be asked for twice.

    Its own handler wakes the main loop from inside the signal handler. A second signal in the midst of that waits
    for a lock that the first one holds, in the same thread: the server would hang and outlive its parent.
    """
    from granian import server

    # Which class this is depends on the interpreter.
    granian_server: Any = server.Server

    class StoppableServer(granian_server):  # type: ignore[misc]
        interrupt_signal: bool

        def signal_handler_interrupt(self, *args: object, **kwargs: object) -> None:
            if not self.interrupt_signal:
                self.interrupt_signal = True
                threading.Thread(target=self.main_loop_interrupt.set, daemon=True).start()

    return StoppableServer


def serve() -> None:
    """Serve until SIGTERM or Ctrl-C. Requests under way are finished."""
    from granian.constants import Interfaces
    from granian.log import LogLevels, logger

    host, port = chosen_address()
    # More threads than processors are meant: they wait for the database.
    logger.addFilter(lambda record: "Python threads" not in record.getMessage())
    stoppable_server()(
        TARGET,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=settings.WEB_WORKERS,
        blocking_threads=BLOCKING_THREADS,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=15,
    ).serve()
