"""A clock that is set back, or that is a year ahead for a night: one sentence, and then all goes on."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.files import write_state
from tests.flows.clock import moved
from tests.flows.clones import (
    PYTHON,
    Done,
    clean_environment,
    copy_of,
    lend_cache,
    make_clone,
    run_night,
    state_of,
)
from tests.flows.forking import ForkServer
from tests.flows.room import set_params

pytestmark = pytest.mark.slow
CLOCK = r"palate: The clock says 20\d\d-.* UTC, and data were collected at .*: set it right"
UNDER_WATCH = """
from flows import environment
environment.prepare()
from components.domain.params_file import read_params
from flows.release import last_pass
print(last_pass.situation(read_params(environment.REPO / "params.yaml"))["minutes under watch"])
"""


def _alarms(clone: Path) -> list[str]:
    lines = (clone / ".palate" / "alarms.jsonl").read_text().splitlines()
    return [json.loads(line)["kind"] for line in lines]


def test_a_clock_that_is_set_back_stops_the_night_before_it_takes_anything_in(
    night: Done, prefect: dict[str, str], tmp_path: Path
) -> None:
    """To a night it is the same whether the last one's clock was ahead or its own is behind."""
    clone, facts = copy_of(night.clone, tmp_path / "clone"), Path("data") / "night.json"
    before = json.loads((clone / facts).read_text())
    ahead = datetime.fromisoformat(before["collected_at"]) + timedelta(days=1476)
    (clone / facts).write_text(json.dumps(before | {"collected_at": ahead.isoformat()}))
    failed = run_night(clone, env=prefect)
    assert failed.returncode == 1
    assert re.search(CLOCK, failed.stderr)
    assert _alarms(clone) == ["night failed"]
    pointer = Path("data") / "quarantine.dvc"
    assert (clone / pointer).read_text() == (night.clone / pointer).read_text()
    (clone / facts).write_text(json.dumps(before))
    done = run_night(clone, env=prefect)
    assert done.returncode == 0, done.stderr
    assert "Nothing new" in done.stdout
    assert state_of(clone) == state_of(night.clone)


def test_after_a_night_a_year_ahead_all_goes_on_and_nothing_was_removed_for_its_age(
    night: Done, inbox: Path, prefect: dict[str, str], tmp_path: Path
) -> None:
    """The night that is ahead and the last one have their own Prefect server, whose rows go with age."""
    news = _with_one_more_choice(inbox, tmp_path / "inbox")
    other, clone = (copy_of(night.clone, tmp_path / name) for name in ("other", "clone"))
    for folder in (other, clone):
        set_params(folder, "collect", inbox=str(news))
    uninterrupted = run_night(other, env=prefect)
    assert uninterrupted.returncode == 0, uninterrupted.stderr
    shutil.rmtree(clone / ".dvc" / "cache")
    lend_cache(other, clone)
    of_a_running_pass = clone / ".palate" / "tmp-of-a-running-pass"
    of_a_running_pass.mkdir()
    assert run_night(clone, env=moved(tmp_path, timedelta(days=365))).returncode == 0
    assert _alarms(clone) == ["long pause"]
    assert of_a_running_pass.exists()
    (clone / "data" / "night.json").unlink()  # as a night that it stops says
    done = run_night(clone, env={PYTHON: prefect[PYTHON]})
    assert done.returncode == 0, done.stderr
    assert _alarms(clone) == ["long pause"]
    assert state_of(clone) == state_of(other)
    with closing(sqlite3.connect(clone / ".palate" / "prefect" / "prefect.db")) as database:
        states = database.execute("select state_name from flow_run order by rowid").fetchall()
    assert states == [("Completed",), ("Completed",)]


def _with_one_more_choice(inbox: Path, folder: Path) -> Path:
    """A copy of the inbox in which one person chose what another one did."""
    shutil.copytree(inbox, folder)
    events = folder / "events.csv"
    header, first, *others = events.read_text().splitlines()
    column = header.split(",").index("person_id")
    fields, person = first.split(","), others[4].split(",")[column]
    fields[column] = person
    events.write_text("\n".join([header, first, *others, ",".join(fields)]) + "\n")
    return folder


def test_a_release_by_a_clock_that_was_ahead_is_not_watched_until_then(
    forks: ForkServer, tmp_path: Path
) -> None:
    clone = make_clone(tmp_path / "clone")
    (clone / ".palate").mkdir()
    release = {"version": "2", "bento": "palate:v2", "image": "", "previous": "1"}
    for days, minutes in ((0, "0"), (365, "None")):
        at = datetime.now(UTC) + timedelta(days=days)
        write_state(clone / ".palate" / "released.json", {**release, "at": at.isoformat()})
        done = forks.start(clone, clean_environment(), code=UNDER_WATCH).wait()
        assert done.stdout.strip() == minutes, done.stderr
