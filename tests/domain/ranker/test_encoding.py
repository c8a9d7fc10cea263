"""States are those that the whole model has, in any batches, and a failure leaves the model whole."""

from __future__ import annotations

import random

import pytest
import torch

from components.domain.ranker import encoding
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prefix_tree import pack_lines
from components.domain.ranker.prompts import Reading

TOLERANCE = 1e-4  # float32: the order of additions differs


def _lines(count: int, longest: int) -> list[list[int]]:
    """Lines of random tokens; every third is the twin of an earlier one."""
    draw, lines = random.Random(count), list[list[int]]()
    for number in range(count):
        line = draw.choices(range(1000, 1200), k=draw.randint(1, longest))
        lines.append(draw.choice(lines) if number % 3 == 2 else line)
    return lines


def test_lower_states_are_what_transformers_gives_to_that_layer(small_model: LanguageModel) -> None:
    lines = _lines(encoding.LINES_AT_ONCE + 6, 5)
    lower = [encoding.lower_states(small_model, lines, first_tuned) for first_tuned in range(2)]
    for number, line in enumerate(lines):
        with torch.no_grad():
            entering = small_model.network(torch.tensor([line]), output_hidden_states=True).hidden_states
        for states, whole in zip(lower, entering, strict=False):
            torch.testing.assert_close(states[number], whole[0], atol=TOLERANCE, rtol=0)


def test_states_do_not_depend_on_what_they_are_read_with(small_model: LanguageModel) -> None:
    lines, batches = _lines(300, 16), []
    states = encoding.hidden_states(small_model, lines, lambda: batches.append(1))
    assert len(batches) > 1
    order = random.Random(0).sample(range(len(lines)), len(lines))
    shuffled = encoding.hidden_states(small_model, [lines[number] for number in order])
    assert torch.allclose(shuffled, states[order], atol=TOLERANCE)
    assert not torch.allclose(states[0], states[1], atol=TOLERANCE)


def test_sequences_of_other_lengths_in_one_pass_give_what_each_gives_alone(
    small_model: LanguageModel,
) -> None:
    packed = [sequence for sequence, _ in (*pack_lines(_lines(20, 9), 12), *pack_lines([range(1, 90)]))]
    assert len({len(sequence.tokens) for sequence in packed}) == 2
    together = encoding.packed_states(small_model.decoder, packed, small_model.device)
    alone = [encoding.packed_states(small_model.decoder, [each], small_model.device) for each in packed]
    assert torch.allclose(together, torch.cat(alone), atol=TOLERANCE)


@pytest.mark.parametrize("reading", [Reading(), Reading(layer=1)])
def test_a_repeatable_state_is_the_same_to_the_last_bit_and_that_of_transformers(
    small_model: LanguageModel, reading: Reading
) -> None:
    lines = _lines(150, 12)
    states = encoding.repeatable_states(small_model, lines, reading)
    some = random.Random(0).sample(range(len(lines)), 70)
    assert torch.equal(
        encoding.repeatable_states(small_model, [lines[number] for number in some], reading), states[some]
    )
    assert torch.allclose(encoding.hidden_states(small_model, lines, reading=reading), states, atol=TOLERANCE)
    with torch.no_grad():
        whole = small_model.network(torch.tensor([lines[1]]), output_hidden_states=True)
    expected = whole.hidden_states[reading.layer or -1][0, -1]
    torch.testing.assert_close(states[1], expected, atol=TOLERANCE, rtol=0)


def test_a_failure_leaves_every_layer_in_its_order(small_model: LanguageModel) -> None:
    whole = [*small_model.decoder.layers, small_model.decoder.norm]
    with pytest.raises(IndexError):
        encoding.lower_states(small_model, [[10**6]], 1)  # a token that the model does not have
    assert [*small_model.decoder.layers, small_model.decoder.norm] == whole


@pytest.mark.parametrize("layer", [1, 2])
def test_a_reading_up_to_a_layer_is_what_transformers_gives_there(
    small_model: LanguageModel, layer: int
) -> None:
    lines = _lines(7, 20)
    with torch.no_grad():
        whole = [
            small_model.decoder(input_ids=torch.tensor([line]), output_hidden_states=True).hidden_states
            for line in lines
        ]
    before_norm: list[torch.Tensor] = []
    hook = small_model.decoder.norm.register_forward_pre_hook(lambda _, inputs: before_norm.append(inputs[0]))
    for line in lines:
        small_model.decoder(input_ids=torch.tensor([line]))
    hook.remove()
    expected = before_norm if layer == 2 else [states[layer] for states in whole]
    states = encoding.hidden_states(small_model, lines, reading=Reading(layer=layer))
    for state, one in zip(states, expected, strict=True):
        assert torch.allclose(state, one[0, -1], atol=1e-5)
    assert len(small_model.decoder.layers) == 2
