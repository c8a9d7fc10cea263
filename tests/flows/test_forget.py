"""A forgotten person is nowhere under the project, its remote, MLflow and git, and does not come back."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
from mlflow.tracking import MlflowClient

from tests.accepted import stored_events
from tests.flows.clones import Done, clean_environment, copy_of, make_clone, run_flows, run_night
from tests.flows.forking import ForkServer

pytestmark = pytest.mark.slow
GUEST = " ".join(("zoë", "the", "guest"))  # in parts, since this file lies in the clone that is searched
GUEST_ESCAPED = json.dumps(GUEST)[1:-1]


@pytest.fixture(scope="module")
def clone(
    inbox: Path, small_base: Path, prefect: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A clone after a night with a guest who came as often as a regular, and once in a refused row."""
    folder = tmp_path_factory.mktemp("forget")
    shutil.copytree(inbox, folder / "inbox")
    path = folder / "inbox" / "events.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    regular = rows[0]["person_id"]
    theirs = [{**row, "person_id": GUEST} for row in rows if row["person_id"] == regular]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows([*rows, *theirs, {**theirs[0], "occurred_at": "2999-01-01T12:00:00"}])
    clone = make_clone(folder / "clone", small_base)
    first = run_night(clone, "--data", str(folder / "inbox"), env=prefect)
    assert first.returncode == 0, first.stderr
    return clone


def _places(folder: Path) -> list[str]:
    """Where a guest's id stands: in files as bytes, in Parquet's columns, and in git's objects."""
    places = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and "models/base" not in str(path):
            content = path.read_bytes()
            if content[:4] == b"PAR1":
                content += str(pq.read_table(path).to_pydict()).encode()
            if any(text.encode() in content for text in (GUEST, GUEST_ESCAPED)):
                places.append(str(path.relative_to(folder)))
    objects = subprocess.run(
        ["git", "cat-file", "--batch-all-objects", "--batch"], cwd=folder, check=True, capture_output=True
    ).stdout
    return places + ["git"] * any(text.encode() in objects for text in (GUEST, GUEST_ESCAPED))


def test_a_person_is_taken_out_and_everything_older_is_listed(clone: Path, tmp_path: Path) -> None:
    copy = copy_of(clone, tmp_path / "copy")
    before = stored_events(copy / "data" / "events")
    theirs = sum(row["person_id"] == GUEST for row in before)
    assert theirs > 5
    done = run_flows(copy, "forget", GUEST)
    assert done.returncode == 0, done.stderr
    assert f"forgotten: {theirs} events, 0 people, 1 quarantined, " in done.stdout
    assert re.search(
        r"data version [0-9a-f]{32}\.dir, nights [0-9a-f]{12}: still there; HISTORY=1", done.stdout
    )
    assert re.search(r"model version 1 \(t[oi]p, Bento palate:v1-\w+\): was trained on them", done.stdout)
    after = stored_events(copy / "data" / "events")
    assert after == [row for row in before if row["person_id"] != GUEST]
    (receipt,) = (copy / ".palate" / "receipts").iterdir()
    assert GUEST not in done.stdout + done.stderr + receipt.read_text()
    assert json.loads(receipt.read_text())["model_versions"] == ["1"]
    again = run_flows(copy, "forget", GUEST)
    assert "forgotten: 0 events, 0 people, 0 quarantined, 0 rows of the service" in again.stdout


AFTER = {
    "the hash": lambda clone, _: (clone / "data/forgotten.json").exists(),
    "some tables": lambda clone, before: _times(clone / "data/events") != before["data/events"],
    "the quarantine": lambda clone, before: _times(clone / "data/quarantine") != before["data/quarantine"],
    "derived files": lambda clone, _: not (clone / "dvc.lock").exists(),
    "the new version": lambda clone, before: _times(clone / "data") != before["data"],
}


def _times(folder: Path) -> dict[str, int]:
    files = (path for path in folder.rglob("*.*") if path.suffix in {".parquet", ".jsonl", ".dvc"})
    return {str(path): path.stat().st_mtime_ns for path in files if path.exists()}


def test_killed_after_each_step_and_called_again_it_ends_as_if_it_had_never_been(
    clone: Path, forks: ForkServer, tmp_path: Path
) -> None:
    whole = copy_of(clone, tmp_path / "whole")
    assert run_flows(whole, "forget", GUEST).returncode == 0
    killed = copy_of(clone, tmp_path / "killed")
    for step, is_done in AFTER.items():
        before = {name: _times(killed / name) for name in ("data", "data/events", "data/quarantine")}
        fork = forks.start(killed, clean_environment(), "-m", "flows", "forget", GUEST)
        while psutil.pid_exists(fork.pid) and not is_done(killed, before):
            time.sleep(0.001)
        fork.kill()
        fork.wait()
        assert (killed / "data/forgotten.json").exists(), step
    done = run_flows(killed, "forget", GUEST)
    assert done.returncode == 0, done.stderr
    assert "model version 1" in done.stdout
    for name in ("data/events.dvc", "data/quarantine.dvc"):
        assert (killed / name).read_text() == (whole / name).read_text()
    assert run_flows(killed, "forget", GUEST, "--history").returncode == 0
    assert _places(killed) == []


