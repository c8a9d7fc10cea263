"""The Bento holds all code that the service runs."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import grimp
import pytest
import yaml

from components.domain.errors import StageFailed
from serving.arm import facts_in

REPO = Path(__file__).resolve().parent.parent.parent


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
