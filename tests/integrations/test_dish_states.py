"""A stored state is the one that would be read; no file of another base or reading is used, no torn one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.domain.ranker.encoding import repeatable_states
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import Reading
from components.integrations.dish_states import StoredStates

TOKENS = st.lists(st.integers(0, 50), min_size=1, max_size=6).map(tuple)
READINGS = st.builds(Reading, layer=st.integers(0, 2))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.lists(TOKENS, min_size=1, max_size=9), READINGS), min_size=1, max_size=4))
def test_states_are_those_of_a_reading_without_a_store(
    small_model: LanguageModel,
    tmp_path_factory: pytest.TempPathFactory,
    nights: list[tuple[list[tuple[int, ...]], Reading]],
) -> None:
    states = StoredStates(tmp_path_factory.mktemp("states"), small_model, "a" * 64)
    for lines, reading in nights:
        assert torch.equal(states(lines, reading=reading), repeatable_states(small_model, lines, reading))


def test_only_new_lines_are_read_and_gone_ones_leave_the_file(
    small_model: LanguageModel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    states = StoredStates(tmp_path, small_model, "a" * 64)
    for lines, read in ([(1, 2), (3,)], 2), ([(3,), (1, 2)], 0), ([(3,), (4, 5)], 1), ([(1, 2)], 1):
        states(lines, reading=Reading())
        assert f"{len(lines)} dishes: {read} are read" in caplog.messages[-1]
    other = Reading("{dish}?")  # of the same layer: neither takes the other's place
    for reading, lines, read in (
        (other, [(6,), (7,)], 2),
        (Reading(), [(1, 2)], 0),
        (other, [(6,), (7,)], 0),
    ):
        states(lines, reading=reading)
        assert f"{read} are read" in caplog.messages[-1]
    StoredStates(tmp_path, small_model, "b" * 64)([(1, 2)], reading=Reading())
    assert "1 are read" in caplog.messages[-1]  # another base


@pytest.mark.parametrize("rest", [b"", b"torn", 40])
def test_a_torn_file_is_read_anew(small_model: LanguageModel, tmp_path: Path, rest: bytes | int) -> None:
    states = StoredStates(tmp_path, small_model, "a" * 64)
    before = states([(1, 2), (3,)], reading=Reading())
    (file,) = tmp_path.glob("*.safetensors")
    file.write_bytes(rest if isinstance(rest, bytes) else file.read_bytes()[:-rest])
    assert torch.equal(states([(3,), (1, 2)], reading=Reading()), before[[1, 0]])