def test_with_history_nothing_holds_them_and_the_next_night_trains_without_them(
    clone: Path, prefect: dict[str, str]
) -> None:
    stores = {".dvc/cache", ".palate/dvc-remote", "data/events", "data/quarantine", "data/splits"}
    stores |= {".palate/service.db"}
    places = {"/".join(path.split("/")[:2]).removesuffix("-wal") for path in _places(clone)}
    assert places == stores  # no report, log, run or model names anybody
    tip = subprocess.run(
        ["git", "rev-parse", "nights"], cwd=clone, check=True, capture_output=True, text=True
    )
    push = [
        "git",
        "update-ref",
        "refs/remotes/site/nights",
        tip.stdout.strip(),
    ]  # as `git push site nights` does
    subprocess.run(push, cwd=clone, check=True)
    done = run_flows(clone, "forget", GUEST, "--history")
    assert done.returncode == 0, done.stderr
    assert "site has the nights before on its branch nights: `git push --force site nights`" in done.stdout
    commit = ["git", "cat-file", "-e", tip.stdout.strip()]
    assert subprocess.run(commit, cwd=clone, check=False, capture_output=True).returncode != 0
    assert _places(clone) == []
    client = MlflowClient(f"sqlite:///{clone / '.palate' / 'mlflow.db'}")
    assert "forgotten" in client.get_model_version("palate", "1").tags["needs_retrain"]
    events = len(stored_events(clone / "data" / "events"))

    night = run_night(clone, env=prefect)  # the inbox still has their rows, and fewer events are no loss
    assert night.returncode == 0, night.stderr
    assert re.search(r"events in .* \+ \d+ forgotten", night.stdout)
    assert len(stored_events(clone / "data" / "events")) == events
    assert _places(clone) == []
    assert (
        client.get_model_version("palate", "2").tags["data_md5"]
        != client.get_model_version("palate", "1").tags["data_md5"]
    )
    client.set_registered_model_alias("palate", "champion", "1")
    refused = run_flows(clone, "release")
    assert "needs_retrain" in refused.stdout + refused.stderr


def test_another_key_would_let_them_in_again_so_the_night_says_so(
    clone: Path, prefect: dict[str, str], tmp_path: Path
) -> None:
    copy = copy_of(clone, tmp_path / "copy")
    assert run_flows(copy, "forget", GUEST).returncode == 0
    (copy / ".palate" / "secrets.json").unlink()
    night = run_night(copy, env=prefect)
    assert night.returncode == 1
    assert "was made with another key" in night.stderr


@pytest.mark.parametrize("person", ["", "  "])
def test_nobody_is_one_sentence(night: Done, person: str) -> None:
    done = run_flows(night.clone, "forget", person)
    assert (done.returncode, done.stdout) == (1, "")
    assert "No person is named" in done.stderr


# A night's collection, a forgotten person, and the next collection of the same inbox, without training.
TWO_COLLECTIONS = """
from flows import environment
environment.prepare()
from flows.environment import REPO
from flows.night.forget import forget
from flows.night import data, settings
from components.integrations import data_versions
params = settings.adopt({inbox!r})
data.look_at_repository()
data.collect.fn(params)
data_versions.add(REPO, *data.DATA)
data_versions.commit_night(REPO, data.COMMITTED, "Night")
(REPO / "before.txt").write_text((REPO / "data/quarantine/events.jsonl").read_text())
for person in ("ada", "Jos\u00e9"):
    print(forget(params, person, history=False))
data.collect.fn(params)
"""


def test_refused_rows_of_a_forgotten_person_do_not_come_back_and_older_ones_are_listed(
    forks: ForkServer, tmp_path: Path
) -> None:
    clone, inbox = make_clone(tmp_path / "clone"), tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "params.yaml").write_text("collect: {columns: {events: {person_id: user}}}")
    (inbox / "dishes.csv").write_text("dish_id,name\nd1,Halloumi\n")
    header = "user,dish_id,kind,value,occurred_at\n"
    rows = "ada,d1,rating,4,2026-10-03,extra secret of ada\nbob,d1,like,,2026-10-03\n"
    (inbox / "events-1.csv").write_text(header + rows)
    torn = [b'{"user":"ada","dish_id', b'{"user":"Jos\\u00e9", "x', b'{"user":"Jos\xe9"}', b'{"user":"bo']
    whole = b'{"user":["ada"],"dish_id":"d1","kind":"like","occurred_at":"2026-10-03"}\n'
    (inbox / "events-2.jsonl").write_bytes(b"\n".join([*torn, whole]))
    code = TWO_COLLECTIONS.format(inbox=str(inbox))
    done = forks.start(clone, clean_environment(), code=code).wait()
    assert done.returncode == 0, done.stderr
    assert len((clone / "before.txt").read_text().splitlines()) == 6
    assert "forgotten: 0 events, 0 people, 3 quarantined, " in done.stdout
    assert "forgotten: 0 events, 0 people, 2 quarantined, " in done.stdout
    assert done.stdout.count("still there; HISTORY=1") >= 2  # the quarantine alone held them
    (left,) = (clone / "data" / "quarantine" / "events.jsonl").read_text().splitlines()
    assert "bo" in left
    assert not re.search(r"ada|Jos", left)
