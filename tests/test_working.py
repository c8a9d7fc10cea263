"""The commands of CONTRIBUTING.md that neither CI's script nor a night types, in a clone of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import needs
from tests.flows.clones import clean_environment, make_clone
from tests.pages import command

pytestmark = pytest.mark.slow

PAGE = "CONTRIBUTING.md"
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_clone(tmp_path_factory.mktemp("working") / "clone")
    (folder / ".venv").symlink_to(BIN.parent)
    return folder


def _run(clone: Path, line: str) -> str:
    env = clean_environment() | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "EMAIL": "t@localhost"}
    done = subprocess.run(["bash", "-euc", line], cwd=clone, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout + done.stderr


def test_the_hook_of_pre_commit_looks_at_a_commit(clone: Path) -> None:
    _run(clone, command(PAGE, "pre-commit install"))
    (clone / "new.txt").write_text("no code\n")
    output = _run(clone, "git add new.txt && git -c user.name=t commit -m new")
    assert "import-linter" in output
    assert "Failed" not in output


def test_golden_files_that_are_written_anew_are_those_that_are_there(clone: Path) -> None:
    needs("kubectl")
    folder = clone / "tests" / "deploy" / "golden"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "dev.yaml").unlink()
    _run(clone, command(PAGE, ".venv/bin/python -m tests.deploy.golden"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_tests_run_in_one_process_for_a_debugger(clone: Path) -> None:
    assert " passed" in _run(clone, f"{command(PAGE, 'pytest -n0')} tests/test_files.py")


def test_a_files_hash_is_shown_as_a_lock_has_it(clone: Path) -> None:
    assert "--hash=sha256:" in _run(clone, command(PAGE, "pip hash").replace("FILE", "requirements-cpu.lock"))
