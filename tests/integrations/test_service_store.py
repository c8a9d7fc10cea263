"""The service's store, asked directly."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from components.domain.exposures import Feedback
from components.integrations.service_store import ServiceStore


def test_a_choice_whose_answer_is_gone_is_left_to_the_quarantine(tmp_path: Path) -> None:
    store, now = ServiceStore(f"sqlite:///{tmp_path / 'service.db'}"), datetime.now(UTC)
    store.add_feedback(Feedback("e1", "ada", "1", "choice", None, "gone", now))
    tables, _ = store.rows()
    assert tables["menus"] == []
    assert tables["events"][0]["menu_id"] == "gone"
