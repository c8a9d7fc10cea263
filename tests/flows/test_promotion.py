"""A night that passes the gate, and the next one, which goes on from the champion that it made."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.flows.clones import Done, copy_of, lend_cache, make_clone, run_night, state_of
from tests.flows.digits import DAYS, FIRST_DAY, PEOPLE, write_inbox
from tests.flows.room import set_params

pytestmark = pytest.mark.slow


def test_a_taste_that_no_rule_can_know_passes_the_gate_and_becomes_the_first_champion(promoted: Done) -> None:
    models, gate = promoted.evaluation["models"], promoted.evaluation["gate"]
    assert gate["decision"] == "pass", gate["reason"]
    assert models["content-history"]["pair_accuracy"]["mean"] == 0.5
    assert models["stacked-rules"]["pair_accuracy"]["mean"] == 0.5
    assert state_of(promoted.clone)["aliases"] == [("challenger", 1), ("champion", 1)]
    assert "palate:v1-" in promoted.first.stdout


def test_a_night_on_the_champions_own_data_compares_nothing_anew(
    promoted: Done, prefect: dict[str, str]
) -> None:
    again = run_night(promoted.clone, env=prefect)
    assert again.returncode == 0, again.stderr
    assert "Nothing new" in again.stdout


def test_the_next_night_goes_on_from_the_champion_and_is_held_against_it(
    promoted: Done, prefect: dict[str, str]
) -> None:
    inbox = promoted.clone.parent / "inbox"
    write_inbox(inbox, days=DAYS + 1)
    set_params(promoted.clone, "collect", inbox=str(inbox))
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


def test_a_night_that_is_asked_for_a_full_training_starts_from_scratch(
    promoted: Done, prefect: dict[str, str]
) -> None:
    full = run_night(promoted.clone, "--full", env=prefect)
    assert full.returncode == 0, full.stderr
    assert "from scratch: a full training was asked for" in full.stderr
    training = json.loads((promoted.clone / "models" / "adapters" / "reader" / "training.json").read_text())
    assert training["started_from"] == ""


def test_a_champion_that_reads_in_context_is_compared_with_nothing(
    promoted: Done, prefect: dict[str, str], tmp_path: Path
) -> None:
    clone = copy_of(promoted.clone, tmp_path / "clone")
    champion = clone / "models" / "champion"
    (champion / "head.safetensors").unlink(missing_ok=True)
    (champion / "champion.json").write_text('{"version": "1"}')
    night = run_night(clone, env=prefect)
    assert night.returncode == 0, night.stderr
    assert "version 1 is no champion to compare with: it reads dishes in context" in night.stderr
    assert json.loads((champion / "champion.json").read_text()) == {"version": None}


def test_few_news_keep_the_champion_and_a_longer_test_never_judges_it_by_what_it_has_read(
    first_promotion: Path, small_base: Path, prefect: dict[str, str], tmp_path: Path
) -> None:
    clone, inbox = make_clone(tmp_path / "clone", small_base), tmp_path / "inbox"
    lend_cache(first_promotion / "clone", clone)
    write_inbox(inbox, days=DAYS)
    assert run_night(clone, "--data", str(inbox), env=prefect).returncode == 0
    params = yaml.safe_load((inbox / "params.yaml").read_text())
    params["train"]["incremental"] = {"min_new": 1000}
    few = _night_with_test_of(12, params, clone, inbox, prefect)
    assert "champion 1 is kept" in few
    longer = _night_with_test_of(20, params, clone, inbox, prefect)
    assert "from scratch: the champion has read data until" in longer
    models = json.loads((clone / "reports" / "evaluation.json").read_text())["models"]
    assert models["reader"]["comparisons"] == 20 * PEOPLE
    assert models["champion"]["comparisons"] == 14 * PEOPLE  # the days that its own night held out


def _night_with_test_of(
    days: int, params: dict[str, Any], clone: Path, inbox: Path, prefect: dict[str, str]
) -> str:
    """What a night logs that holds out so many days."""
    params["split"]["test_days"] = days
    (inbox / "params.yaml").write_text(yaml.safe_dump(params))
    night = run_night(clone, "--data", str(inbox), env=prefect)
    assert night.returncode == 0, night.stderr
    return night.stderr
