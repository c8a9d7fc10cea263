"""Every failure that ends a night is one family, is described, and is never raised without words."""

from __future__ import annotations

import ast
import copy
import inspect
from pathlib import Path

import pytest

from components.domain import errors
from components.domain.errors import PalateError
from tests.conftest import REPO

KINDS = {name: kind for name, kind in inspect.getmembers(errors, inspect.isclass) if kind is not PalateError}


def _raised(path: Path) -> list[tuple[str, int]]:
    """The name of every error of ours that a file raises, with the number of its arguments."""
    nodes = [node.exc for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Raise)]
    calls = [
        (node.func.id, len(node.args))
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    bare = [(node.id, 0) for node in nodes if isinstance(node, ast.Name)]
    return [(name, count) for name, count in calls + bare if name in {*KINDS, "PalateError"}]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_described_and_none_is_one_of_pythons(name: str) -> None:
    assert KINDS[name].__mro__[1:3] == (PalateError, Exception)
    assert f"─ {name} " in str(errors.__doc__)
    assert KINDS[name].__doc__


@pytest.mark.parametrize("name", KINDS)
def test_a_copy_of_a_failure_has_its_kind_and_its_sentence(name: str) -> None:
    error = copy.deepcopy(KINDS[name]("There is no dish 'борщ': add it."))
    assert type(error) is KINDS[name]
    assert str(error) == "There is no dish 'борщ': add it."


def test_every_kind_is_raised_somewhere_and_always_with_one_sentence() -> None:
    files = [path for folder in ("components", "flows", "serving") for path in (REPO / folder).rglob("*.py")]
    raised = [error for path in files for error in _raised(path)]
    assert {name for name, _ in raised} == set(KINDS)
    assert {count for _, count in raised} == {1}
