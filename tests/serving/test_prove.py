"""A Bento is tried by its own code on its own model before it is served."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import REPO


def test_another_wording_of_the_prompt_is_found_in_the_bentos_own_code(served: Path, tmp_path: Path) -> None:
    bento = tmp_path / "src"
    for name in ("serving", "components"):
        shutil.copytree(REPO / name, bento / name)
    shutil.copy(REPO / "requirements-service.lock", bento)
    shutil.copytree(served, bento / "models" / "served")
    assert _prove(bento) == (0, "")
    prompts = bento / "components" / "domain" / "ranker" / "prompts.py"
    prompts.write_text(prompts.read_text().replace('"A dish: {dish}."', '"The dish: {dish}."'))
    code, reason = _prove(bento)
    assert code == 1
    assert reason.startswith("its canary failed: prompts here hash to")
    (bento / "models" / "served" / "adapter" / "adapter_config.json").unlink()
    assert _prove(bento)[1].startswith("it does not start: ")


def _prove(bento: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "serving.prove"], cwd=bento, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.rstrip("\n").rpartition("\n")[2]
