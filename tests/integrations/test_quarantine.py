"""The quarantine holds every refused row once, however often and wherever it comes again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.domain.preferences.events import Quarantined
from components.integrations import quarantine

CONTENTS = st.sampled_from([("ada", "bad"), ("ada", "worse"), ("eve", "bad"), ("борщ\u2028", "bad")])


def _rows(contents: list[tuple[str, str]], first_line: int = 1) -> list[Quarantined]:
    return [
        Quarantined("events", "events.csv", line, reason, json.dumps({"person_id": person}))
        for line, (person, reason) in enumerate(contents, first_line)
    ]


def test_an_export_with_the_newest_rows_on_top_adds_only_what_is_new(tmp_path: Path) -> None:
    contents = [("ada", "bad"), ("ada", "bad"), ("eve", "worse")]
    assert quarantine.add(tmp_path, _rows(contents)) == 3
    stored = (tmp_path / "events.jsonl").read_text()
    for night in range(1, 5):
        assert quarantine.add(tmp_path, _rows(contents, first_line=1 + 50 * night)) == 0
        assert (tmp_path / "events.jsonl").read_text() == stored
    assert quarantine.add(tmp_path, _rows([("new", "bad"), *contents], first_line=300)) == 1
    assert len(quarantine.rows_of(tmp_path, "events")) == 4


@given(st.lists(st.lists(CONTENTS, max_size=6), max_size=5))
def test_a_row_is_there_as_often_as_it_came_in_one_night(
    tmp_path_factory: pytest.TempPathFactory, nights: list[list[tuple[str, str]]]
) -> None:
    folder = tmp_path_factory.mktemp("quarantine")
    for night in nights:
        quarantine.add(folder, _rows(night))
    lines = (folder / "events.jsonl").read_text().splitlines() if any(nights) else []
    stored = [(json.loads(entry["row"])["person_id"], entry["reason"]) for entry in map(json.loads, lines)]
    for content in {content for night in nights for content in night}:
        assert stored.count(content) == max(night.count(content) for night in nights)


def test_a_torn_line_stays_and_is_one_row(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text('{"table": "eve\n')
    assert quarantine.add(tmp_path, _rows([("ada", "bad")])) == 1
    assert quarantine.add(tmp_path, _rows([("ada", "bad")])) == 0
    assert len(quarantine.rows_of(tmp_path, "events")) == 2
