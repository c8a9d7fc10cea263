"""Memory of dish vectors: a model reads each dish's line once in its life."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from components.domain.ranker.encoding import TOKENS_AT_ONCE, go_on, hidden_states
from components.domain.ranker.heads import AnyHead
from components.domain.ranker.language_model import LanguageModel

MAX_VECTORS = 20_000  # number of vectors that a model keeps; before there would be more, all are dropped
_Keyed = tuple[bytes, tuple[int, ...]]  # a line's key in the memory of vectors, and the line


def vectors_of(
    model: LanguageModel,
    head: AnyHead,
    lines: Sequence[tuple[int, ...]],
    before_batch: Callable[[], None] = go_on,
) -> Tensor:
    """Looks up the vectors of lines, (lines, size), and reads those that the model has not read before.

    If the work ends early, the vectors of finished portions are kept; see `_portions`.

    Args:
        model: The model that reads the lines and keeps their vectors.
        lines: Lines of token ids, at least one.
        before_batch: Called before each batch of model work; an exception that it raises ends the work.
    """
    keys = [_key(line) for line in lines]
    new = {key: line for key, line in zip(keys, lines, strict=True) if key not in model.vectors}
    if len(model.vectors) + len(new) > MAX_VECTORS:
        model.vectors.clear()
        new = dict(zip(keys, lines, strict=True))
    # In the order of their tokens, so that lines that begin alike are read together.
    unread = sorted(new.items(), key=lambda entry: entry[1])
    for part in [unread] if before_batch is go_on and unread else _portions(unread):
        part_lines = [line for _, line in part]
        states = hidden_states(model, part_lines, before_batch, head.reading)
        vectors = head.vectors(states, part_lines)
        model.vectors.update(zip((key for key, _ in part), vectors, strict=True))
    return torch.stack([model.vectors[key] for key in keys])


def remember(model: LanguageModel, lines: Sequence[Sequence[int]], vectors: Tensor) -> None:
    """Replaces a model's memory by known vectors of lines, which it then does not read.

    Args:
        lines: Lines of token ids.
        vectors: (lines, size) vectors that model and head would compute.
    """
    model.vectors = dict(zip(map(_key, lines), vectors, strict=True))


def _portions(lines: Sequence[_Keyed]) -> Iterator[list[_Keyed]]:
    """Yields lines in portions of few batches; a portion's vectors are kept if the work ends after it."""
    portion: list[_Keyed] = []
    size = 0
    for key, line in lines:
        if portion and size + len(line) > TOKENS_AT_ONCE:
            yield portion
            portion, size = [], 0
        portion.append((key, line))
        size += len(line)
    if portion:
        yield portion


def _key(line: Sequence[int]) -> bytes:
    """Packs a line into four bytes per token; a tuple of numbers would take nine times as much."""
    return array("I", line).tobytes()
