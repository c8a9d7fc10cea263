"""A home of three: nights while nobody can be tested yet, and the first ones that test."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.flows import digits
from tests.flows.clones import Done, make_clone, run_flows, run_night, status_of
from tests.flows.tables import write_tables

PARAMS = digits.PARAMS.replace("test_days: 14", "test_days: 3").replace("min_events: 50", "min_events: 3")


def _write_home(folder: Path, days: int) -> Path:
    digits.write_inbox(folder, days)
    with (folder / "events.csv").open() as file:
        events = [row for row in csv.DictReader(file) if row["person_id"] in {"p0", "p1", "p2"}]
    write_tables(folder, PARAMS, events=events)
    return folder


@pytest.mark.slow
def test_a_home_has_green_nights_from_its_second_day_on(
    small_base: Path, prefect: dict[str, str], tmp_path: Path
) -> None:
    clone = make_clone(tmp_path / "clone", small_base)
    inbox = _write_home(tmp_path / "inbox", days=2)
    doctor = run_flows(clone, "doctor", "--data", str(inbox)).stdout
    assert "nothing yet: nobody can be tested yet" in doctor
    first = run_night(clone, "--data", str(inbox), env=prefect)
    assert first.returncode == 0, first.stderr
    assert "INCONCLUSIVE: reader: nobody can be tested yet" in first.stdout
    assert "held out: nothing, see the gate" in first.stdout
    assert "PREVIEW" in first.stdout
    assert "nobody can be tested yet" in (clone / "reports" / "night.html").read_text()
    status = status_of(clone)
    assert "gate inconclusive" in status
    assert "next step\n  reader: nobody can be tested yet" in status
    _write_home(inbox, days=6)
    second = run_night(clone, "--data", str(inbox), env=prefect)
    assert second.returncode == 0, second.stderr
    assert "no new day of 30 people yet (at least 10)" in second.stdout
    report = Done(clone, second).evaluation
    assert report["test"] == {"comparisons": 9, "people": 3}
    assert report["gate"]["decision"] == "inconclusive"
