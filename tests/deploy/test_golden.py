"""Golden files show every change of what deploy/ renders; rules find what several objects do not agree on."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.integrations.kubernetes.rules import problems
from tests.conftest import REPO
from tests.deploy import golden
from tests.deploy.faults import FAULTS, Fault

Objects = list[dict[str, Any]]


@pytest.mark.parametrize("name", golden.NAMES)
def test_what_is_rendered_is_the_golden_file(deploy: Path, name: str) -> None:
    path = golden.golden_of(name)
    expected, rendered = path.read_text(), golden.text_of(golden.objects_of(deploy, name))
    changes = difflib.unified_diff(
        expected.splitlines(True), rendered.splitlines(True), path.name, "rendered now"
    )
    assert rendered == expected, (
        "".join(changes) + "\nIs it meant? .venv/bin/python -m tests.deploy.golden writes the files anew."
    )


def test_every_source_is_rendered_into_a_golden_file() -> None:
    """So whatever is changed in deploy/ differs from a golden file."""
    texts = [golden.golden_of(name).read_text() for name in golden.NAMES]
    rendered = {
        golden.kind_and_name(each) for text in texts for each in yaml.load_all(text, yaml.CSafeLoader)
    }
    sources = {*(REPO / "deploy").rglob("*.yaml")} - {*(REPO / "deploy").rglob("kustomization.yaml")}
    objects = [each for source in sources for each in yaml.safe_load_all(source.read_text())]
    assert [each for each in map(golden.kind_and_name, objects) if each not in rendered] == []
    components = {each for *_, names in golden.FULL.values() for each in names}
    assert components == {folder.name for folder in (REPO / "deploy" / "components").iterdir()}


def overlay_of(file: str) -> str:
    """Names what renders a file of deploy/."""
    if file.startswith(("pipeline", "components/s3-port")):
        return "pipeline-full"
    return "overlays/full" if file.startswith("components") else "overlays/prod"


@contextmanager
def broken(deploy: Path, fault: Fault) -> Iterator[None]:
    """Holds a fault in its file while the block runs."""
    _, file, old, new, _ = fault
    text = (deploy / file).read_text()
    assert old in text, fault
    try:
        (deploy / file).write_text(text.replace(old, new, 1))
        yield
    finally:
        (deploy / file).write_text(text)


def test_every_single_fault_is_found_by_the_rule_that_is_for_it(deploy: Path) -> None:
    missed = []
    for fault in FAULTS:
        with broken(deploy, fault):
            breaches = problems(golden.objects_of(deploy, overlay_of(fault[1])))
        if not any(fault[4] in breach for breach in breaches):
            missed.append((fault[0], breaches))
    assert missed == []


def test_no_rule_complains_of_what_is_well(deploy: Path) -> None:
    by_its_user = "image palate-pipeline is not pinned"  # which it builds and names
    for name in (*golden.OVERLAYS, "released"):
        objects = golden.objects_of(deploy, name)
        assert [each for each in problems(objects) if by_its_user not in each] == [], name
