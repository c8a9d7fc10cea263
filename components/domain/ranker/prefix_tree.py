"""Lines that begin alike, read once up to where they part.

Sorted lines form a tree of tokens. A row holds the tree of some of them, and a token sees only the tokens
before it in its own line, so what is read at a line's end is what the line alone would give (tested).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.domain.ranker.packing import LENGTH_STEP, Packed

ROW_TOKENS = 192  # longer rows pay for attention between lines that never see each other


def tree_rows(lines: Sequence[Sequence[int]], row_tokens: int = ROW_TOKENS) -> list[tuple[Packed, list[int]]]:
    """Packs lines of token ids.

    Args:
        lines: Each with at least one token.
        row_tokens: Tokens in a row at most (a longer line gets a row alone).

    Returns:
        Rows, each with the places in `lines` of the lines that end at its `answer_at`.
    """
    rows: list[tuple[_Tree, list[int]]] = [(_Tree(), [])]
    for place in sorted(range(len(lines)), key=lambda each: tuple(lines[each])):
        tree, places = rows[-1]
        if places and len(tree.tokens) + tree.new(lines[place]) > row_tokens:
            tree, places = _Tree(), []
            rows.append((tree, places))
        tree.add(lines[place])
        places.append(place)
    return [(tree.packed(), places) for tree, places in rows if places]


class _Tree:
    """Grows by lines in sorted order: only the newest line's tokens can be shared."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.paths: list[list[int]] = []  # for each token the row's tokens that it sees, itself last
        self.ends: list[int] = []

    def new(self, line: Sequence[int]) -> int:
        """How many tokens the line would add."""
        return len(line) - self._shared(line)

    def add(self, line: Sequence[int]) -> None:
        shared = self._shared(line)
        path = self.paths[self.ends[-1]][:shared] if self.ends else []
        for token in line[shared:]:
            path = [*path, len(self.tokens)]
            self.tokens.append(token)
            self.paths.append(path)
        self.ends.append(path[-1])

    def packed(self) -> Packed:
        """The row's tensors, padded; padding attends to itself, so that no softmax is over nothing."""
        real = len(self.tokens)
        length = -(-real // LENGTH_STEP) * LENGTH_STEP
        tokens, positions = np.zeros(length, np.int64), np.zeros(length, np.int64)
        mask = np.eye(length, dtype=np.bool_)
        tokens[:real] = self.tokens
        for token, path in enumerate(self.paths):
            positions[token] = len(path) - 1
            mask[token, path] = True
        return Packed(tokens, positions, mask, np.array(self.ends), real)

    def _shared(self, line: Sequence[int]) -> int:
        newest = [self.tokens[each] for each in self.paths[self.ends[-1]]] if self.ends else []
        differs = (
            place for place, (one, other) in enumerate(zip(newest, line, strict=False)) if one != other
        )
        return next(differs, min(len(newest), len(line)))
