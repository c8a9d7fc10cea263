"""A version's card says what it learnt from, how it was judged, on whom, and what it is not for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.domain.verdict.evaluation import SliceResult
from components.domain.verdict.gate_report import as_markdown
from components.domain.verdict.model_card import LIMITS, Trained, model_card
from tests.domain.verdict.test_gate_report import REPORT

TRAINED = Trained("новый", "package:small", "Apache-2.0", "0123.dir", 1234567, {"seed": 7, "threads": 2})


def test_the_card_holds_data_base_settings_the_gate_and_all_limits() -> None:
    card = model_card(TRAINED, REPORT)
    for part in ("новый", "package:small, Apache-2.0", "1,234,567 events", "0123.dir", "seed: 7", *LIMITS):
        assert part in card
    assert as_markdown(REPORT) in card
    assert "by part" not in card  # nothing was measured by part


@pytest.mark.parametrize("licence", ["", "MIT"])
def test_a_base_without_a_licence_names_none(licence: str) -> None:
    card = model_card(replace(TRAINED, licence=licence), REPORT)
    assert f"- Base model package:small{', MIT' if licence else ''}\n" in card


def test_the_parts_of_the_test_are_those_of_the_best_candidate() -> None:
    part = SliceResult(0.5, 0.25, 0.75, 12, 345)
    report = replace(REPORT, slices={"short": {"новый": part}, "long": {"another": part}})
    card = model_card(TRAINED, report)
    assert "| short | 0.500 (0.250 to 0.750) | 12 | 345 |" in card
    assert "| long |" not in card
