"""A night that passes the gate, and the next one, which goes on from the champion that it made."""

from __future__ import annotations

import json

import pytest

from tests.flows.clones import Done, run_night, state_of
from tests.flows.meaning import write_inbox

pytestmark = pytest.mark.night


def test_a_taste_that_only_meaning_shows_passes_the_gate_and_becomes_the_first_champion(
    promoted: Done,
) -> None:
    models, gate = promoted.evaluation["models"], promoted.evaluation["gate"]
    assert gate["decision"] == "pass", gate["reason"]
    assert (
        models["content-history"]["pair_accuracy"]["mean"]
        == models["stacked-rules"]["pair_accuracy"]["mean"]
        == 0.5
    )
    assert models["reader"]["pair_accuracy"]["low"] > 0.6
    assert state_of(promoted.clone)["aliases"] == [("challenger", 1), ("champion", 1)]
    assert "palate:v1-" in promoted.first.stdout


def test_the_next_night_goes_on_from_the_champion_and_is_held_against_it(promoted: Done) -> None:
    again = run_night(promoted.clone)
    assert again.returncode == 0, again.stderr
    assert "Nothing new" in again.stdout  # the champion is tonight's own candidate: nothing is compared anew
    write_inbox(promoted.clone.parent / "inbox", days=11)
    second = run_night(promoted.clone)
    assert second.returncode == 0, second.stderr
    assert "from champion 1: 40 new comparisons, 120 replayed" in second.stderr
    adapter = promoted.clone / "models" / "adapters" / "reader"
    made = json.loads((adapter / "training.json").read_text())
    assert (made["started_from"], made["new"], made["replayed"]) == ("1", 40, 120)
    assert promoted.evaluation["models"]["champion"]["kind"] == "champion"
    full = run_night(promoted.clone, "--full")
    assert "from scratch: a full training was asked for" in full.stderr
    assert json.loads((adapter / "training.json").read_text())["started_from"] == ""
