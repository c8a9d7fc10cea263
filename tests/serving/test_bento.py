"""The Bento holds all code that the service runs, and is tried by it before it is served."""

from __future__ import annotations

import fnmatch
import os
import shutil
from pathlib import Path

import grimp
import pytest
import yaml

from components.domain.errors import StageFailed
from serving.variant import facts_in
from tests.conftest import REPO
from tests.flows.forking import ForkServer


def test_every_module_that_the_service_imports_is_in_the_bento() -> None:
    graph = grimp.build_graph("serving", "components", exclude_type_checking_imports=True, cache_dir=None)
    modules = {"serving.service", "serving.prove"}
    modules |= set().union(*map(graph.find_upstream_modules, modules))
    patterns = yaml.safe_load((REPO / "bentofile.yaml").read_text())["include"]
    missing = {
        path for path in map(_path_of, modules) if not any(fnmatch.fnmatch(path, each) for each in patterns)
    }
    assert missing == set()


def test_a_bento_that_was_built_by_hand_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match=r"code and no model, as `bentoml build` makes it by hand"):
        facts_in(tmp_path)


def _path_of(module: str) -> str:
    path = Path(*module.split("."))
    return str(path / "__init__.py" if (REPO / path).is_dir() else path.with_suffix(".py"))


def test_another_wording_of_the_prompt_is_found_in_the_bentos_own_code(
    served: Path, forks: ForkServer, tmp_path: Path
) -> None:
    bento = tmp_path / "src"
    for name in ("serving", "components"):
        shutil.copytree(REPO / name, bento / name)
    shutil.copy(REPO / "requirements-service.lock", bento)
    shutil.copytree(served, bento / "models" / "served")
    assert _prove(forks, bento) == (0, "")
    prompts = bento / "components" / "domain" / "ranker" / "prompts.py"
    prompts.write_text(prompts.read_text().replace('"A dish: {dish}."', '"The dish: {dish}."'))
    code, reason = _prove(forks, bento)
    assert code == 1
    assert reason.startswith("its canary failed: prompts here hash to")
    (bento / "models" / "served" / "adapter" / "adapter_config.json").unlink()
    assert _prove(forks, bento)[1].startswith("it does not start: ")


def _prove(forks: ForkServer, bento: Path) -> tuple[int, str]:
    done = forks.start(bento, os.environ, "-m", "serving.prove").wait()
    return done.returncode, done.stdout.rstrip("\n").rpartition("\n")[2]
