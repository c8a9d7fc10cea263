"""torch: last hidden states of packed sequences and of dish lines.

Where nothing is trained, `hidden_states` reads the tokens that lines share only once. Where only upper layers
are tuned, the input of the first tuned layer never changes: `lower_states` computes it once for each line,
and a training step runs the upper layers alone.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.packing import Packed
from components.domain.ranker.prefix_tree import pack_lines
from components.domain.ranker.prompts import Reading

LAST_STATE = Reading()
LINES_AT_ONCE = 64
SEQUENCES_AT_ONCE = 8  # faster than one by one; decision 0017
TOKENS_AT_ONCE = 1536  # padded tokens in a batch of more than one sequence: bounds its memory and its seconds
MAX_ACTIVATIONS = 128  # lines kept for the backward pass: about a gigabyte at 135 M parameters


class _Passthrough(nn.Module):
    """Stands in for a layer that is skipped."""

    def forward(self, hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
        """Passes the hidden states on unchanged."""
        return hidden_states


def go_on() -> None:
    """Lets the work go on; the default for `before_batch`, where nothing can end the work early."""


def hidden_states(
    model: LanguageModel,
    lines: Sequence[Sequence[int]],
    before_batch: Callable[[], None] = go_on,
    reading: Reading = LAST_STATE,
) -> Tensor:
    """Computes the hidden state of each line of token ids, (lines, width), without gradients.

    Args:
        lines: Lines with at least one token each.
        before_batch: Called before each batch; an exception that it raises ends the work.
        reading: The layer; the lines already follow its template.
    """
    decoder, sequences = _up_to(model.decoder, reading.layer), pack_lines(lines)
    order = [number for _, numbers in sequences for number in numbers]
    states = []
    with torch.no_grad():
        for part in _batches([packed for packed, _ in sequences]):
            before_batch()
            states.append(packed_states(decoder, part, model.device))
    return _in_order(torch.cat(states), order)


def repeatable_states(
    model: LanguageModel, lines: Sequence[Sequence[int]], reading: Reading = LAST_STATE
) -> Tensor:
    """Computes hidden states as `hidden_states` does, but equal to the last bit whatever else is read.

    Rounding depends on the shapes of matrices, so all batches have the same number of lines, and each batch
    has lines of one length. This takes longer where lines begin alike, but the states can be stored for
    another night.
    """
    decoder = _up_to(model.decoder, reading.layer)
    states: list[Tensor] = [torch.empty(0)] * len(lines)
    order = sorted(range(len(lines)), key=lambda number: len(lines[number]))
    for _, group in itertools.groupby(order, key=lambda number: len(lines[number])):
        same = list(group)
        for start in range(0, len(same), LINES_AT_ONCE):
            part = same[start : start + LINES_AT_ONCE]
            full = [lines[number] for number in part] + [lines[part[0]]] * (LINES_AT_ONCE - len(part))
            with torch.no_grad():
                tokens = torch.tensor(full, device=model.device)
                hidden = decoder(input_ids=tokens, use_cache=False).last_hidden_state
            for number, state in zip(part, hidden[:, -1], strict=False):
                states[number] = state
    return torch.stack(states)


def _up_to(decoder: Any, layer: int) -> Any:
    """Builds a decoder of the first layers alone, which shares their weights; 0 gives the decoder itself.

    The decoder is copied and not changed, since a service reads with it in several threads.
    """
    if not layer:
        return decoder
    view = copy.copy(decoder)
    view._modules = dict(decoder._modules)
    view.layers, view.norm = nn.ModuleList(list(decoder.layers)[:layer]), nn.Identity()
    return view


def _batches(sequences: Sequence[Packed]) -> Iterator[list[Packed]]:
    """Yields the sequences in their order, in batches that TOKENS_AT_ONCE and SEQUENCES_AT_ONCE bound."""
    batch: list[Packed] = []
    for packed in sequences:
        longest = max(len(other.tokens) for other in (*batch, packed))
        if batch and (len(batch) == SEQUENCES_AT_ONCE or longest * (len(batch) + 1) > TOKENS_AT_ONCE):
            yield batch
            batch = []
        batch.append(packed)
    if batch:
        yield batch


def packed_states(decoder: Callable[..., Any], sequences: Sequence[Packed], device: torch.device) -> Tensor:
    """Runs one forward pass over packed sequences.

    Args:
        decoder: Computes `.last_hidden_state` from `input_ids`, `position_ids` and a 4-D additive
            `attention_mask`.
        sequences: Sequences, which are padded here to the longest.
        device: Device of the decoder.

    Returns:
        (dishes, width) hidden states, one for each `answer_at`, one sequence after the other.
    """
    length = max(len(packed.tokens) for packed in sequences)
    shape = (len(sequences), length)
    tokens, positions = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    visible = torch.eye(length, dtype=torch.bool).repeat(len(sequences), 1, 1)
    answer_at = []
    for index, packed in enumerate(sequences):
        size = len(packed.tokens)
        tokens[index, :size] = torch.from_numpy(packed.tokens)
        positions[index, :size] = torch.from_numpy(packed.positions)
        visible[index, :size, :size] = torch.from_numpy(packed.mask)
        answer_at.append(torch.from_numpy(packed.answer_at) + index * length)
    dtype = next(decoder.parameters()).dtype  # type: ignore[attr-defined]
    mask = torch.zeros((len(sequences), 1, length, length), dtype=dtype).masked_fill(
        ~visible[:, None], torch.finfo(dtype).min
    )
    hidden: Tensor = decoder(
        input_ids=tokens.to(device),
        position_ids=positions.to(device),
        attention_mask=mask.to(device),
        use_cache=False,
    ).last_hidden_state
    return hidden.flatten(0, 1).index_select(0, torch.cat(answer_at).to(device))


def lower_states(model: LanguageModel, lines: Sequence[Sequence[int]], first_tuned: int) -> list[Tensor]:
    """Computes the input of layer `first_tuned` for each line, (tokens, width), without gradients."""
    states: list[Tensor] = [torch.empty(0)] * len(lines)
    with torch.no_grad(), _only_layers(model.decoder, range(first_tuned), ends=False):
        for part in _by_length(lines):
            tokens, mask = _padded([torch.tensor(lines[number], device=model.device) for number in part])
            entering = model.decoder(input_ids=tokens, attention_mask=mask, use_cache=False).last_hidden_state
            for index, number in enumerate(part):
                states[number] = entering[index, : len(lines[number])].clone()
    return states


def upper_states(model: LanguageModel, lower: Sequence[Tensor], first_tuned: int) -> Tensor:
    """Computes the hidden state after each line, (lines, width), with gradients.

    `lower` holds each line's input of layer `first_tuned`. With more than MAX_ACTIVATIONS lines, only inputs
    and results are stored for the backward pass, which computes the rest again batch by batch. This saves
    memory and costs one more forward pass.
    """
    layers = range(first_tuned, len(model.decoder.layers))

    def run(states: Tensor, mask: Tensor) -> Tensor:
        # The layers are chosen in here since the backward pass may call this function again later.
        with _only_layers(model.decoder, layers, ends=True):
            return _last(model.decoder(inputs_embeds=states, attention_mask=mask, use_cache=False), mask)

    if len(lower) <= MAX_ACTIVATIONS or not torch.is_grad_enabled():
        return _in_batches(lower, run)
    return _in_batches(lower, lambda states, mask: _recomputed(run, states, mask))


def _recomputed(run: Callable[[Tensor, Tensor], Tensor], states: Tensor, mask: Tensor) -> Tensor:
    result: Tensor = checkpoint(run, states, mask, use_reentrant=False)
    return result


def _last(output: Any, mask: Tensor) -> Tensor:
    ends = mask.sum(1) - 1
    return output.last_hidden_state[torch.arange(len(ends), device=ends.device), ends]  # type: ignore[no-any-return]


def _in_batches(lines: Sequence[Tensor], run: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    order, states = [], []
    for part in _by_length(lines):
        values, mask = _padded([lines[number] for number in part])
        states.append(run(values, mask))
        order += part
    return _in_order(torch.cat(states), order)


def _in_order(states: Tensor, numbers: Sequence[int]) -> Tensor:
    """Sorts states by the numbers of their lines, (lines, width)."""
    position = torch.empty(len(numbers), dtype=torch.long)
    position[torch.tensor(numbers)] = torch.arange(len(numbers))
    return states[position.to(states.device)]


def _by_length(lines: Sequence[Any]) -> Iterator[list[int]]:
    """Yields the numbers of lines in batches of similar length, so that little is padded."""
    order = sorted(range(len(lines)), key=lambda number: len(lines[number]))
    for start in range(0, len(order), LINES_AT_ONCE):
        yield order[start : start + LINES_AT_ONCE]


def _padded(lines: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Stacks lines, with zeros after their ends; also returns a mask, (lines, tokens), 1 at each token."""
    values = nn.utils.rnn.pad_sequence(list(lines), batch_first=True)
    lengths = torch.tensor([len(line) for line in lines], device=values.device)
    mask = torch.arange(values.shape[1], device=values.device)[None] < lengths[:, None]
    return values, mask.long()


@contextlib.contextmanager
def _only_layers(decoder: Any, run: range, *, ends: bool) -> Iterator[None]:
    """Makes the decoder run only these layers, within a `with` block.

    Without `ends`, the output of the last layer is not normalised. Every layer keeps its index, since a model
    may look up a layer's kind by its index.
    """
    layers, norm = list(decoder.layers), decoder.norm
    for index in range(len(layers)):
        if index not in run:
            decoder.layers[index] = _Passthrough()
    if not ends:
        decoder.norm = nn.Identity()
    try:
        yield
    finally:
        for index, layer in enumerate(layers):
            decoder.layers[index] = layer
        decoder.norm = norm
