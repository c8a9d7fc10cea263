"""When a night may say that it brought nothing new."""

from __future__ import annotations

import pytest

from flows.night.report import NightReport
from flows.registry import Registered


@pytest.mark.parametrize(
    ("ran", "new", "rule_new", "nothing"),
    [
        (False, False, False, True),
        (True, False, False, False),
        (False, True, False, False),
        (False, False, True, False),  # only the rule was registered
    ],
)
def test_a_night_brings_nothing_new_only_if_it_neither_ran_a_stage_nor_registered_a_version(
    ran: bool, new: bool, rule_new: bool, nothing: bool
) -> None:
    registered = Registered("1", new, passed=False, champion=None, rule="2", rule_new=rule_new)
    report = NightReport(ran={"split": ran}, registered=registered)
    assert report.nothing_new is nothing
