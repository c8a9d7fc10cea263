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
from flows.night.settings import adopt
for inbox, by_hand in json.loads(sys.argv[1]):
    path = Path("params.yaml")
    if by_hand:
        path.write_text(path.read_text().replace("inbox: data/sample/canteen", f"inbox: {by_hand}"))
    params = adopt(inbox)
    print(json.dumps([params.collect.inbox, params.register_.promote_first, params.package.serve]))
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
    assert _adopt(clone, ("", ""), (sample, "")) == [[sample, True, "preview"]] * 2
    written = (clone / "params.yaml").read_text()
    assert "promote_first: false" in written
    assert "serve: best" in written


def test_a_users_data_is_neither_although_the_sample_ran_before(clone: Path, tmp_path: Path) -> None:
    before, chosen = (clone / "params.yaml").read_text(), str(tmp_path)
    (clone / "data" / "events").mkdir()  # as docs/upgrading.md has it: collect.inbox first, then DATA
    assert _adopt(clone, ("", ""), ("", chosen), (chosen, ""))[1:] == [[chosen, False, "best"]] * 2
    (tmp_path / "params.yaml").write_text("register: {promote_first: true}")
    assert _adopt(clone, (chosen, "")) == [[chosen, True, "best"]]
    (clone / "params.yaml").write_text(before)
    (clone / "data" / "events").rmdir()


WHOLE = {
    "collect": {
        "columns": {"events": {"person_id": "user"}, "dishes": {"name": "title"}},
        "scales": {"survey": {"value_range": [1, 10], "like_at": 8, "dislike_at": 4}},
        "tables": {"events": "ratings"},
        "watermarks": {"events": "written_at"},
    },
    "base": {"others": {"larger": "package:larger"}},
}


@pytest.mark.parametrize("later", [{}, {"events": {"person_id": "who"}}])
def test_a_later_override_takes_back_what_an_earlier_one_named(
    clone: Path, tmp_path: Path, later: dict[str, dict[str, str]]
) -> None:
    path, inbox = clone / "params.yaml", tmp_path / "params.yaml"
    before, chosen = path.read_text(), str(tmp_path)
    inbox.write_text(yaml.safe_dump(WHOLE))
    _adopt(clone, (chosen, ""))
    adopted = yaml.safe_load(path.read_text())
    for section, settings in WHOLE.items():
        assert {key: adopted[section][key] for key in settings} == settings
    emptied = {section: {key: {} for key in settings} for section, settings in WHOLE.items()}
    emptied["collect"]["columns"] = later
    inbox.write_text(yaml.safe_dump({**emptied, "check": {"min_events": 7}}))
    _adopt(clone, (chosen, ""))
    expected = yaml.safe_load(before)
    for section, settings in emptied.items():
        expected[section] |= settings
    expected["collect"]["inbox"], expected["check"]["min_events"] = chosen, 7
    assert yaml.safe_load(path.read_text()) == expected
    comments = [line.partition(" # ")[2] for line in before.splitlines()]
    assert [line for line in comments if line and line not in path.read_text()] == []
    path.write_text(before)


def test_what_the_sample_sets_for_itself_is_read_by_no_stage() -> None:
    changed = yaml.safe_load((REPO / "data" / "sample" / "canteen" / "params.yaml").read_text())
    assert set(changed) == {"register", "package"}
