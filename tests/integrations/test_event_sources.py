"""Accepted tables and quarantined rows come back as they were stored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.domain.preferences.contract import columns
from components.domain.preferences.events import Quarantined
from components.integrations import event_sources


def test_equal_tables_are_equal_bytes_and_come_back(tmp_path: Path) -> None:
    dish = dict.fromkeys(columns("dishes")) | {
        "dish_id": "d1",
        "name": "Pea stew",
        "tags": ("soup",),
        "ingredients": (),
    }
    for folder in ("one", "two"):
        event_sources.write_tables(
            tmp_path / folder, {"dishes": [dish], "people": [], "menus": [], "events": []}
        )
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()
    assert event_sources.read_tables(tmp_path / "one")["dishes"] == [dish]


def test_a_quarantined_row_is_kept_once_however_often_it_comes(tmp_path: Path) -> None:
    row = Quarantined("events", "events.csv", 3, "lies in the future", '{"person_id": "ada"}')
    assert event_sources.add_to_quarantine(tmp_path, [row]) == 1
    assert event_sources.add_to_quarantine(tmp_path, [row]) == 0
    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("text", ["\ud800", "a\u2028b", "a\x85b", "\0"])
def test_a_quarantined_row_stays_one_line_whatever_was_typed(tmp_path: Path, text: str) -> None:
    row = Quarantined("events", "e.jsonl", 3, "is no row", f"person {text}")
    assert event_sources.add_to_quarantine(tmp_path, [row]) == 1
    assert event_sources.add_to_quarantine(tmp_path, [row]) == 0
    (line,) = (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["row"] == f"person {text}"
