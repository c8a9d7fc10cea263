"""The Bento holds all code that the service runs."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import grimp
import yaml

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


def _path_of(module: str) -> str:
    path = Path(*module.split("."))
    return str(path / "__init__.py" if (REPO / path).is_dir() else path.with_suffix(".py"))
