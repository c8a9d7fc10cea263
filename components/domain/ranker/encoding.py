"""torch: last hidden states of packed sequences and of dish lines.

Where nothing is trained, `hidden_states` reads what lines share once. Where only upper layers are tuned, what
enters the first tuned layer never changes: `lower_states` computes it once for each line, and a training step
runs the upper layers alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.packing import Packed
from components.domain.ranker.prefix_tree import tree_rows

LINES_AT_ONCE = 64
ROWS_AT_ONCE = 8  # faster than row by row; decision 0017
KEPT = 128  # lines whose activations are kept for the backward pass: about a gigabyte at 135 M parameters


class _Passthrough(nn.Module):
    """Stands in for a layer that is not to run."""

    def forward(self, hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
        """The hidden states as they came."""
        return hidden_states


def hidden_states(model: LanguageModel, lines: Sequence[Sequence[int]]) -> Tensor:
    """(lines, width) hidden state after each line of token ids, without gradients."""
    rows = tree_rows(lines)
    order = [place for _, places in rows for place in places]
    found = []
    with torch.no_grad():
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = [row for row, _ in rows[start : start + ROWS_AT_ONCE]]
            found.append(packed_states(model.decoder, part, model.device))
    return _in_order(torch.cat(found), order)


def packed_states(decoder: Callable[..., Any], rows: Sequence[Packed], device: torch.device) -> Tensor:
    """One forward pass over packed rows.

    Args:
        decoder: Gives `.last_hidden_state` for `input_ids`, `position_ids` and a 4-D additive
            `attention_mask`.
        rows: Padded here to the longest.
        device: Where the decoder lies.

    Returns:
        (dishes, width) hidden states at the rows' `answer_at`, row after row.
    """
    length = max(len(row.tokens) for row in rows)
    shape = (len(rows), length)
    tokens, positions = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    visible = torch.eye(length, dtype=torch.bool).repeat(len(rows), 1, 1)
    answer_at = []
    for index, row in enumerate(rows):
        size = len(row.tokens)
        tokens[index, :size] = torch.from_numpy(row.tokens)
        positions[index, :size] = torch.from_numpy(row.positions)
        visible[index, :size, :size] = torch.from_numpy(row.mask)
        answer_at.append(torch.from_numpy(row.answer_at) + index * length)
    dtype = next(decoder.parameters()).dtype  # type: ignore[attr-defined]
    mask = torch.zeros((len(rows), 1, length, length), dtype=dtype).masked_fill(
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
    """For each line (tokens, width) what enters layer `first_tuned`, without gradients."""
    found: list[Tensor] = [torch.empty(0)] * len(lines)
    with torch.no_grad(), _only_layers(model.decoder, range(first_tuned), ends=False):
        for part in _by_length(lines):
            tokens, mask = _padded([torch.tensor(lines[place], device=model.device) for place in part])
            entered = model.decoder(input_ids=tokens, attention_mask=mask, use_cache=False).last_hidden_state
            for row, place in enumerate(part):
                found[place] = entered[row, : len(lines[place])].clone()
    return found


def upper_states(model: LanguageModel, lower: Sequence[Tensor], first_tuned: int) -> Tensor:
    """(lines, width) hidden state after each line, given what enters layer `first_tuned`; keeps gradients.

    With more than KEPT lines nothing but the states is kept for the backward pass, which computes the rest
    again batch by batch: memory then grows by what enters and leaves a line, at the price of a forward pass.
    """
    layers = range(first_tuned, len(model.decoder.layers))

    def run(states: Tensor, mask: Tensor) -> Tensor:
        # In here, since the backward pass may run it again when everything outside is long over.
        with _only_layers(model.decoder, layers, ends=True):
            return _last(model.decoder(inputs_embeds=states, attention_mask=mask, use_cache=False), mask)

    if len(lower) <= KEPT or not torch.is_grad_enabled():
        return _in_batches(lower, run)
    return _in_batches(lower, lambda states, mask: _again(run, states, mask))


def _again(run: Callable[[Tensor, Tensor], Tensor], states: Tensor, mask: Tensor) -> Tensor:
    made: Tensor = checkpoint(run, states, mask, use_reentrant=False)
    return made


def _last(output: Any, mask: Tensor) -> Tensor:
    ends = mask.sum(1) - 1
    return output.last_hidden_state[torch.arange(len(ends), device=ends.device), ends]  # type: ignore[no-any-return]


def _in_batches(lines: Sequence[Tensor], run: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    order, found = [], []
    for part in _by_length(lines):
        values, mask = _padded([lines[place] for place in part])
        found.append(run(values, mask))
        order += part
    return _in_order(torch.cat(found), order)


def _in_order(states: Tensor, places: Sequence[int]) -> Tensor:
    """The states, of which each row belongs at its place, in the order of the places."""
    back = torch.empty(len(places), dtype=torch.long)
    back[torch.tensor(places)] = torch.arange(len(places))
    return states[back.to(states.device)]


def _by_length(lines: Sequence[Any]) -> Iterator[list[int]]:
    """Places of lines in batches of like length, so that little is padded."""
    order = sorted(range(len(lines)), key=lambda place: len(lines[place]))
    for start in range(0, len(order), LINES_AT_ONCE):
        yield order[start : start + LINES_AT_ONCE]


def _padded(lines: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The lines stacked, zero after their ends, and (lines, tokens) 1 where there is a token."""
    values = nn.utils.rnn.pad_sequence(list(lines), batch_first=True)
    lengths = torch.tensor([len(line) for line in lines], device=values.device)
    mask = torch.arange(values.shape[1], device=values.device)[None] < lengths[:, None]
    return values, mask.long()


@contextlib.contextmanager
def _only_layers(decoder: Any, run: range, *, ends: bool) -> Iterator[None]:
    """The decoder with only these layers; without `ends` what the last of them gives is not normalised.

    Places stay, since a model may look a layer's kind up by its place.
    """
    layers, norm = list(decoder.layers), decoder.norm
    for place in range(len(layers)):
        if place not in run:
            decoder.layers[place] = _Passthrough()
    if not ends:
        decoder.norm = nn.Identity()
    try:
        yield
    finally:
        for place, layer in enumerate(layers):
            decoder.layers[place] = layer
        decoder.norm = norm
