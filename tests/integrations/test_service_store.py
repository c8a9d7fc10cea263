"""The service's store, asked directly."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.domain.errors import StageFailed
from components.domain.exposures import Feedback
from components.integrations.service_store import ServiceStore


def test_a_choice_whose_answer_is_gone_is_left_to_the_quarantine(tmp_path: Path) -> None:
    store, now = ServiceStore(f"sqlite:///{tmp_path / 'service.db'}"), datetime.now(UTC)
    store.add_feedback(Feedback("e1", "ada", "1", "choice", None, "gone", now))
    tables, _ = store.rows()
    assert tables["menus"] == []
    assert tables["events"][0]["menu_id"] == "gone"


def test_a_removal_that_a_reader_keeps_from_being_final_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "service.db"
    store = ServiceStore(f"sqlite:///{file}")
    store.add_feedback(Feedback("e1", "ada lovelace", "1", "like", None, "", datetime.now(UTC)))
    with sqlite3.connect(file, isolation_level=None) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM feedback").fetchall()
        with pytest.raises(StageFailed, match="run again"):
            store.forget("ada lovelace")
        reader.execute("COMMIT")
    reader.close()
    assert store.forget("ada lovelace") == 0
    assert not any(b"lovelace" in path.read_bytes() for path in tmp_path.iterdir())
