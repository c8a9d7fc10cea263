"""Input that a night refuses: one sentence says what is wrong, and nothing is changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.flows.clones import Done, clean_environment, make_clone, run_night
from tests.flows.forking import ForkServer

# What a night does with an inbox before it trains, without Prefect and DVC.
FIRST_STEPS = """
from flows import environment
environment.prepare()
import sys
from components.domain.errors import PalateError
from components.stages.split import split
from flows.night import data, settings
try:
    params = settings.adopt({inbox!r})
    data.collect.fn(params)
    split(params)
except PalateError as error:
    sys.exit(f"palate: {{error}}")
"""

# Two nights on an inbox, the second on a Sunday: its file of events has its header only.
SUNDAY = """
from flows import environment
environment.prepare()
from pathlib import Path
from flows.night import data, settings
params, path = settings.adopt({inbox!r}), Path({inbox!r}, "events.csv")
for night in range(2):
    collection = data.collect.fn(params)
    print(collection.counts["events"].rows_in, collection.events)
    path.write_text(path.read_text().splitlines()[0])
"""


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("", "", "holds no events"),
        ("events.parquet", "this is no parquet", "not a readable Parquet file"),
        ("params.yaml", "train: {seeed: 1}", "train.seeed: unknown key"),
        (
            "params.yaml",
            "prompt: {dish_fields: [ingredients]}",
            "has a value in prompt.dish_fields (ingredients)",
        ),
    ],
)
def test_bad_input_is_one_sentence(
    inbox: Path, forks: ForkServer, tmp_path: Path, file: str, content: str, sentence: str
) -> None:
    clone = make_clone(tmp_path / "clone")
    folder = tmp_path / "inbox"
    if file == "params.yaml":
        shutil.copytree(inbox, folder)
    else:
        folder.mkdir()
    if file:
        (folder / file).write_text(content)
    before = (clone / "params.yaml").read_text()
    done = forks.start(clone, clean_environment(), code=FIRST_STEPS.format(inbox=str(folder))).wait()
    assert done.returncode == 1
    assert done.stderr.startswith("palate: ")
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    if "seeed" in content:
        assert (clone / "params.yaml").read_text() == before


def test_a_night_without_a_row_of_events_is_one_without_news(
    inbox: Path, forks: ForkServer, tmp_path: Path
) -> None:
    clone, folder = make_clone(tmp_path / "clone"), shutil.copytree(inbox, tmp_path / "inbox")
    done = forks.start(clone, clean_environment(), code=SUNDAY.format(inbox=str(folder))).wait()
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    rows, events = first.split()
    assert int(rows) >= int(events) > 0
    assert second == f"0 {events}"


def test_a_night_that_fails_its_checks_says_so_once_and_ends_with_exit_code_1(
    inbox: Path, small_base: Path, prefect: dict[str, str], tmp_path: Path
) -> None:
    clone = make_clone(tmp_path / "clone", small_base)
    folder = shutil.copytree(inbox, tmp_path / "inbox")
    (folder / "params.yaml").write_text("base: {model: small}\ncheck: {min_events: 100000}")
    done = run_night(clone, "--data", str(folder), env=prefect)
    assert done.returncode == 1
    (failure,) = [line for line in done.stderr.splitlines() if line.startswith("palate: ")]
    assert "night.events column_max_to_be_between failed (observed 158, min_value 100000)" in failure
    assert "Traceback" not in done.stderr
    last = json.loads((clone / ".palate" / "last-night.json").read_text())  # what `make status` tells
    assert f"it failed: {failure.removeprefix('palate: ')}" in last.values()


def test_another_inbox_in_a_used_clone_is_refused(night: Done, forks: ForkServer, tmp_path: Path) -> None:
    code = FIRST_STEPS.format(inbox=str(tmp_path))
    done = forks.start(night.clone, clean_environment(), code=code).wait()
    assert done.returncode == 1
    assert "use a fresh clone" in done.stderr
