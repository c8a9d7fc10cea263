"""torch: last hidden states of dish lines, with the frozen lower layers computed once.

Where only upper layers are tuned, what enters the first tuned layer never changes: `lower_states` computes it
once for each line, and a training step runs the upper layers alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from components.domain.language_model import LanguageModel

LINES_AT_ONCE = 64


class _Passthrough(nn.Module):
    """Stands in for a layer that is not to run."""

    def forward(self, hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
        """The hidden states as they came."""
        return hidden_states


def hidden_states(model: LanguageModel, lines: Sequence[Sequence[int]]) -> Tensor:
    """(lines, width) hidden state after each line of token ids, without gradients."""
    with torch.no_grad():
        return _in_batches(
            [torch.tensor(line, device=model.device) for line in lines],
            lambda tokens, mask: model.decoder(input_ids=tokens, attention_mask=mask, use_cache=False),
            _last,
        )


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
    """(lines, width) hidden state after each line, given what enters layer `first_tuned`; keeps gradients."""
    layers = range(first_tuned, len(model.decoder.layers))
    with _only_layers(model.decoder, layers, ends=True):
        return _in_batches(
            lower,
            lambda states, mask: model.decoder(inputs_embeds=states, attention_mask=mask, use_cache=False),
            _last,
        )


def _last(output: Any, mask: Tensor) -> Tensor:
    ends = mask.sum(1) - 1
    return output.last_hidden_state[torch.arange(len(ends), device=ends.device), ends]  # type: ignore[no-any-return]


def _in_batches(
    lines: Sequence[Tensor],
    run: Callable[[Tensor, Tensor], Any],
    take: Callable[[Any, Tensor], Tensor],
) -> Tensor:
    order, found = [], []
    for part in _by_length(lines):
        values, mask = _padded([lines[place] for place in part])
        found.append(take(run(values, mask), mask))
        order += part
    back = torch.empty(len(order), dtype=torch.long)
    back[torch.tensor(order)] = torch.arange(len(order))
    return torch.cat(found)[back.to(found[0].device)]


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
