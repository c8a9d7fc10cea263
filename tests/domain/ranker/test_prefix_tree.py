"""Lines that share beginnings: read together, they give what each gives alone."""

from __future__ import annotations

import pytest
import torch

from components.domain.ranker import encoding
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prefix_tree import tree_rows

TOLERANCE = 1e-4  # float32: the order of additions differs


@pytest.mark.parametrize("row_tokens", [8, 40, 1000])
def test_states_are_those_of_each_line_alone(small_model: LanguageModel, row_tokens: int) -> None:
    texts = [
        "A dish: soup.",
        "A dish: soup of the day.",
        "Another",
        "A dish: soup.",
        "A dish",
        "A dish: salad.",
    ]
    lines = [small_model.encode(text) for text in texts]
    rows = tree_rows(lines, row_tokens)
    assert sorted(place for _, places in rows for place in places) == list(range(len(lines)))
    assert all(row.real <= row_tokens or len(places) == 1 for row, places in rows)
    for row, places in rows:
        found = encoding.packed_states(small_model.decoder, [row], small_model.device)
        for place, state in zip(places, found, strict=True):
            alone = small_model.decoder(input_ids=torch.tensor([lines[place]])).last_hidden_state[0, -1]
            assert torch.allclose(state, alone, atol=TOLERANCE)


def test_what_lines_share_is_read_once() -> None:
    ((row, places),) = tree_rows([(1, 2, 3), (1, 2, 4, 5), (1, 2, 3), (7,)])
    assert (row.real, places) == (6, [0, 2, 1, 3])
    assert row.tokens[: row.real].tolist() == [1, 2, 3, 4, 5, 7]
    assert row.positions[: row.real].tolist() == [0, 1, 2, 2, 3, 0]
