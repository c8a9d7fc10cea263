"""Any number that params.yaml takes is one that the code behind it can use."""

from __future__ import annotations

import copy
import dataclasses
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.domain.errors import BadParams
from components.domain.params import Params
from components.domain.params_file import read_yaml, validate
from components.domain.preferences.limits import limits_of
from components.domain.preferences.opinions import Scale
from components.integrations.data_checks.frames import frames_of
from components.integrations.data_checks.suites import suites
from components.integrations.sources import source_of
from tests.accepted import events_of
from tests.conftest import REPO
from tests.integrations.test_data_checks import NIGHT, _tables
from tests.tables import whole_table

VALUES = read_yaml(REPO / "params.yaml")
SECTIONS = ("collect", "check", "evaluate", "alarms", "retention")
KEYS = [
    (section, key)
    for section in SECTIONS
    for key, value in VALUES[section].items()
    if isinstance(value, int | float) or key == "value_range"
]
NOW = datetime(2026, 11, 27, tzinfo=UTC)
LATER = dataclasses.replace(
    NIGHT, previous_events=3, past_news=tuple(range(1, 9)), previous_newest="2026-01-01T00:00:00+00:00"
)
TABLES = _tables()
FRAMES = frames_of({**TABLES, "events": []}, events_of(TABLES["events"]), LATER)
NUMBERS = st.one_of(
    st.floats(), st.integers(), st.floats(0, 1), st.integers(0, 9), st.sampled_from([1e9, 10**9, 87_600])
)


@given(
    changes=st.dictionaries(
        st.sampled_from(KEYS),
        st.tuples(NUMBERS, NUMBERS),
        min_size=1,
        max_size=3,
    )
)
@settings(max_examples=150)
def test_what_params_take_the_code_can_use(changes: dict[tuple[str, str], tuple[Any, Any]]) -> None:
    values = copy.deepcopy(VALUES)
    for (section, key), (one, other) in changes.items():
        values[section][key] = [one, other] if key == "value_range" else one
    try:
        params = validate(values, "params.yaml")
    except BadParams:
        return
    _use(params)


LARGEST: dict[str, dict[str, Any]] = {
    "collect": {"like_at": 1e9, "dislike_at": -1e9},
    "check": {"value_range": [-1e9, 1e9], "max_growth": 1e9, "min_events": 10**9},
    "evaluate": {"confidence": 0.999999, "subset": 10**9},
    "alarms": {"late_h": 87_600, "min_free_gb": 1e9},
    "retention": {"days": 36_500, "nights": 10**9, "remote_nights": 10**9},
}


def test_the_largest_numbers_can_be_used() -> None:
    values = {section: {**content, **LARGEST.get(section, {})} for section, content in VALUES.items()}
    _use(validate(values, "params.yaml"))


def _use(params: Params) -> None:
    """Does with the numbers what a night and a release do with them."""
    assert suites(FRAMES, LATER, params.check, has_people=True)["night"]
    assert limits_of(params, NOW).latest >= NOW
    assert source_of(params.collect, REPO)
    low, high = Scale.of(params.collect).limits(["canteen"])[0][::-1]
    assert math.isfinite(1 / (high - low))
    assert NOW - timedelta(hours=params.alarms.late_h) <= NOW
    assert NOW - timedelta(days=params.retention.days) < NOW


@whole_table("section key value", [
    ("check", "max_growth", math.inf), ("check", "value_range", [100, 0]),
    ("check", "value_range", [math.nan, math.nan]),
    ("collect", "like_at", math.nan),
    ("collect", "dislike_at", -math.inf), ("alarms", "late_h", math.inf),
    ("retention", "days", 1_000_000),
    ("train", "seed", 2**64), ("up", "stage_limit_h", math.inf), ("release", "watch_s", math.inf),
])  # fmt: skip
def test_a_number_that_cannot_be_used_is_refused_by_its_key(section: str, key: str, value: object) -> None:
    values = copy.deepcopy(VALUES)
    values[section][key] = value
    with pytest.raises(BadParams, match=rf"{section}\.{key}|{section}: .*{key}"):
        validate(values, "params.yaml")
