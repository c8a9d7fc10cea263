"""A past night comes back from git and the remote, and computes the same adapter again."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from components.files import weights_sha256
from tests.flows.clones import COMMANDS, Done, clean_environment, copy_of, run_flows

pytestmark = pytest.mark.slow


def test_a_past_night_computes_the_same_adapters_from_the_remote_alone(night: Done, tmp_path: Path) -> None:
    clone, folder = copy_of(night.clone, tmp_path / "clone"), tmp_path / "back"
    expected = {path.name: weights_sha256(path) for path in (clone / "models/adapters").iterdir()}
    for lost in (".dvc/cache", "data/events", "data/splits", "models/adapters", "models/base"):
        shutil.rmtree(clone / lost)
    commit = subprocess.run(
        ["git", "log", "-1", "--format=%H %cd", "--date=format-local:%Y-%m-%d", "nights"],
        cwd=clone, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    done = run_flows(clone, "restore", commit[1], "--to", str(folder))
    assert done.returncode == 0, done.stderr
    assert f"night {commit[0][:12]} is in {folder}" in done.stdout
    assert (folder / "params.yaml").read_text() == (clone / "params.yaml").read_text()
    for name in expected:
        shutil.rmtree(folder / "models/adapters" / name)
    for command in (["split"], *(["--force", "--single-item", f"train@{name}"] for name in expected)):
        subprocess.run(
            [COMMANDS[-1], "-m", "dvc", "repro", *command],
            cwd=folder, check=True, capture_output=True,
            env=clean_environment() | {"PATH": f"{Path(COMMANDS[-1]).parent}:/usr/bin:/bin"},
        )  # fmt: skip
    again = {path.name: weights_sha256(path) for path in (folder / "models/adapters").iterdir()}
    assert again == expected
    assert not (clone / "data/events").exists()  # the clone stays as it is


def test_no_such_night_is_one_sentence_and_leaves_nothing(night: Done, tmp_path: Path) -> None:
    for name in ("1999-12-31", "77"):
        done = run_flows(night.clone, "restore", name, "--to", str(tmp_path / "back"))
        assert done.returncode == 1
        assert done.stderr.startswith("palate: There is no")
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "back").exists()
