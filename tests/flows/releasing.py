"""Release passes run in a clone as the deployment runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.flows.clones import clean_environment

SCRIPT = """
from flows import environment
environment.prepare()
import sys
from components.domain.errors import PalateError
from flows.release import release
try:
    print(release.fn().sentence)
except PalateError as error:
    sys.exit(f"palate: {error}")
"""


def release_pass(clone: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """One pass without Prefect's server, which has nothing to do with what it does."""
    return subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=clone,
        env=clean_environment() | env,
        capture_output=True,
        text=True,
        timeout=300,
    )


def start_pass(clone: Path) -> subprocess.Popen[str]:
    """A pass that goes on by itself."""
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        cwd=clone,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def said(clone: Path, **env: str) -> str:
    done = release_pass(clone, **env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]
