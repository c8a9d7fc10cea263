"""Golden files show every change of what deploy/ renders; rules find what several objects do not agree on."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.domain.errors import StageFailed
from components.integrations.kubernetes.rules import problems
from tests.deploy import golden
from tests.deploy.faults import FAULTS, NEW, OF_A_REVIEW, Fault

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


def overlay_of(file: str) -> str:
    """Names what renders a file of deploy/."""
    if file == golden.JOB:
        return "job"
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


def found(deploy: Path, fault: Fault) -> tuple[bool, list[str]]:
    """Says whether a fault changes what is compared with a golden file, and what the rules say of it."""
    name, of_job = overlay_of(fault[1]), fault[1] == golden.JOB
    with broken(deploy, fault):
        try:
            objects = golden.objects_of(deploy, name)
        except (AssertionError, StageFailed):  # kustomize refuses it
            return True, []
    expected = list(yaml.load_all(golden.golden_of(name).read_text(), yaml.CSafeLoader))
    return sorted(objects, key=golden.kind_and_name) != expected, [] if of_job else problems(objects)


def test_every_single_fault_is_found_and_by_the_rule_that_is_for_it(deploy: Path) -> None:
    missed = []
    for fault in FAULTS:
        differs, breaches = found(deploy, fault)
        by_rule = any(fault[4] in breach for breach in breaches)
        if not differs or (fault[4] and not by_rule):
            missed.append((fault[0], differs, breaches))
    assert missed == []
    assert (len(OF_A_REVIEW), len(NEW), len({each[0] for each in FAULTS})) == (41, 16, len(FAULTS))


def test_no_rule_complains_of_what_is_well(deploy: Path) -> None:
    by_its_user = "image palate-pipeline is not pinned"  # which it builds and names
    for name in (*golden.OVERLAYS, "released"):
        objects = golden.objects_of(deploy, name)
        assert [each for each in problems(objects) if by_its_user not in each] == [], name
