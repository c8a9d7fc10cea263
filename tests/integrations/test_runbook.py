"""The runbook's commands of git and DVC, as they stand there, in a repository with two nights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from components.integrations import data_versions
from tests.integrations.test_data_versions import repo
from tests.pages import command

__all__ = ["repo"]  # a fixture
pytestmark = pytest.mark.slow

RUNBOOK = "docs/runbook.md"


def _run(folder: Path, *lines: str) -> str:
    """Runs lines of the page as a reader does, after the line that it says to begin with."""
    if not (folder / ".venv").exists():
        (folder / ".venv").symlink_to(sys.prefix)
    script = "\n".join([command(RUNBOOK, "export PATH="), *lines])
    env = os.environ | {"GIT_AUTHOR_NAME": "t", "EMAIL": "t@localhost"}
    done = subprocess.run(["bash", "-euc", script], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _night(repo: Path, text: str, figure: float) -> None:
    (repo / "data/events/a").write_text(text)
    data_versions.add(repo, "data/events")
    (repo / "metrics.json").write_text(json.dumps({"top_1": figure}))
    data_versions.commit_night(repo, ["data/events.dvc", "dvc.yaml", "metrics.json"], f"Night: {text}")


def test_a_night_is_compared_with_the_one_before_and_its_data_comes_back(repo: Path) -> None:
    (repo / "dvc.yaml").write_text(yaml.safe_dump({"metrics": ["metrics.json"]}))
    for text, figure in (("one", 0.25), ("two", 0.5)):
        _night(repo, text, figure)
    assert "Night: one" in _run(repo, command(RUNBOOK, "git log nights --first-parent --grep='^Night: '"))
    _, before = _run(
        repo, command(RUNBOOK, "git log nights --first-parent --grep='^Night: ' --format")
    ).split()
    figures = _run(repo, command(RUNBOOK, "dvc metrics diff COMMIT").replace("COMMIT", before))
    assert figures.splitlines()[1].split() == ["metrics.json", "top_1", "0.25", "0.5", "0.25"]
    _run(repo, command(RUNBOOK, "git restore").replace("COMMIT", before))
    assert (repo / "data/events/a").read_text() == "one"
    (repo / "data/events/a").write_text("damaged")
    _run(repo, command(RUNBOOK, ".venv/bin/dvc checkout --force"))
    assert (repo / "data/events/a").read_text() == "one"


def test_nights_reach_a_fresh_clone_by_git_and_a_shared_remote(repo: Path, tmp_path: Path) -> None:
    bucket, origin, fresh = tmp_path / "bucket", tmp_path / "origin.git", tmp_path / "fresh"
    for folder, source in ((origin, repo), (fresh, origin)):
        subprocess.run(
            ["git", "clone", "-q", *(["--bare"] if folder == origin else []), source, folder], check=True
        )
    _night(repo, "one", 0.25)
    remote = command(RUNBOOK, "dvc remote add").replace("s3://…", str(bucket))
    _run(
        repo,
        f"git remote add origin {origin}",
        remote,
        command(RUNBOOK, "git push"),
        command(RUNBOOK, "dvc push"),
    )
    restore = command(RUNBOOK, "git restore").replace("COMMIT", "nights").replace("dvc checkout", "dvc pull")
    _run(fresh, remote, command(RUNBOOK, "git fetch"), restore)
    assert (fresh / "data/events/a").read_text() == "one"
