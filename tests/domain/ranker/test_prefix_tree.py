"""Lines that share beginnings: read together, they give what each gives alone."""

from __future__ import annotations

import pytest
import torch

from components.domain.ranker import encoding
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prefix_tree import pack_lines

TOLERANCE = 1e-4  # float32: the order of additions differs


@pytest.mark.parametrize("budget", [8, 40, 1000])
def test_states_are_those_of_each_line_alone(small_model: LanguageModel, budget: int) -> None:
    texts = [
        "A dish: soup.",
        "A dish: soup of the day.",
        "Another",
        "A dish: soup.",
        "A dish",
        "A dish: salad.",
    ]
    lines = [small_model.encode(text) for text in texts]
    sequences = pack_lines(lines, budget)
    assert sorted(number for _, numbers in sequences for number in numbers) == list(range(len(lines)))
    assert all(packed.answer_at.max() < budget or len(numbers) == 1 for packed, numbers in sequences)
    for packed, numbers in sequences:
        states = encoding.packed_states(small_model.decoder, [packed], small_model.device)
        for number, state in zip(numbers, states, strict=True):
            alone = small_model.decoder(input_ids=torch.tensor([lines[number]])).last_hidden_state[0, -1]
            assert torch.allclose(state, alone, atol=TOLERANCE)


def test_what_lines_share_is_read_once() -> None:
    ((packed, numbers),) = pack_lines([(1, 2, 3), (1, 2, 4, 5), (1, 2, 3), (7,)])
    assert (packed.answer_at.max(), numbers) == (5, [0, 2, 1, 3])
    assert packed.tokens[:6].tolist() == [1, 2, 3, 4, 5, 7]
    assert packed.positions[:6].tolist() == [0, 1, 2, 2, 3, 0]
