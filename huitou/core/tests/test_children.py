"""Children are started again with growing pauses, and ended even if they do not want to."""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

from huitou.core.serving import children
from huitou.core.serving.children import Child, Crew


def _tend_for(crew: Crew, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        crew.tend()
        time.sleep(0.01)


def test_a_child_that_keeps_falling_is_started_ever_less_often(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    command = ["sh", "-c", f"date +%s.%N >> {starts}; exit 3"]
    child = Child("falling", command, pause=0.1)
    crew = Crew([child])
    until = time.monotonic() + 30
    while not (starts.exists() and len(starts.read_text().split()) > 3) and time.monotonic() < until:
        _tend_for(crew, 0.05)
    crew.stop()
    moments = [float(line) for line in starts.read_text().split()]
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert len(gaps) >= 3
    # On a busy machine each may take longer than its pause, never less.
    assert all(gap >= 0.1 * 2**falls for falls, gap in enumerate(gaps)), gaps
    assert child.pause <= children.LONGEST_PAUSE_SECONDS


def test_a_child_that_runs_is_left_alone() -> None:
    child = Child("steady", ["sleep", "60"])
    crew = Crew([child])
    _tend_for(crew, 0.2)
    assert child.process is not None
    first = child.process.pid
    _tend_for(crew, 0.2)
    assert child.process.pid == first
    crew.stop()
    assert child.process.poll() is not None


def test_a_child_that_does_not_stop_is_ended() -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    child = Child("deaf", [sys.executable, "-c", deaf])
    crew = Crew([child])
    crew.tend()
    time.sleep(0.5)
    crew.stop(seconds=0.5)
    assert child.process is not None
    assert child.process.poll() == -9
