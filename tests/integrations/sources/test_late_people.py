"""A table of people that comes on a later night, or goes, takes back no event that was accepted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.domain.preferences.contract import Stored
from components.domain.preferences.events import Counts
from components.domain.preferences.limits import Limits
from components.integrations import event_sources
from components.integrations.sources.folder import Folder
from components.integrations.sources.intake import Intake, take_in

LIMITS = Limits(datetime(2026, 3, 1, tzinfo=UTC), (0, 5))
NOTHING: Stored = {"dishes": [], "people": [], "menus": []}


def _events(folder: Path, count: int, form: str) -> None:
    header = "person_id,dish_id,kind,occurred_at"
    rows = [
        f"p{number % 40},d1,like,2026-02-01T{number // 60:02}:{number % 60:02}" for number in range(count)
    ]
    if form == "odd":  # cells that are missing at the end make no batch smaller; one more column does
        header, rows = f"{header},value", [f"{row}," for row in rows]
    (folder / "events.csv").write_text("\n".join([header, *rows, ""]))


def _night(folder: Path, before: Intake | None) -> Intake:
    tables = before.collected.tables if before else NOTHING
    events = before.events if before else event_sources.no_events()
    return take_in(Folder(str(folder)).read({}).tables, tables, events, LIMITS)


@pytest.mark.parametrize("form", ["plain", "odd"])
def test_events_of_before_are_duplicates_and_only_news_must_be_of_the_people(
    tmp_path: Path, form: str
) -> None:
    (tmp_path / "dishes.csv").write_text("dish_id,name\nd1,Halloumi\n")
    _events(tmp_path, 800, form)
    first = _night(tmp_path, None)
    assert first.collected.counts["events"] == Counts(800, 800)
    (tmp_path / "people.csv").write_text("person_id\np1\n")
    _events(tmp_path, 840, form)  # 40 more, one of them of p1
    second = _night(tmp_path, first)
    assert second.collected.counts["events"] == Counts(840, 1, 800, 39)
    assert {row.reason[-24:] for row in second.collected.quarantined} == {
        "' is not in the people table"[-24:]
    }
    (tmp_path / "people.csv").unlink()
    third = _night(tmp_path, second)
    assert third.collected.counts["events"] == Counts(840, 39, 801)
    assert [row["person_id"] for row in third.collected.tables["people"]] == ["p1"]
