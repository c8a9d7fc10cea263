"""A night that passes the gate, and the next one, which goes on from the champion that it made."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.flows.clones import Done, run_night, state_of
from tests.flows.digits import DAYS, FIRST_DAY, write_inbox


def test_a_taste_that_no_rule_can_know_passes_the_gate_and_becomes_the_first_champion(promoted: Done) -> None:
    models, gate = promoted.evaluation["models"], promoted.evaluation["gate"]
    assert gate["decision"] == "pass", gate["reason"]
    assert models["content-history"]["pair_accuracy"]["mean"] == 0.5
    assert models["stacked-rules"]["pair_accuracy"]["mean"] == 0.5
    assert state_of(promoted.clone)["aliases"] == [("challenger", 1), ("champion", 1)]
    assert "palate:v1-" in promoted.first.stdout


@pytest.mark.slow
def test_a_night_on_the_champions_own_data_compares_nothing_anew(
    promoted: Done, prefect: dict[str, str]
) -> None:
    again = run_night(promoted.clone, env=prefect)
    assert again.returncode == 0, again.stderr
    assert "Nothing new" in again.stdout


def test_the_next_night_goes_on_from_the_champion_and_is_held_against_it(
    promoted: Done, prefect: dict[str, str]
) -> None:
    write_inbox(promoted.clone.parent / "inbox", days=DAYS + 1)
    second = run_night(promoted.clone, env=prefect)
    assert second.returncode == 0, second.stderr
    assert "from champion 1: 40 new comparisons, 120 replayed" in second.stderr
    training = json.loads((promoted.clone / "models" / "adapters" / "reader" / "training.json").read_text())
    assert (training["started_from"], training["new"], training["replayed"]) == ("1", 40, 120)
    assert promoted.evaluation["models"]["champion"]["kind"] == "champion"
    ledger = json.loads((promoted.clone / "reports" / "ledger.json").read_text())["ledgers"]["reader"]
    assert (ledger["champion"], ledger["after"], ledger["looks"]) == ("1", _day(DAYS - 1), 1)
    assert [day["day"] for day in ledger["days"]] == [_day(DAYS)]  # no day counts twice
    assert "by 1 days (at least 10)" in promoted.evaluation["gate"]["reason"]


def _day(number: int) -> str:
    return (FIRST_DAY + timedelta(days=number)).isoformat()


@pytest.mark.slow
def test_a_night_that_is_asked_for_a_full_training_starts_from_scratch(
    promoted: Done, prefect: dict[str, str]
) -> None:
    full = run_night(promoted.clone, "--full", env=prefect)
    assert full.returncode == 0, full.stderr
    assert "from scratch: a full training was asked for" in full.stderr
    training = json.loads((promoted.clone / "models" / "adapters" / "reader" / "training.json").read_text())
    assert training["started_from"] == ""
