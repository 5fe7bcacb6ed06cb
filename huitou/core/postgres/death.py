"""Children that do not outlive their parent, however it ends."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_LOOK_SECONDS = 0.2
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

# For systems without a parent-death signal: wait until the pipe from the parent closes, then signal the child.
_WATCHER = "import os, sys; os.read(0, 1); os.kill(int(sys.argv[1]), int(sys.argv[2]))"


def die_with_parent(sent: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` after which the kernel sends `sent` to the child when the thread that started it ends.

    Changing the user clears the setting, so it has to be made last; `subprocess` calls its `preexec_fn` after
    it has changed the user. Start the child from the main thread: another thread's end would count as well.
    """
    parent = os.getpid()

    def in_child() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, int(sent), 0, 0, 0)
        if os.getppid() != parent:  # it died between the fork and the line above
            os._exit(1)

    return in_child


def stop_with_parent(sent: signal.Signals) -> None:
    """Ask the kernel to send `sent` to this very process when its parent ends: for children others start for us."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(sent), 0, 0, 0)


def watch_from_outside(child: int, sent: signal.Signals) -> subprocess.Popen[bytes] | None:
    """Where the kernel has no parent-death signal (macOS), a small process that waits for our end instead.

    Returns None on Linux, where `die_with_parent` does it. The macOS side has not been tried on a Mac yet.
    """
    if _libc is not None:
        return None
    command = [sys.executable, "-c", _WATCHER, str(child), str(int(sent))]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


def end_with_parent(grace: float = 0.5) -> threading.Thread:
    """End this process soon after its parent did: it is asked first, and killed if it does not go in `grace` seconds.

    For processes whose work may be broken off anywhere and is taken up again: a worker in the midst of a long import
    finishes its job when it is asked to stop by somebody who waits, but not for a parent that is gone.
    """
    parent = os.getppid()
    stop_with_parent(signal.SIGTERM)

    def watch() -> None:
        pause = threading.Event()
        while os.getppid() == parent:
            pause.wait(_LOOK_SECONDS)
        if _libc is None:
            os.kill(os.getpid(), signal.SIGTERM)
        pause.wait(grace)
        os.kill(os.getpid(), signal.SIGKILL)

    thread = threading.Thread(target=watch, name="parent-watch", daemon=True)
    thread.start()
    return thread
