"""Measures seconds, memory, and processes for one thing each."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.sample import REPO


def seconds(run: Callable[[], object]) -> float:
    """Measures how long a call takes."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def peak_mb(who: int = resource.RUSAGE_SELF) -> float:
    """Returns the peak memory of this process, or of its largest child."""
    return resource.getrusage(who).ru_maxrss / 1024


def in_a_process(module: str, what: str) -> dict[str, Any]:
    """Runs `python -m MODULE --one WHAT` by itself, and reads its last line as JSON."""
    command = [sys.executable, "-m", module, "--one", what]
    done = subprocess.run(command, cwd=REPO, check=True, capture_output=True, text=True)
    values: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(what, values, flush=True)
    return values
