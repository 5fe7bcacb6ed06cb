"""Child processes that are started again when they fall, and never stay behind."""

from __future__ import annotations

import contextlib
import logging
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from huitou.core.postgres.death import die_with_parent, watch_from_outside

logger = logging.getLogger(__name__)
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# A child that ran this long had a good start: the next fall starts with a short pause again.
STEADY_SECONDS = 60.0


@dataclass
class Child:
    """One command that should always run."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    watcher: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    due_at: float = field(default=0.0)

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            # Ctrl-C is for the parent, which then asks its children to finish.
            process_group=0,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        self.watcher = watch_from_outside(self.process.pid, signal.SIGTERM)

    def tend(self) -> None:
        """Start the child if it does not run and its pause is over."""
        now = time.monotonic()
        if self.process is not None:
            status = self.process.poll()
            if status is None:
                return
            if now - self.started_at > STEADY_SECONDS:
                self.pause = FIRST_PAUSE_SECONDS
            logger.warning("%s ended with status %s; starting it again in %.1f s", self.name, status, self.pause)
            self.due_at, self.process = now + self.pause, None
            self.pause = min(self.pause * 2, LONGEST_PAUSE_SECONDS)
        if now >= self.due_at:
            self.start()


class Crew:
    """The children of one parent. Use it from the main thread: its end is what the children notice."""

    def __init__(self, children: Sequence[Child]) -> None:
        self.children = list(children)

    def tend(self) -> None:
        for child in self.children:
            child.tend()

    def stop(self, seconds: float = 20.0) -> None:
        """Ask all to finish, wait for them together, and end those that do not."""
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=max(0.0, deadline - time.monotonic()))
            if process.poll() is None:
                process.kill()
                process.wait()
        for child in self.children:
            if child.watcher is not None:
                child.watcher.kill()
                child.watcher.wait()
