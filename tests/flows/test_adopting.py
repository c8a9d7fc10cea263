"""Which settings hold for which inbox: what the sample turns on is never on for a user's data."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.flows.clones import REPO, clean_environment, make_clone

SCRIPT = """
import json, sys
from pathlib import Path
from flows import environment; environment.prepare()
from flows.steps.settings import adopt
for inbox, by_hand in json.loads(sys.argv[1]):
    path = Path("params.yaml")
    if by_hand:
        path.write_text(path.read_text().replace("inbox: data/sample/canteen", f"inbox: {by_hand}"))
    params = adopt(inbox)
    print(json.dumps([params.collect.inbox, params.register_.promote_first, params.package.preview]))
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clone(tmp_path_factory.mktemp("adopting"))


def _adopt(clone: Path, *nights: tuple[str, str]) -> list[list[object]]:
    """What holds in nights with these inboxes, each of which may follow a change of params.yaml by hand."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(nights)],
        cwd=clone, env=clean_environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_sample_is_promoted_and_previewed_without_a_trace_in_params_yaml(clone: Path) -> None:
    sample = "data/sample/canteen"
    assert _adopt(clone, ("", ""), (sample, "")) == [[sample, True, True]] * 2
    written = (clone / "params.yaml").read_text()
    assert "promote_first: false" in written
    assert "preview: false" in written


def test_a_users_data_is_neither_although_the_sample_ran_before(clone: Path, tmp_path: Path) -> None:
    before, chosen = (clone / "params.yaml").read_text(), str(tmp_path)
    assert _adopt(clone, ("", ""), ("", chosen), (chosen, ""))[1:] == [[chosen, False, False]] * 2
    (tmp_path / "params.yaml").write_text("register: {promote_first: true}")
    assert _adopt(clone, (chosen, "")) == [[chosen, True, False]]
    (clone / "params.yaml").write_text(before)


def test_what_the_sample_sets_for_itself_is_read_by_no_stage() -> None:
    changed = yaml.safe_load((REPO / "data" / "sample" / "canteen" / "params.yaml").read_text())
    assert set(changed) == {"register", "package"}
