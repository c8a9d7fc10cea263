"""Lines that begin alike: their shared tokens are read once.

Sorted lines form a tree of tokens. A packed sequence holds the tree of some lines. A token sees only the
tokens before it in its own line, so the state at a line's end is the same as for the line alone (tested).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.domain.ranker.packing import LENGTH_STEP, Packed

MAX_TOKENS = 192  # longer sequences pay for attention between lines that never see each other


def pack_lines(lines: Sequence[Sequence[int]], budget: int = MAX_TOKENS) -> list[tuple[Packed, list[int]]]:
    """Packs lines of token ids.

    Args:
        lines: Lines with at least one token each.
        budget: Largest number of tokens in a sequence; a longer line gets a sequence alone.

    Returns:
        Packed sequences, each with the positions in `lines` of the lines that end at its `answer_at`.
    """
    trees: list[tuple[_Tree, list[int]]] = [(_Tree(), [])]
    for number in sorted(range(len(lines)), key=lambda number: tuple(lines[number])):
        tree, numbers = trees[-1]
        if numbers and len(tree.tokens) + tree.growth(lines[number]) > budget:
            tree, numbers = _Tree(), []
            trees.append((tree, numbers))
        tree.add(lines[number])
        numbers.append(number)
    return [(tree.packed(), numbers) for tree, numbers in trees if numbers]


class _Tree:
    """A tree of tokens that grows by sorted lines; a line shares tokens only with the line before it."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.paths: list[list[int]] = []  # for each token, the tokens that it sees, itself last
        self.ends: list[int] = []

    def growth(self, line: Sequence[int]) -> int:
        """Counts the tokens that a line would add."""
        return len(line) - self._shared(line)

    def add(self, line: Sequence[int]) -> None:
        """Adds the tokens of a line that it does not share with the newest line."""
        shared = self._shared(line)
        path = self.paths[self.ends[-1]][:shared] if self.ends else []
        for token in line[shared:]:
            path = [*path, len(self.tokens)]
            self.tokens.append(token)
            self.paths.append(path)
        self.ends.append(path[-1])

    def packed(self) -> Packed:
        """Converts the tree to padded arrays; padding attends to itself, so that no softmax is empty."""
        size = len(self.tokens)
        length = -(-size // LENGTH_STEP) * LENGTH_STEP
        tokens, positions = np.zeros(length, np.int64), np.zeros(length, np.int64)
        mask = np.eye(length, dtype=np.bool_)
        tokens[:size] = self.tokens
        for token, path in enumerate(self.paths):
            positions[token] = len(path) - 1
            mask[token, path] = True
        return Packed(tokens, positions, mask, np.array(self.ends))

    def _shared(self, line: Sequence[int]) -> int:
        newest = [self.tokens[token] for token in self.paths[self.ends[-1]]] if self.ends else []
        differs = (
            index for index, (one, other) in enumerate(zip(newest, line, strict=False)) if one != other
        )
        return next(differs, min(len(newest), len(line)))
