"""What the code imports is declared in pyproject.toml, so that no other package's change takes it away."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from tests.conftest import REPO

PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text())


def _names(requirements: list[str]) -> set[str]:
    return {_plain(re.split(r"[\[<>=!~ ;]", requirement)[0]) for requirement in requirements}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()  # as PyPI compares names


def _imported(files: Iterable[Path]) -> set[str]:
    modules = set()
    for node in (node for path in files for node in ast.walk(ast.parse(path.read_text()))):
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.add(node.module.partition(".")[0])
    return modules - set(sys.stdlib_module_names) - {"flows", "components", "serving"}


def _files(group: str) -> list[Path]:
    if group:
        listed = yaml.safe_load((REPO / "bentofile.yaml").read_text())["include"]
        return [path for name in listed if name.endswith(".py") for path in REPO.glob(name)]
    return [path for folder in ("flows", "components", "serving") for path in (REPO / folder).rglob("*.py")]


@pytest.mark.parametrize("group", ["", "service"])
def test_every_import_is_declared(group: str) -> None:
    declared = PROJECT["dependency-groups"][group] if group else PROJECT["project"]["dependencies"]
    distributions, modules = packages_distributions(), _imported(_files(group))
    assert {"numpy", "pydantic"} <= modules
    missing = [name for name in modules if not set(map(_plain, distributions[name])) & _names(declared)]
    assert missing == []


@pytest.mark.parametrize(
    ("group", "lock"), [("", "requirements.lock"), ("service", "requirements-service.lock")]
)
def test_what_is_declared_is_pinned(group: str, lock: str) -> None:
    declared = PROJECT["dependency-groups"][group] if group else PROJECT["project"]["dependencies"]
    pinned = set(re.findall(r"^([\w.-]+)(?:\[.*\])?==", (REPO / lock).read_text(), re.MULTILINE))
    assert _names(declared) - pinned <= {"torch"}  # its builds have locks of their own
