"""Clones of HEAD, in which benchmarks run whole nights."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from benchmarks.sample import REPO


def clone_head(name: str) -> Path:
    """A fresh clone of HEAD below .palate/benchmarks, with this checkout's base model where it is made."""
    target = REPO / ".palate" / "benchmarks" / name
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["git", "clone", "-q", str(REPO), str(target)], check=True)
    if (REPO / "models" / "base").exists():
        shutil.copytree(REPO / "models" / "base", target / "models" / "base")
    return target


def commit_of(clone: Path) -> str:
    """What was measured: HEAD here may have moved on meanwhile."""
    asked = ["git", "rev-parse", "--short", "origin/HEAD"]
    return subprocess.run(asked, cwd=clone, capture_output=True, text=True, check=True).stdout.strip()
